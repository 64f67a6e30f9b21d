"""`antiphon simulate`: pretend providers that stay up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from antiphon.cli.output import fail, run, say, show_json
from antiphon.simulator import PROFILES, Fleet, SimulatorSpec, fleet_specs


class _Running(msgspec.Struct, frozen=True):
    name: str
    base_url: str


def simulate_command(
    *,
    port: int,
    count: int,
    host: str,
    seed: int,
    latency: str,
    replay: Path | None,
    as_json: bool,
) -> None:
    """Run pretend providers until interrupted."""
    if latency not in PROFILES:
        fail(f"there is no latency {latency!r}; there are {', '.join(PROFILES)}", 2)
    if replay is not None and not replay.exists():
        fail(f"{replay} does not exist", 2)
    specs = [
        msgspec.structs.replace(spec, replay=replay)
        for spec in fleet_specs(count, first_port=port, seed=seed, latency=latency)
    ]
    try:
        run(_simulate(specs, host, as_json=as_json))
    except KeyboardInterrupt:
        say("stopped")


async def _simulate(specs: list[SimulatorSpec], host: str, *, as_json: bool) -> None:
    async with Fleet(specs, host=host) as fleet:
        running = [_Running(each.name, each.base_url) for each in fleet.values()]
        if as_json:
            show_json(running)
        else:
            for each in running:
                say(f"{each.name} pretends to be a provider on {each.base_url}")
            first = running[0]
            say("\nTo put the gateway before it, write into antiphon.yaml:\n")
            say("providers:")
            say(
                f"  {first.name}: {{dialect: openai_chat, base_url: {first.base_url}, api_key: any}}"
            )
            say("models:")
            say(f"  fast: {first.name}/sim-small")
            say("\nBreak it with a model name such as fault:http_500; see /_simulator/faults.")
        await asyncio.Event().wait()
