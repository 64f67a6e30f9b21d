"""What a translation costs in its parts, for pairs of dialects: setups as in `hot_cases`.

The first three dialects meet each other; the later ones meet chat, since every pair is a reader and
a writer that are measured so.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

from antiphon.dialects.base import Dialect, Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.registry import DIALECTS
from antiphon.model.events import Ended, Finished, Started, TextDelta, UsageReported
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage
from antiphon.pipeline.relay import Relay
from antiphon.pipeline.translation import Translation
from antiphon.providers.face import Face
from antiphon.providers.keys import Key
from antiphon.providers.models import ModelFacts
from antiphon.wire.shallow import Members
from benchmarks.road.answers import question

Timed = Callable[[], object]
Setup = Callable[[], Timed]

_EVENTS = 100
_SHORT = {
    "openai_chat": "chat",
    "openai_responses": "responses",
    "anthropic_messages": "messages",
    "gemini": "gemini",
    "ollama": "ollama",
}
_PAIRS = [
    *permutations(["openai_chat", "anthropic_messages", "openai_responses"], 2),
    *(pair for later in ("gemini", "ollama") for pair in permutations(["openai_chat", later], 2)),
]


def _asked(heard: Dialect, *, stream: bool) -> Payload:
    """The benchmark's question of a kilobyte, as a caller of this dialect asks it."""
    chat = OPENAI_CHAT.decode_request(Members.parse(question(streamed=stream)))
    return Payload(heard, heard.encode_request(chat, Target("bench", max_output=1000)))


def _face(spoken: Dialect) -> Face:
    return Face(
        spoken,
        _render,
        base="",
        paths=("/", "/"),
        target=Target("bench-model", max_output=1000),
        quirks=(),
        facts=ModelFacts(),
    )


def _render(key: Key, *, request: str, accept: str) -> bytes:
    del key, request, accept
    return b""


def request(heard: Dialect, spoken: Dialect) -> Setup:
    """`pipeline.translation`: a request of a kilobyte read, fitted and written."""

    def setup() -> Timed:
        body, face = _asked(heard, stream=False), _face(spoken)
        members = body.members
        assert members is not None
        source = members.encode()
        return lambda: Translation(Payload(heard, Members.parse(source)), face).body

    return setup


def burst(heard: Dialect, spoken: Dialect) -> Setup:
    """`pipeline.relay`: a hundred events of one read, told in another dialect."""

    def setup() -> Timed:
        payload = _asked(heard, stream=True)
        writer = spoken.stream_encoder(include_usage=True, asked=_asked(spoken, stream=True))
        events = [
            Started("id-1", "bench-model", 1_760_000_000),
            *[TextDelta(f" word{number:04d}") for number in range(_EVENTS)],
            Finished(Stop(StopReason.STOP)),
            UsageReported(Usage(180, output_tokens=98)),
            Ended(),
        ]
        body = b"".join(writer.feed(event) for event in events)
        translation = Translation(payload, _face(spoken))

        def forward() -> object:
            relay = Relay(spoken, payload, translation)
            told = relay.feed(body)
            if not relay.ended:
                # Gemini's streams end with their body.
                told += relay.finish()
            assert relay.ended
            return told

        return forward

    return setup


def translation_cases() -> dict[str, Setup]:
    """The pairs, by name."""
    return {
        f"translation.{what}_{_SHORT[heard]}_to_{_SHORT[spoken]}": make(
            DIALECTS[heard], DIALECTS[spoken]
        )
        for what, make in (("request", request), ("burst", burst))
        for heard, spoken in _PAIRS
    }
