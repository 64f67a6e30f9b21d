"""`antiphon serve` and `antiphon models`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec

from antiphon.cli.output import NOTHING_TO_REACH, fail, remark, run, say, show_json
from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon, ModelEntry
from antiphon.gateway.listing import to_try
from antiphon.server.serve import serve

_MOST_SHOWN = 12


def serve_command(config: Path | None, host: str | None, port: int | None) -> None:
    """Serve until a signal says stop."""
    run(_serve(config, host, port))


def models_command(config: Path | None, *, as_json: bool) -> None:
    """List what can be asked for."""
    run(_models(config, as_json=as_json))


async def _serve(config: Path | None, host: str | None, port: int | None) -> None:
    overrides = {"server": {k: v for k, v in (("host", host), ("port", port)) if v is not None}}
    async with Antiphon(load(config, overrides=overrides), alone=True) as gateway:
        if not gateway.settings.providers:
            fail(NOTHING_TO_REACH)

        async def on_ready(address: str) -> None:
            _greet(gateway, address)
            _list(await gateway.reachable(), address, gateway)

        await serve(gateway, on_ready=on_ready, told=say)


async def _models(config: Path | None, *, as_json: bool) -> None:
    gateway = Antiphon.from_config(config)
    if not gateway.settings.providers:
        fail(NOTHING_TO_REACH)
    # Only asked for their lists, so no journal and no ledger is opened.
    async with aclosing(gateway.transport):
        entries = await gateway.reachable()
    for name, reason in gateway.unreachable.items():
        remark(f"{name}: {reason}")
    if as_json:
        show_json([{"name": each.name, "deployments": each.deployments} for each in entries])
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in () if as_json else entries:
        direct = entry.deployments == (entry.name,)
        say(entry.name if direct else f"{entry.name:{width}}  {', '.join(entry.deployments)}")
    if not entries:
        fail("no model can be reached")


def _greet(gateway: Antiphon, address: str) -> None:
    say(f"Antiphon {gateway.version} serves on {address}  (configuration: {gateway.source})")
    for warning in gateway.warnings:
        say(f"  warning: {warning}")
    admin = gateway.admin_key
    if admin is not None and admin.fresh is not None:
        say(f"  admin key, shown only now: {admin.fresh.reveal()}")
    if not gateway.settings.auth.required:
        say("  no key is required: only this machine is served (auth.required: true opens it)")


def _list(entries: Sequence[ModelEntry], address: str, gateway: Antiphon) -> None:
    for name, reason in gateway.unreachable.items():
        say(f"  {name}: {reason}")
    if not entries:
        say("  no model can be reached right now; ask for PROVIDER/MODEL")
        return
    say(f"  models: {', '.join(entry.name for entry in entries[:_MOST_SHOWN])}")
    if len(entries) > _MOST_SHOWN:
        say(f"          and {len(entries) - _MOST_SHOWN} more: antiphon models")
    say("  try:")
    say(f"    {_curl(address, to_try([entry.name for entry in entries]), gateway)}")


def _curl(address: str, model: str, gateway: Antiphon) -> str:
    """A line that can be pasted."""
    server = gateway.settings.server
    # What listens everywhere is asked here.
    address = address.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    asked = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    words = ["curl", f"{address}{server.root_path}/v1/chat/completions"]
    if gateway.settings.auth.required:
        words += ["-H", "authorization: Bearer YOUR_KEY"]
    words += ["-H", "content-type: application/json", "-d", msgspec.json.encode(asked).decode()]
    return shlex.join(words)
