"""`antiphon config`: check, schema, show."""

from __future__ import annotations

from pathlib import Path

from antiphon.cli.output import NOTHING_TO_REACH, describe, fail, say, show_json
from antiphon.clock import Clock
from antiphon.config.load import load
from antiphon.config.schema import schema
from antiphon.config.show import shown, shown_yaml
from antiphon.errors import ConfigurationError
from antiphon.gateway.gateway import Antiphon


def check_command(file: Path | None, *, as_json: bool, clock: Clock | None = None) -> None:
    """Say whether the configuration can be served; exits with 1 and every mistake if not.

    Builds all that a start would build, and leaves nothing behind.
    """
    try:
        gateway = Antiphon.from_config(file, clock=clock)
    except ConfigurationError as error:
        if not as_json:
            fail(describe(error))
        rows = [
            {"where": each.where, "path": each.path, "message": each.message}
            for each in error.mistakes
        ]
        show_json({"ok": False, "mistakes": rows})
        raise SystemExit(1) from error
    usable = bool(gateway.settings.providers)
    if as_json:
        mistakes = [] if usable else [{"where": gateway.source, "message": NOTHING_TO_REACH}]
        outcome = {"ok": usable, "source": gateway.source, "warnings": list(gateway.warnings)}
        show_json({**outcome, "mistakes": mistakes})
        raise SystemExit(0 if usable else 1)
    if not usable:
        fail(NOTHING_TO_REACH)
    for warning in gateway.warnings:
        say(f"warning: {warning}")
    counts = f"{_count(len(gateway.settings.providers), 'provider')}, " + _count(
        len(gateway.snapshot.plans), "model"
    )
    say(f"{gateway.source}: ok, {counts}")


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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
