"""Requests, replies and streams of every dialect, odd in any place, through what translates them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final

from hypothesis import strategies as st

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import CallerError, UpstreamError
from antiphon.model.events import Ended, Finished, StreamEvent, StreamFailed
from antiphon.pipeline.relay import Relay
from antiphon.pipeline.translation import Translation
from antiphon.providers.face import Face
from antiphon.providers.models import ModelFacts
from antiphon.wire.shallow import Members
from tests.unit.dialects.anthropic_messages import strategies as messages
from tests.unit.dialects.gemini import strategies as gemini
from tests.unit.dialects.ollama import strategies as ollama
from tests.unit.dialects.openai_chat import strategies as chat
from tests.unit.dialects.openai_responses import strategies as responses

Json = Any
STRATEGIES: Final = {
    "openai_chat": chat,
    "anthropic_messages": messages,
    "openai_responses": responses,
    "gemini": gemini,
    "ollama": ollama,
    # Its answers and streams are read in either shape.
    "ollama_generate": SimpleNamespace(
        REQUESTS=ollama.PROMPTS, REPLIES=ollama.REPLIES, streams=ollama.streams
    ),
}
PAIRS: Final = [
    (heard, spoken)
    for heard in STRATEGIES
    for spoken in STRATEGIES
    # Callers alone use it.
    if spoken != "ollama_generate"
]
ODD: Final = st.sampled_from(
    [
        *(None, 0, -1, 1.5, 1 << 70, True, "", "x", "\ud83d\ude00é\x00", [], [1], [[]], {}, [{}]),
        *({"type": "x"}, [{"type": "text"}], {"type": "text", "text": 1}, [{"role": "user"}]),
    ]
)
WHERE: Final = st.lists(st.tuples(st.integers(0, 10_000), ODD), max_size=3)
EDITS: Final = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=3)


def odd(value: Json, where: list[tuple[int, Json]]) -> Json:
    """A copy with some members, items or parts of them replaced by what does not belong there."""
    changed = copy.deepcopy(value)
    for number, put in where:
        places = list(_places(changed))
        if places:
            inner, key = places[number % len(places)]
            inner[key] = copy.deepcopy(put)
    return changed


def _places(value: Json) -> Iterator[tuple[Json, Any]]:
    keys = value if isinstance(value, dict) else range(len(value))
    for key in list(keys):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


def edited(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    """The same with some bytes replaced."""
    changed = bytearray(data)
    for place, value in edits:
        if changed:
            changed[place % len(changed)] = value
    return bytes(changed)


def spelled(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")


def requests_of(dialect: str) -> st.SearchStrategy[bytes]:
    """Requests that are odd in up to three places."""
    return st.tuples(STRATEGIES[dialect].REQUESTS, WHERE).map(lambda pair: spelled(odd(*pair)))


def replies_of(dialect: str) -> st.SearchStrategy[bytes]:
    """Replies that are odd in up to three places."""
    return st.tuples(STRATEGIES[dialect].REPLIES, WHERE).map(lambda pair: spelled(odd(*pair)))


def face_of(dialect: str) -> Face:
    return Face(
        DIALECTS[dialect],
        lambda *_, **__: b"",
        base="",
        paths=("/", "/"),
        target=Target("m"),
        quirks=(),
        facts=ModelFacts(),
    )


def translated(heard: str, spoken: str, body: bytes) -> Translation | None:
    """A caller's body for a provider: JSON that asks for its model, or an error of the caller's."""
    try:
        payload = Payload(DIALECTS[heard], Members.parse(body))
        assert payload.needs is not None
        translation = Translation(payload, face_of(spoken))
    except CallerError as error:
        told = message_in(DIALECTS[heard].encode_error(error, request_id="req_1"))
        assert told
        return None
    # Gemini's model stands in the path.
    assert json.loads(translation.body).get("model", "m") == "m"
    assert spoken == "gemini" or b'"model"' in translation.body
    return translation


def message_in(body: bytes) -> str:
    """What an error says in any dialect."""
    error = json.loads(body)["error"]
    return error if isinstance(error, str) else error["message"]


def told(heard: str, spoken: str, body: bytes) -> None:
    """A provider's body for a caller: JSON, or an error of the provider's."""
    try:
        DIALECTS[spoken].inspect_reply(body)
        reply = DIALECTS[spoken].decode_reply(body)
    except UpstreamError as error:
        DIALECTS[heard].encode_error(error, request_id="req_1")
        return
    json.loads(DIALECTS[heard].encode_reply(reply, asked_of(heard)))


def asked_of(dialect: str) -> Payload:
    body: dict[str, Json] = {"model": "m", "max_tokens": 9, "stream": True}
    said = [{"role": "user", "content": "x"}]
    match dialect:
        case "openai_responses":
            body["input"] = said
        case "gemini":
            del body["max_tokens"]
            body["contents"] = [{"parts": [{"text": "x"}]}]
        case "ollama_generate":
            body["prompt"] = "x"
        case _:
            body["messages"] = said
    return Payload(DIALECTS[dialect], Members.parse(spelled(body)))


def relayed(heard: str, spoken: str, events: list[StreamEvent], edits: list[tuple[int, int]]):
    """A provider's stream for a caller: whole, or left with a failure that can be told."""
    encoder = DIALECTS[spoken].stream_encoder(include_usage=True, asked=asked_of(spoken))
    stream = edited(b"".join(map(encoder.feed, events)), edits)
    asked = asked_of(heard)
    translation = None if heard == spoken else Translation(asked, face_of(spoken))
    relay = Relay(DIALECTS[spoken], asked, translation)
    out = relay.feed(stream)
    if not relay.ended and relay.failure is None:
        out += relay.finish()
    assert relay.ended or isinstance(relay.failure, UpstreamError)
    if relay.failure is not None:
        out += DIALECTS[heard].encode_stream_error(
            relay.failure, request_id="req_1", position=relay.position
        )
    splitter, decoder = DIALECTS[heard].splitter(), DIALECTS[heard].stream_decoder()
    if heard != spoken:
        read = [event for frame in splitter.feed(out) for event in decoder.feed(frame)]
        assert splitter.flush() == b""
        # Gemini's streams end with their body.
        last = Finished if heard == "gemini" else Ended
        ended = any(isinstance(event, last) for event in read)
        assert (ended and not isinstance(read[-1], StreamFailed)) == relay.ended
