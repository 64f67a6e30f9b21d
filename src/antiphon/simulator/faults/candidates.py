"""Faults of Gemini alone: candidates that hold nothing, and hints that stand only in the body."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from antiphon.simulator.dialect import Problem
from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.faults.frames import Frames, in_each, in_frames
from antiphon.simulator.reply import Piece, Reply
from antiphon.simulator.wires import GEMINI

_ONLY_GEMINI: Final = frozenset({GEMINI})
_LIMITED: Final = Problem(
    429, "Too many requests.", code="rate_limit_exceeded", headers=((b"retry-after", b"1"),)
)
_WHOLE: Final = (
    b'{"candidates":[{"content":%b,"finishReason":"%b","index":0%b}],"usageMetadata":'
    b'{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"sim-small",'
    b'"responseId":"simulated"}'
)
_BLOCKED: Final = (
    b'{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":'
    b'{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"sim-small",'
    b'"responseId":"simulated"}'
)
_MALFORMED: Final = _WHOLE % (
    b"{}",
    b"MALFORMED_FUNCTION_CALL",
    b',"finishMessage":"Malformed function call: print(default_api.get_weather(city=)"',
)
_EMPTY: Final = _WHOLE % (b'{"role":"model"}', b"STOP", b"")
_ARGS: Final = re.compile(rb'"args":.*?,(?="id":"call_)', re.DOTALL)
_CANDIDATES: Final = re.compile(rb'"candidates":\[\{.*\}\],(?="usageMetadata":)', re.DOTALL)


def _instead(answer: bytes) -> Damage:
    """This answer instead: as a body, as an event, or as an array."""

    def damage(reply: Reply, _scene: Scene) -> Reply:
        if reply.streamed:
            told = b"data: %b\r\n\r\n" % answer
        else:
            told = b"[%b]" % answer if reply.body().startswith(b"[") else answer
        return replace(reply, pieces=(Piece(told),))

    return damage


def _hint_in_the_body(_reply: Reply, scene: Scene) -> Reply:
    told = scene.dialect.complain(_LIMITED)
    return replace(told, headers=tuple(each for each in told.headers if each[0] != b"retry-after"))


def _figures_alone(frames: Frames) -> Iterable[bytes]:
    """A first chunk that tells only what was used so far."""
    yield from (_CANDIDATES.sub(b"", frame) for frame in frames[:1])
    yield from frames


CANDIDATE_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "rate-limited-info": Fault(
            "429 whose only hint is a `RetryInfo` of one second in the body",
            _hint_in_the_body,
            "reads the details of the error, and waits or tells the hint as if it were a header",
            _ONLY_GEMINI,
        ),
        "prompt-blocked": Fault(
            "200 with `promptFeedback.blockReason` and no candidate",
            _instead(_BLOCKED),
            "says that a content filter refused, in the words of the caller's dialect, and does "
            "not ask elsewhere until someone agrees",
            _ONLY_GEMINI,
        ),
        "candidate-empty": Fault(
            "a candidate that ends with `STOP` and has no parts",
            _instead(_EMPTY),
            "believes that the answer is complete, and makes up no text",
            _ONLY_GEMINI,
        ),
        "call-malformed": Fault(
            "a candidate without content that ends with `MALFORMED_FUNCTION_CALL`",
            _instead(_MALFORMED),
            "takes it for a failure, never for an answer that just stopped",
            _ONLY_GEMINI,
        ),
        "candidates-missing": Fault(
            "a first chunk with usage and no candidates at all",
            in_frames(_figures_alone),
            "takes it for no content, and reads on",
            _ONLY_GEMINI,
        ),
        "args-missing": Fault(
            "calls without `args`",
            in_each(lambda data: _ARGS.sub(b"", data)),
            "takes each for a call without arguments, `{}`",
            _ONLY_GEMINI,
        ),
    }
)
