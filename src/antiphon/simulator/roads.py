"""Which request goes where: the last parts of a path decide, so any base URL will do.

`/v1/chat/completions`, `/openai/v1/chat/completions` and plain `/chat/completions` are one road; so
are `/v1/messages` and `/anthropic/v1/messages`, all that end in `/responses`, and `/api/chat` and
`/ollama/api/chat`. Google's API names the model in the path, and what is wanted of it behind a
colon.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from antiphon.simulator.answers import Question, answers_to
from antiphon.simulator.anthropic_messages import AnthropicMessages
from antiphon.simulator.anthropic_messages.request import counted
from antiphon.simulator.dialect import Delivery, Dialect, Problem, Rejected, Terms
from antiphon.simulator.dice import Dice
from antiphon.simulator.faults import Fault, Scene
from antiphon.simulator.gemini import Gemini
from antiphon.simulator.gemini import beside as googles
from antiphon.simulator.gemini.paths import (
    GENERATE,
    STREAM,
    asked_of,
    is_array,
    is_googles,
    key_in_query,
    model_shown,
)
from antiphon.simulator.latency import Latency
from antiphon.simulator.model_names import read_name
from antiphon.simulator.ollama import (
    OllamaChat,
    OllamaEmbed,
    OllamaEmbeddings,
    OllamaGenerate,
    models,
)
from antiphon.simulator.openai_chat import OpenAIChat
from antiphon.simulator.openai_chat.wire import CREATED
from antiphon.simulator.openai_responses import OpenAIResponses
from antiphon.simulator.openai_responses.request import counted as counted_input
from antiphon.simulator.received import Received
from antiphon.simulator.replay import Recording
from antiphon.simulator.reply import Reply, json
from antiphon.simulator.resuming import is_resumable
from antiphon.simulator.rules import ArmedRules
from antiphon.simulator.seals import Notary
from antiphon.simulator.spec import SimulatorSpec
from antiphon.simulator.untranslated import Shelf, answering, model_of


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
    @property
    def shelf(self) -> Shelf: ...


Road: TypeAlias = Callable[[Provider, Received], Reply]

FAULT_HEADER: Final = b"x-simulator-fault"
REPLAY_HEADER: Final = b"x-simulator-replay"
CHAT: Final[Dialect] = OpenAIChat()
MESSAGES: Final[Dialect] = AnthropicMessages()
RESPONSES: Final[Dialect] = OpenAIResponses()
GEMINI: Final[Dialect] = Gemini()
GEMINI_ARRAY: Final[Dialect] = Gemini(array=True)
OLLAMA: Final[Dialect] = OllamaChat()


def road_to(method: str, path: str) -> Road | None:
    """The road of a request, if there is one."""
    parts = path.rstrip("/").split("/")
    for length in range(1, min(len(parts), _LONGEST) + 1):
        if road := _ROADS.get((method, "/".join(parts[-length:]))):
            return road
    if road := _road_to_model(method, path):
        return road
    return _beside if answering(method, path) else None


def _road_to_model(method: str, path: str) -> Road | None:
    """Where the model stands in the path, what is wanted of it decides."""
    if method == "GET" and model_shown(path) is not None:
        return _one_model
    asked = asked_of(path) if method == "POST" else None
    if asked is None:
        return None
    return _generate if asked.method in {GENERATE, STREAM} else _googles


def nowhere(_provider: Provider, received: Received) -> Reply:
    """The answer where no road leads."""
    if "/api/" in received.path:
        return models.nothing_here()
    dialect = _usual(received)
    told = f"Invalid URL ({received.method} {received.path})"
    return dialect.complain(Problem(404, told))


def _usual(received: Received) -> Dialect:
    """The dialect of a request that only its headers and its address tell."""
    if is_googles(received):
        return GEMINI
    return CHAT if received.header(b"anthropic-version") is None else MESSAGES


def converse(dialect: Dialect) -> Road:
    """The road to a model, in this dialect."""

    def road(provider: Provider, received: Received) -> Reply:
        return _with_id(_conversed(dialect, provider, received), dialect, received)

    return road


def _conversed(dialect: Dialect, provider: Provider, received: Received) -> Reply:
    try:
        wanted = _wanted(dialect, provider, received)
        reply = _honest(dialect, provider, received, wanted)
        struck = wanted.fault or provider.rules.strike(
            received, model=wanted.model, stream=wanted.stream
        )
        if struck is None:
            return reply
        fault = _fault(provider, struck, dialect)
    except Rejected as error:
        return dialect.complain(error.problem)
    received.fault = struck
    damaged = fault.damage(reply, Scene(dialect, received))
    if wanted.question is not None:
        received.resumable = is_resumable(dialect, provider.spec, wanted.question, damaged)
    return damaged


def _with_id(reply: Reply, dialect: Dialect, received: Received) -> Reply:
    """With the request's id under the dialect's header, unless a recording has one."""
    if any(name == dialect.id_header for name, _ in reply.headers):
        return reply
    return reply.with_headers((dialect.id_header, b"req_%d" % received.serial))


class _Wanted(Struct, frozen=True):
    """What a request asks of the simulator, besides a provider's answer."""

    model: str | None = None
    stream: bool = False
    fault: str | None = None
    replay: str | None = None
    question: Question | None = None
    problem: Problem | None = None


def _wanted(dialect: Dialect, provider: Provider, received: Received) -> _Wanted:
    """Reads headers, and marks in the model's name: `MODEL+fault:NAME`, `replay:ID`."""
    fault = _text(received.header(FAULT_HEADER))
    replay = _text(received.header(REPLAY_HEADER))
    try:
        question = dialect.hear(received, _terms(provider))
    except Rejected as error:
        return _Wanted(fault=fault, replay=replay, problem=error.problem)
    asked = read_name(question.model)
    return _Wanted(
        model=asked.model,
        stream=question.stream,
        fault=fault or asked.fault or None,
        replay=replay or asked.replay or None,
        question=msgspec.structs.replace(question, model=asked.model),
    )


def _terms(provider: Provider) -> Terms:
    spec = provider.spec
    return Terms(spec.strict, Notary(spec.seed), spec.prefill, spec.models)


def _honest(dialect: Dialect, provider: Provider, received: Received, wanted: _Wanted) -> Reply:
    """The reply of a provider where nothing goes wrong."""
    if problem := _key_problem(provider.keys, received):
        return dialect.complain(problem)
    if wanted.replay is not None:
        return _recorded(provider, wanted.replay)
    if wanted.question is None:
        return dialect.complain(wanted.problem or Problem(400, "This is no request."))
    seed = provider.spec.seed
    received.begun = wanted.question.begun
    dice = Dice(seed, received.serial)
    delivery = Delivery(dice.token(24), provider.latency, dice, Notary(seed))
    return dialect.say(wanted.question, answers_to(wanted.question, seed), delivery)


def _key_problem(keys: frozenset[str] | None, received: Received) -> Problem | None:
    if keys is None:
        return None
    headers = (b"x-api-key", b"api-key", b"x-goog-api-key")
    named = (_text(received.header(name)) or "" for name in headers)
    bearer = _text(received.header(b"authorization")) or ""
    sent = bearer.removeprefix("Bearer ") or next(filter(None, named), "")
    sent = sent or key_in_query(received) or ""
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


def _fault(provider: Provider, name: str, dialect: Dialect) -> Fault:
    fault = provider.faults.get(name)
    if fault is None:
        told = f"There is no fault '{name}'; there are: {', '.join(provider.faults)}."
        raise Rejected(Problem(400, told, code="unknown_fault"))
    if dialect.wire not in fault.wires:
        told = f"The fault '{name}' makes no sense in {dialect.wire}, only in "
        told += f"{' and '.join(sorted(fault.wires))}."
        raise Rejected(Problem(400, told, code="senseless_fault"))
    return fault


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode("latin-1").strip()


def _beside(provider: Provider, received: Received) -> Reply:
    """An endpoint beside the dialects; faults strike there too."""
    dialect = CHAT if received.header(b"anthropic-version") is None else MESSAGES
    found = answering(received.method, received.path)
    assert found is not None
    answer, id_ = found
    if problem := _key_problem(provider.keys, received):
        return dialect.complain(problem)
    try:
        struck = provider.rules.strike(received, model=model_of(received), stream=False)
        reply = answer(provider.shelf, received, id_)
        return _struck(provider, received, reply, dialect, struck)
    except Rejected as error:
        return dialect.complain(error.problem)


def _struck(
    provider: Provider, received: Received, reply: Reply, dialect: Dialect, name: str | None
) -> Reply:
    """The reply with a fault's damage, if one strikes."""
    if not name:
        return reply
    fault = _fault(provider, name, dialect)
    received.fault = name
    return fault.damage(reply, Scene(dialect, received))


def _generate(provider: Provider, received: Received) -> Reply:
    """Google's conversations: the same road for both forms of a stream."""
    return converse(GEMINI_ARRAY if is_array(received) else GEMINI)(provider, received)


def _googles(provider: Provider, received: Received) -> Reply:
    """What Google's API counts and embeds."""
    if problem := _key_problem(provider.keys, received):
        return GEMINI.complain(problem)
    asked = asked_of(received.path)
    named = read_name(asked.model if asked else "")
    try:
        struck = named.fault or provider.rules.strike(received, model=named.model, stream=False)
        return _struck(provider, received, googles.answered(received), GEMINI, struck)
    except Rejected as error:
        return GEMINI.complain(error.problem)


def _count(provider: Provider, received: Received) -> Reply:
    if problem := _key_problem(provider.keys, received):
        return MESSAGES.complain(problem)
    try:
        return json({"input_tokens": counted(received)})
    except Rejected as error:
        return MESSAGES.complain(error.problem)


def _count_input(provider: Provider, received: Received) -> Reply:
    if problem := _key_problem(provider.keys, received):
        return RESPONSES.complain(problem)
    try:
        tokens = counted_input(received.body)
    except Rejected as error:
        return RESPONSES.complain(error.problem)
    return json({"object": "response.input_tokens", "input_tokens": tokens})


def _models(provider: Provider, received: Received) -> Reply:
    dialect = GEMINI if is_googles(received) else CHAT
    if problem := _key_problem(provider.keys, received):
        return dialect.complain(problem)
    try:
        if replay := _text(received.header(REPLAY_HEADER)):
            return _recorded(provider, replay)
        if dialect is GEMINI:
            return googles.listed(provider.spec.models, received)
    except Rejected as error:
        return dialect.complain(error.problem)
    return json({"object": "list", "data": [_model(name) for name in provider.spec.models]})


def _one_model(provider: Provider, received: Received) -> Reply:
    name = model_shown(received.path)
    if name is None or not is_googles(received):
        return nowhere(provider, received)
    if problem := _key_problem(provider.keys, received):
        return GEMINI.complain(problem)
    return googles.shown(name)


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "antiphon-simulator"}


def _in_memory(dialect: Dialect) -> Road:
    """The road to a model of Ollama, which stays in memory afterwards, or leaves it."""
    converse_with = converse(dialect)

    def road(provider: Provider, received: Received) -> Reply:
        reply = converse_with(provider, received)
        if reply.status == HTTPStatus.OK and received.fault is None:
            models.remember(provider.shelf.loaded, received)
        return reply

    return road


def _of_models(provider: Provider, received: Received) -> Reply:
    """What Ollama says of its models."""
    if problem := _key_problem(provider.keys, received):
        return OLLAMA.complain(problem)
    try:
        if replay := _text(received.header(REPLAY_HEADER)):
            return _recorded(provider, replay)
        return models.answered(received, _terms(provider), tuple(provider.shelf.loaded))
    except Rejected as error:
        return OLLAMA.complain(error.problem)


def _banner(_provider: Provider, _received: Received) -> Reply:
    return models.banner()


def _health(provider: Provider, _received: Received) -> Reply:
    return json({"status": "ok", "simulator": provider.spec.name})


_ROADS: Final[Mapping[tuple[str, str], Road]] = MappingProxyType(
    {
        ("POST", "chat/completions"): converse(CHAT),
        ("POST", "messages"): converse(MESSAGES),
        ("POST", "messages/count_tokens"): _count,
        ("POST", "responses"): converse(RESPONSES),
        ("POST", "responses/input_tokens"): _count_input,
        ("POST", "api/chat"): _in_memory(OLLAMA),
        ("POST", "api/generate"): _in_memory(OllamaGenerate()),
        ("POST", "api/embed"): _in_memory(OllamaEmbed()),
        ("POST", "api/embeddings"): _in_memory(OllamaEmbeddings()),
        **dict.fromkeys(models.ADDRESSES, _of_models),
        ("GET", ""): _banner,
        ("HEAD", ""): _banner,
        ("GET", "models"): _models,
        ("GET", "health"): _health,
    }
)
_LONGEST = max(path.count("/") + 1 for _, path in _ROADS)
