"""`antiphon config`: check, schema, show."""

from __future__ import annotations

from pathlib import Path

from antiphon.cli.output import fail, say, show_json
from antiphon.config.load import load
from antiphon.config.schema import schema
from antiphon.config.show import shown, shown_yaml
from antiphon.errors import ConfigurationError
from antiphon.gateway.gateway import Antiphon


def check_command(file: Path | None, *, as_json: bool) -> None:
    """Say whether the configuration can be used; exits with 1 and every mistake if not."""
    try:
        gateway = Antiphon.from_config(file)
    except ConfigurationError as error:
        if as_json:
            rows = [
                {"where": each.where, "path": each.path, "message": each.message}
                for each in error.mistakes
            ]
            show_json({"ok": False, "mistakes": rows})
            raise SystemExit(1) from error
        count = len(error.mistakes)
        fail(f"{count} mistake{'s' if count > 1 else ''}\n{error.message}")
    if as_json:
        show_json({"ok": True, "source": gateway.source, "warnings": list(gateway.warnings)})
        return
    for warning in gateway.warnings:
        say(f"warning: {warning}")
    say(f"{gateway.source}: ok, {len(gateway.snapshot.plans)} models")


def schema_command() -> None:
    """Print the JSON Schema."""
    show_json(schema())


def show_command(file: Path | None, *, as_json: bool) -> None:
    """Print what is in force."""
    loaded = load(file)
    if as_json:
        show_json(shown(loaded.settings))
    else:
        say(shown_yaml(loaded.settings).rstrip())
