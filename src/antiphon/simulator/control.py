"""The simulator's own API, under `/_simulator/`: what it received, and what shall go wrong.

For whoever cannot call it from Python: a shell, a test in another language, a person at a demo.
It is as open as the simulator itself, so keys that callers sent are not shown.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Final, Protocol, TypeAlias

import msgspec
from msgspec import Meta, Struct

from antiphon.simulator.latency import PROFILES, Latency, latency_of
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply, json
from antiphon.simulator.roads import Provider
from antiphon.simulator.rules import FaultRule

PREFIX: Final = "/_simulator"


class Controlled(Provider, Protocol):
    """A provider that can be changed while it runs."""

    @property
    def received(self) -> tuple[Received, ...]: ...
    def state(self) -> "State": ...
    def arm(self, rule: FaultRule, /) -> None: ...
    def set_latency(self, latency: Latency | str, /) -> None: ...
    def set_keys(self, keys: frozenset[str] | None, /) -> None: ...
    def forget(self) -> None: ...
    def refuse(self, seconds: float | None = None) -> None: ...


class State(Struct, frozen=True):
    """A simulator at a glance."""

    name: str
    seed: int
    url: str
    listening: bool
    latency: Latency
    open_connections: int
    connections: int
    requests: int
    outcomes: dict[str, int]
    armed: int
    recordings: int


Act: TypeAlias = Callable[[Controlled, Received], Reply]


def control(simulator: Controlled, received: Received) -> Reply:
    """Answer a request of the control API."""
    name = received.path.removeprefix(PREFIX).strip("/")
    act = _ACTS.get((received.method, name))
    if act is None:
        known = sorted(f"{method} {PREFIX}/{path}" for method, path in _ACTS)
        return json({"error": "no such control", "controls": known}, status=404)
    try:
        return act(simulator, received)
    except (msgspec.DecodeError, ValueError) as error:
        return json({"error": str(error)}, status=400)


class _LatencyWanted(Struct, frozen=True, forbid_unknown_fields=True):
    profile: str | None = None
    first_token: float = 0.0
    tokens_per_second: float = 0.0
    jitter: float = 0.0


class _KeysWanted(Struct, frozen=True, forbid_unknown_fields=True):
    keys: frozenset[str] | None


class _Refusal(Struct, frozen=True, forbid_unknown_fields=True):
    seconds: Annotated[float, Meta(gt=0, le=3600)] = 1.0


def _state(simulator: Controlled, _received: Received) -> Reply:
    return json(simulator.state())


def _shown(simulator: Controlled, _received: Received) -> Reply:
    return json({"received": [_public(one) for one in simulator.received]})


def _forget(simulator: Controlled, received: Received) -> Reply:
    simulator.forget()
    return _shown(simulator, received)


def _faults(simulator: Controlled, _received: Received) -> Reply:
    known = {
        name: {
            "description": fault.description,
            "expected": fault.expected,
            "wires": sorted(fault.wires),
        }
        for name, fault in simulator.faults.items()
    }
    return json({"faults": known, "armed": simulator.rules.listed()})


def _arm(simulator: Controlled, received: Received) -> Reply:
    simulator.arm(msgspec.json.decode(received.body, type=FaultRule))
    return _faults(simulator, received)


def _disarm(simulator: Controlled, received: Received) -> Reply:
    simulator.rules.clear()
    return _faults(simulator, received)


def _latency(simulator: Controlled, _received: Received) -> Reply:
    return json({"latency": simulator.latency, "profiles": dict(PROFILES)})


def _set_latency(simulator: Controlled, received: Received) -> Reply:
    wanted = msgspec.json.decode(received.body, type=_LatencyWanted)
    figures = {"first_token": wanted.first_token, "tokens_per_second": wanted.tokens_per_second}
    custom = msgspec.convert({**figures, "jitter": wanted.jitter}, Latency)
    simulator.set_latency(custom if wanted.profile is None else latency_of(wanted.profile))
    return _latency(simulator, received)


def _keys(simulator: Controlled, _received: Received) -> Reply:
    return json({"checked": simulator.keys is not None, "accepted": len(simulator.keys or ())})


def _set_keys(simulator: Controlled, received: Received) -> Reply:
    simulator.set_keys(msgspec.json.decode(received.body, type=_KeysWanted).keys)
    return _keys(simulator, received)


def _recordings(simulator: Controlled, _received: Received) -> Reply:
    listed = [
        {
            "id": one.id,
            "provider": one.provider,
            "source": one.source,
            "tags": one.tags,
            "status": one.status,
            "bytes": len(one.body),
            "cuts": len(one.cuts),
        }
        for one in simulator.recordings.values()
    ]
    return json({"count": len(listed), "recordings": listed})


def _refuse(simulator: Controlled, received: Received) -> Reply:
    wanted = msgspec.json.decode(received.body or b"{}", type=_Refusal)
    simulator.refuse(wanted.seconds)
    return json({"refusing_for": wanted.seconds})


def _public(received: Received) -> dict[str, object]:
    headers = [
        (name.decode("latin-1"), _masked(name, value).decode("latin-1"))
        for name, value in received.headers
    ]
    return {
        "serial": received.serial,
        "connection": received.connection,
        "method": received.method,
        "target": _KEY.sub(r"\1***", received.target),
        "headers": headers,
        "body": received.body.decode("utf-8", "replace"),
        "at": received.at,
        "fault": received.fault,
        "begun": received.begun,
        "resumable": received.resumable,
        "outcome": received.outcome.value,
        "ended_at": received.ended_at,
    }


def _masked(name: bytes, value: bytes) -> bytes:
    return b"***" if name.lower() in _SECRET else value


_SECRET = frozenset({
    *(b"authorization", b"proxy-authorization", b"cookie"),
    *(b"api-key", b"x-api-key", b"x-goog-api-key"),
})  # fmt: skip
_KEY: Final = re.compile(r"([?&]key=)[^&]*")
_ACTS: Final[Mapping[tuple[str, str], Act]] = MappingProxyType(
    {
        ("GET", ""): _state,
        ("GET", "state"): _state,
        ("GET", "received"): _shown,
        ("DELETE", "received"): _forget,
        ("GET", "faults"): _faults,
        ("POST", "faults"): _arm,
        ("DELETE", "faults"): _disarm,
        ("GET", "latency"): _latency,
        ("PUT", "latency"): _set_latency,
        ("GET", "keys"): _keys,
        ("PUT", "keys"): _set_keys,
        ("GET", "recordings"): _recordings,
        ("POST", "refuse"): _refuse,
    }
)
