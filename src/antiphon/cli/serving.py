"""`antiphon serve` and `antiphon models`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from antiphon.cli.output import fail, run, say, show_json
from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon, ModelEntry
from antiphon.server.serve import serve

_MOST_SHOWN = 12
NOTHING_TO_REACH = """no provider is configured.

  * Set a key, such as OPENAI_API_KEY, MOONSHOT_API_KEY, ZAI_API_KEY; or OLLAMA_HOST; or
    LLM_BASE_URL with LLM_API_KEY and LLM_MODEL.
  * Or write an antiphon.yaml: see antiphon.example.yaml and docs/configuration.md.
  * Or look at it first, with pretend providers: antiphon demo"""


def serve_command(config: Path | None, host: str | None, port: int | None) -> None:
    """Serve until a signal says stop."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    run(_serve(config, host, port))


def models_command(config: Path | None, *, as_json: bool) -> None:
    """List what can be asked for."""
    run(_models(config, as_json=as_json))


async def _serve(config: Path | None, host: str | None, port: int | None) -> None:
    overrides = {"server": {k: v for k, v in (("host", host), ("port", port)) if v is not None}}
    async with Antiphon(load(config, overrides=overrides)) as gateway:
        if not gateway.settings.providers:
            fail(NOTHING_TO_REACH)

        async def on_ready(address: str) -> None:
            _greet(gateway, address)
            _list(await gateway.reachable(), address, gateway)

        await serve(gateway, on_ready=on_ready)


async def _models(config: Path | None, *, as_json: bool) -> None:
    async with Antiphon.from_config(config) as gateway:
        if not gateway.settings.providers:
            fail(NOTHING_TO_REACH)
        entries = await gateway.reachable()
        if as_json:
            show_json(entries)
            return
        for entry in entries:
            say(f"{entry.name:40} {', '.join(entry.deployments)}")
        for name, reason in gateway.unreachable.items():
            say(f"{name}: {reason}")
        if not entries:
            fail("no model can be reached")


def _greet(gateway: Antiphon, address: str) -> None:
    say(f"Antiphon {gateway.version} serves on {address}  (configuration: {gateway.source})")
    for warning in gateway.warnings:
        say(f"  warning: {warning}")
    if gateway.admin_key.fresh is not None:
        say(f"  admin key, shown only now: {gateway.admin_key.fresh.reveal()}")
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
    key = " -H 'authorization: Bearer YOUR_KEY'" if gateway.settings.auth.required else ""
    say("  try:")
    say(
        f"    curl {address}/v1/chat/completions{key} -H 'content-type: application/json' "
        f'-d \'{{"model": "{entries[0].name}", '
        '"messages": [{"role": "user", "content": "Hello"}]}\''
    )
