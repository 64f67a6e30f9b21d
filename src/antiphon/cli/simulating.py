"""`antiphon simulate`: pretend providers that stay up."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

import msgspec

from antiphon.cli.output import fail, run, say, show_json
from antiphon.simulator import FAULTS, PROFILES, Fleet, SimulatorSpec, fleet_specs
from antiphon.simulator.wires import WIRES

_LAST_PORT = 65_535


class _Running(msgspec.Struct, frozen=True):
    name: str
    base_url: str


class _Listed(msgspec.Struct, frozen=True):
    name: str
    description: str
    expected: str
    wires: list[str]


def faults_command(*, as_json: bool) -> None:
    """List all faults: what the provider does, and what a good gateway does about it."""
    listed = [
        _Listed(name, each.description, each.expected, sorted(each.wires))
        for name, each in FAULTS.items()
    ]
    if as_json:
        show_json(listed)
        return
    for each in listed:
        say(f"{each.name}\n    {each.description}\n    > {each.expected}")
        if len(each.wires) < len(WIRES):
            say(f"    only in {' and '.join(each.wires)}")


def simulate_command(  # noqa: PLR0913  one for each option
    *,
    port: int,
    count: int,
    host: str,
    seed: int,
    latency: str,
    replay: Path | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Run pretend providers until interrupted."""
    if latency not in PROFILES:
        fail(f"there is no latency {latency!r}; there are {', '.join(PROFILES)}", 2)
    if replay is not None and not replay.exists():
        fail(f"{replay} does not exist", 2)
    if port and port + count - 1 > _LAST_PORT:
        fail(f"{count} ports from {port} on do not exist", 2)
    specs = [
        msgspec.structs.replace(spec, replay=replay, strict=strict)
        for spec in fleet_specs(count, first_port=port, seed=seed, latency=latency)
    ]
    try:
        run(_simulate(specs, host, as_json=as_json))
    except OSError as error:
        fail(f"cannot listen or replay: {error.strerror or error}; --port 0 takes free ports")
    except (ValueError, msgspec.MsgspecError) as error:
        fail(f"cannot replay {replay}: {error}")


async def _simulate(specs: list[SimulatorSpec], host: str, *, as_json: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with Fleet(specs, host=host) as fleet:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        running = [_Running(each.name, each.base_url) for each in fleet.values()]
        if as_json:
            show_json(running)
        else:
            _tell(running)
        await stop.wait()


def _tell(running: Sequence[_Running]) -> None:
    for each in running:
        say(f"{each.name} pretends to be a provider on {each.base_url}")
    say(
        "\nEach speaks Chat Completions, Responses and, without the /v1, Messages, Gemini's API and"
        " Ollama's."
    )
    say("\nTo put the gateway before them, write into antiphon.yaml:\n")
    say("providers:")
    for each in running:
        say(f"  {each.name}: {{dialect: openai_chat, base_url: {each.base_url}, api_key: any}}")
    say("models:")
    say(f"  fast: [{', '.join(f'{each.name}/sim-small' for each in running)}]")
    say("\nBreak one by a model such as fault:server-error; antiphon simulate --faults lists them.")
    say("Ctrl-C ends it.")
