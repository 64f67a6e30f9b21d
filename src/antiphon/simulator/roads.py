"""Which request goes where: the last parts of a path decide, so any base URL will do.

`/v1/chat/completions`, `/openai/v1/chat/completions` and plain `/chat/completions` are one road.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from antiphon.simulator.answers import Question, answers_to
from antiphon.simulator.dialect import Delivery, Dialect, Problem, Rejected
from antiphon.simulator.dice import Dice
from antiphon.simulator.faults import Fault, Scene
from antiphon.simulator.latency import Latency
from antiphon.simulator.openai_chat import OpenAIChat
from antiphon.simulator.openai_chat.wire import CREATED
from antiphon.simulator.received import Received
from antiphon.simulator.replay import Recording
from antiphon.simulator.reply import Reply, json
from antiphon.simulator.rules import ArmedRules
from antiphon.simulator.spec import SimulatorSpec


class Provider(Protocol):
    """What a road needs to know of the simulator that it belongs to."""

    @property
    def spec(self) -> SimulatorSpec: ...
    @property
    def latency(self) -> Latency: ...
    @property
    def keys(self) -> frozenset[str] | None: ...
    @property
    def faults(self) -> Mapping[str, Fault]: ...
    @property
    def rules(self) -> ArmedRules: ...
    @property
    def recordings(self) -> Mapping[str, Recording]: ...


Road: TypeAlias = Callable[[Provider, Received], Reply]

FAULT_HEADER: Final = b"x-simulator-fault"
REPLAY_HEADER: Final = b"x-simulator-replay"
CHAT: Final[Dialect] = OpenAIChat()
WIRES: Final = frozenset({CHAT.wire})
"""The wires whose recordings can be replayed."""


def road_to(method: str, path: str) -> Road | None:
    """The road of a request, if there is one."""
    parts = path.rstrip("/").split("/")
    for length in range(1, min(len(parts), _LONGEST) + 1):
        if road := _ROADS.get((method, "/".join(parts[-length:]))):
            return road
    return None


def nowhere(_provider: Provider, received: Received) -> Reply:
    """The answer where no road leads."""
    told = f"Invalid URL ({received.method} {received.path})"
    return CHAT.complain(Problem(404, told))


def converse(dialect: Dialect) -> Road:
    """The road to a model, in this dialect."""

    def road(provider: Provider, received: Received) -> Reply:
        try:
            wanted = _wanted(dialect, received)
            reply = _honest(dialect, provider, received, wanted)
            struck = wanted.fault or provider.rules.strike(
                received, model=wanted.model, stream=wanted.stream
            )
            if struck is None:
                return reply
            fault = _fault(provider, struck)
        except Rejected as error:
            return dialect.complain(error.problem)
        received.fault = struck
        return fault.damage(reply, Scene(dialect, received))

    return road


class _Wanted(Struct, frozen=True):
    """What a request asks of the simulator, besides a provider's answer."""

    model: str | None = None
    stream: bool = False
    fault: str | None = None
    replay: str | None = None
    question: Question | None = None
    problem: Problem | None = None


def _wanted(dialect: Dialect, received: Received) -> _Wanted:
    """Reads headers, and marks in the model's name: `MODEL+fault:NAME`, `replay:ID`."""
    fault = _text(received.header(FAULT_HEADER))
    replay = _text(received.header(REPLAY_HEADER))
    try:
        question = dialect.hear(received.body)
    except Rejected as error:
        return _Wanted(fault=fault, replay=replay, problem=error.problem)
    model, marked, named = question.model.partition("fault:")
    if marked:
        question = msgspec.structs.replace(question, model=model.rstrip("+") or _PLAIN_MODEL)
    _, recorded, id_ = question.model.partition("replay:")
    return _Wanted(
        model=question.model,
        stream=question.stream,
        fault=fault or named or None,
        replay=replay or (id_ if recorded else None),
        question=question,
    )


def _honest(dialect: Dialect, provider: Provider, received: Received, wanted: _Wanted) -> Reply:
    """The reply of a provider where nothing goes wrong."""
    if problem := _key_problem(provider.keys, received):
        return dialect.complain(problem)
    if wanted.replay is not None:
        return _recorded(provider, wanted.replay)
    if wanted.question is None:
        return dialect.complain(wanted.problem or Problem(400, "This is no request."))
    seed = provider.spec.seed
    dice = Dice(seed, received.serial)
    delivery = Delivery(f"chatcmpl-{dice.token(24)}", provider.latency, dice)
    return dialect.say(wanted.question, answers_to(wanted.question, seed), delivery)


def _key_problem(keys: frozenset[str] | None, received: Received) -> Problem | None:
    if keys is None:
        return None
    bearer = _text(received.header(b"authorization")) or ""
    sent = bearer.removeprefix("Bearer ") or _text(received.header(b"api-key")) or ""
    if sent in keys:
        return None
    shown = f"{sent[:4]}***" if sent else "(none)"
    return Problem(401, f"Incorrect API key provided: {shown}.", code="invalid_api_key")


def _recorded(provider: Provider, id_: str) -> Reply:
    recording = provider.recordings.get(id_)
    if recording is None:
        told = f"There is no recording '{id_}'; {len(provider.recordings)} are loaded."
        raise Rejected(Problem(404, told, code="recording_not_found"))
    return recording.reply(provider.spec.replay_pause)


def _fault(provider: Provider, name: str) -> Fault:
    fault = provider.faults.get(name)
    if fault is None:
        told = f"There is no fault '{name}'; there are: {', '.join(provider.faults)}."
        raise Rejected(Problem(400, told, code="unknown_fault"))
    return fault


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1").strip()


def _models(provider: Provider, received: Received) -> Reply:
    if problem := _key_problem(provider.keys, received):
        return CHAT.complain(problem)
    return json({"object": "list", "data": [_model(name) for name in provider.spec.models]})


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "antiphon-simulator"}


def _health(provider: Provider, _received: Received) -> Reply:
    return json({"status": "ok", "simulator": provider.spec.name})


_PLAIN_MODEL = "sim-small"
_ROADS: Final[Mapping[tuple[str, str], Road]] = MappingProxyType(
    {
        ("POST", "chat/completions"): converse(CHAT),
        ("GET", "models"): _models,
        ("GET", "health"): _health,
    }
)
_LONGEST = max(path.count("/") + 1 for _, path in _ROADS)
