"""Faults of usage: in strange places, in strange figures, or not at all."""

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from antiphon.simulator.faults.fault import Damage, Fault, Scene, by_wire
from antiphon.simulator.faults.frames import Frames, Spelling, in_each, in_frames, spelled
from antiphon.simulator.ollama.spelling import COUNTS, UNFINISHED
from antiphon.simulator.openai_chat.spelling import FINISH
from antiphon.simulator.reply import Reply
from antiphon.simulator.wires import CHAT, GEMINI, MESSAGES, OLLAMA, RESPONSES

_NO_CHOICES: Final = b'"choices":[]'
_USAGE: Final = re.compile(rb',"usage":(\{.*\}|null)(?=\}\s*$)')
_ANY_USAGE: Final = re.compile(rb',"(usage|usageMetadata)":(\{(?:[^{}]|\{[^{}]*\})*\})')
_NO_USAGE: Final = re.compile(rb',"usage":null')
_TOLD: Final = {OLLAMA: (COUNTS, b",%b")}
"""Where usage stands, and how it begins, if it is no member `usage`."""
_PROMPT_COUNT: Final = re.compile(rb',"prompt_eval_count":\d+')
_SOME_USAGE: Final = b'{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}'


def _without_usage(frames: Frames) -> Iterable[bytes]:
    return (_USAGE.sub(b"", frame) for frame in frames if _NO_CHOICES not in frame)


def _usage_of(frames: Frames) -> bytes:
    found = (_USAGE.search(frame) for frame in frames if _NO_CHOICES in frame)
    return next((match[1] for match in found if match), _SOME_USAGE)


def _with_usage(frame: bytes, usage: bytes) -> bytes:
    if not frame.startswith(b"data: {"):
        return frame
    return _USAGE.sub(b"", frame)[: -len(b"}\n\n")] + b',"usage":%b}\n\n' % usage


def _usage_on_the_last_choice(frames: Frames) -> Iterable[bytes]:
    usage = _usage_of(frames)
    for frame in frames:
        if _NO_CHOICES not in frame:
            yield _with_usage(frame, usage) if FINISH.search(frame) else frame


def _usage_everywhere(frames: Frames) -> Iterable[bytes]:
    usage = _usage_of(frames)
    return (_with_usage(frame, usage) for frame in frames)


def _growing_usage(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
    """What was used so far, on every chunk; the true figures come last."""
    usage = _usage_of(frames)
    last = max(number for number, frame in enumerate(frames) if frame.startswith(b"data: {"))
    for made, frame in enumerate(frames):
        yield _with_usage(frame, usage if made >= last else spelling.figures(9, made, 9 + made))


_SO_FAR: Final = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":null,'
    b'"stop_sequence":null},"usage":%b}\n\n'
)


def _last_usage(frames: Frames) -> bytes:
    """The usage of the last frame that has any."""
    found = [match for frame in frames if (match := _ANY_USAGE.search(frame))]
    return found[-1][2] if found else b'{"input_tokens":9,"output_tokens":3}'


def _deltas_everywhere(told: Callable[[int, bytes, Spelling], bytes]) -> Damage:
    """Usage so far behind each fragment of a message, in an event of its own."""

    def change(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
        usage = _last_usage(frames)
        for made, frame in enumerate(frames):
            yield frame
            if frame.startswith(b"event: content_block_delta\n"):
                yield _SO_FAR % told(made, usage, spelling)

    return spelled(change)


def _responses_everywhere(told: Callable[[int, bytes, Spelling], bytes]) -> Damage:
    """Usage so far in every response that a stream tells of."""

    def change(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
        usage = _last_usage(frames)
        for made, frame in enumerate(frames):
            yield _NO_USAGE.sub(b',"usage":%b' % told(made, usage, spelling), frame, count=1)

    return spelled(change)


def _the_same_everywhere(frames: Frames) -> Iterable[bytes]:
    """What was used in the end, in every chunk."""
    told = b',"usageMetadata":%b' % _last_usage(frames)
    return (_ANY_USAGE.sub(told, frame) for frame in frames)


def _lines_everywhere(told: Callable[[int, bytes, Spelling], bytes]) -> Damage:
    """Usage so far in every line."""

    def change(frames: Frames, spelling: Spelling) -> Iterable[bytes]:
        found = COUNTS.search(frames[-1])
        counts = (int(found[1]), int(found[2] or 0)) if found else (9, 3)
        usage = spelling.figures(*counts, sum(counts))
        for made, frame in enumerate(frames):
            so_far = rb"\1,%b" % told(made, usage, spelling)
            yield UNFINISHED.sub(so_far, frame, count=1)

    return spelled(change)


def _final(_made: int, usage: bytes, _spelling: Spelling) -> bytes:
    return usage


def _growing(made: int, _usage: bytes, spelling: Spelling) -> bytes:
    return spelling.figures(9, made, 9 + made)


def _stated(prompt: object, completion: object, total: object) -> Damage:
    """These figures wherever there are any."""

    def damage(reply: Reply, scene: Scene) -> Reply:
        pattern, begun = _TOLD.get(scene.dialect.wire, (_ANY_USAGE, rb',"\1":%b'))
        usage = begun % scene.dialect.spelling.figures(prompt, completion, total)
        return in_each(lambda data: pattern.sub(usage, data))(reply, scene)

    return damage


def _never(reply: Reply, scene: Scene) -> Reply:
    pattern, _ = _TOLD.get(scene.dialect.wire, (_ANY_USAGE, b""))
    return in_each(lambda data: pattern.sub(b"", data))(reply, scene)


USAGE_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "usage-on-choice": Fault(
            "usage on the last chunk with a choice instead of a chunk of its own",
            in_frames(_usage_on_the_last_choice),
            "reads it there, and takes it out for a caller who did not ask",
            frozenset({CHAT}),
        ),
        "usage-everywhere": Fault(
            "usage repeated on every chunk, behind every fragment, or in every response or line",
            by_wire(
                {
                    CHAT: in_frames(_usage_everywhere),
                    MESSAGES: _deltas_everywhere(_final),
                    RESPONSES: _responses_everywhere(_final),
                    GEMINI: in_frames(_the_same_everywhere),
                    OLLAMA: _lines_everywhere(_final),
                }
            ),
            "counts it once",
        ),
        "usage-growing": Fault(
            "usage so far on every chunk, behind every fragment, or in every response or line",
            by_wire(
                {
                    CHAT: spelled(_growing_usage),
                    MESSAGES: _deltas_everywhere(_growing),
                    RESPONSES: _responses_everywhere(_growing),
                    OLLAMA: _lines_everywhere(_growing),
                }
            ),
            "counts the last one, and adds nothing up",
            frozenset({CHAT, MESSAGES, RESPONSES, OLLAMA}),
        ),
        "no-usage": Fault(
            "usage was asked for and does not come",
            by_wire(
                {
                    CHAT: in_frames(_without_usage),
                    MESSAGES: _never,
                    RESPONSES: _never,
                    GEMINI: _never,
                    OLLAMA: _never,
                }
            ),
            "gives the answer, and takes no usage for usage that is not known, not for none",
        ),
        "no-prompt-count": Fault(
            "usage of the answer alone, as of a prompt that was still in memory",
            in_each(lambda data: _PROMPT_COUNT.sub(b"", data)),
            "gives the answer, and takes what the prompt took for not known, not for none",
            frozenset({OLLAMA}),
        ),
        "negative-usage": Fault(
            "usage with negative figures",
            _stated(-9, -3, -12),
            "believes none of it: no provider can credit a caller",
        ),
        "huge-usage": Fault(
            "usage of 10^18 tokens",
            _stated(10**18, 10**18, 2 * 10**18),
            "believes none of it: no provider can empty a budget",
        ),
        "text-usage": Fault(
            "usage whose figures are texts",
            _stated("9", "3", "12"),
            "takes it for no usage, and gives the answer",
        ),
        "float-usage": Fault(
            "usage whose figures are floats",
            _stated(9.0, 3.0, 12.0),
            "reads whole numbers, however they are written",
        ),
        "null-usage": Fault(
            "usage whose figures are null",
            _stated(None, None, None),
            "takes it for no usage, and gives the answer",
        ),
    }
)
