"""Faults of usage: in strange places, in strange figures, or not at all."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from antiphon.simulator.faults.fault import Damage, Fault
from antiphon.simulator.faults.frames import FINISH, NO_CHOICES, Frames, in_each, in_frames

_USAGE: Final = re.compile(rb',"usage":(\{.*\}|null)(?=\}\s*$)')
_ANY_USAGE: Final = re.compile(rb',"usage":\{(?:[^{}]|\{[^{}]*\})*\}')
_SOME_USAGE: Final = b'{"prompt_tokens":9,"completion_tokens":3,"total_tokens":12}'


def _without_usage(frames: Frames) -> Iterable[bytes]:
    return (_USAGE.sub(b"", frame) for frame in frames if NO_CHOICES not in frame)


def _usage_of(frames: Frames) -> bytes:
    found = (_USAGE.search(frame) for frame in frames if NO_CHOICES in frame)
    return next((match[1] for match in found if match), _SOME_USAGE)


def _with_usage(frame: bytes, usage: bytes) -> bytes:
    if not frame.startswith(b"data: {"):
        return frame
    return _USAGE.sub(b"", frame)[: -len(b"}\n\n")] + b',"usage":%b}\n\n' % usage


def _usage_on_the_last_choice(frames: Frames) -> Iterable[bytes]:
    usage = _usage_of(frames)
    for frame in frames:
        if NO_CHOICES not in frame:
            yield _with_usage(frame, usage) if FINISH.search(frame) else frame


def _usage_everywhere(frames: Frames) -> Iterable[bytes]:
    usage = _usage_of(frames)
    return (_with_usage(frame, usage) for frame in frames)


def _growing_usage(frames: Frames) -> Iterable[bytes]:
    """What was used so far, on every chunk; the true figures come last."""
    usage = _usage_of(frames)
    last = max(number for number, frame in enumerate(frames) if frame.startswith(b"data: {"))
    for made, frame in enumerate(frames):
        yield _with_usage(frame, usage if made >= last else _figures(9, made, 9 + made))


def _figures(prompt: object, completion: object, total: object) -> bytes:
    told = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    return msgspec.json.encode(told)


def _stated(usage: bytes) -> Damage:
    """These figures wherever there are any."""
    return in_each(lambda data: _ANY_USAGE.sub(b',"usage":%b' % usage, data))


USAGE_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "usage-on-choice": Fault(
            "usage on the last chunk with a choice instead of a chunk of its own",
            in_frames(_usage_on_the_last_choice),
            "reads it there, and takes it out for a caller who did not ask",
        ),
        "usage-everywhere": Fault(
            "usage repeated on every chunk",
            in_frames(_usage_everywhere),
            "counts it once",
        ),
        "usage-growing": Fault(
            "usage so far on every chunk",
            in_frames(_growing_usage),
            "counts the last one, and adds nothing up",
        ),
        "no-usage": Fault(
            "usage was asked for and does not come",
            in_frames(_without_usage),
            "gives the answer, and takes no usage for usage that is not known, not for none",
        ),
        "negative-usage": Fault(
            "usage with negative figures",
            _stated(_figures(-9, -3, -12)),
            "believes none of it: no provider can credit a caller",
        ),
        "huge-usage": Fault(
            "usage of 10^18 tokens",
            _stated(_figures(10**18, 10**18, 2 * 10**18)),
            "believes none of it: no provider can empty a budget",
        ),
        "text-usage": Fault(
            "usage whose figures are texts",
            _stated(_figures("9", "3", "12")),
            "takes it for no usage, and gives the answer",
        ),
        "float-usage": Fault(
            "usage whose figures are floats",
            _stated(_figures(9.0, 3.0, 12.0)),
            "reads whole numbers, however they are written",
        ),
    }
)
