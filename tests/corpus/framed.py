"""Answers of Gemini in a form that Google's SDK cannot read, told again in one that it can."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from tests.corpus.heard import Read
from tests.corpus.reading_gemini import read_chunks
from tests.unit.dialects.gemini.client import streamed, whole

_EVENT: Final = re.compile(rb"^data: ?(\{.*\})\r?$", re.MULTILINE)
_REASONS: Final = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY"}
_ENUMS: Final = {"category", "modality", "probability", "severity", "trafficType"}


def retold(body: bytes) -> Read | None:
    """What the SDK reads of the same answer in its own form; None where it reads it as it is.

    It reads nothing of an array, dies of events that one line end ends, and of enums that are
    told as numbers.
    """
    if body.lstrip().startswith(b"["):
        return _of_events([json.dumps(each).encode() for each in json.loads(body)])
    if body.startswith(b"data:"):
        ended = b"\n\n" in body or b"\r\n\r\n" in body
        return None if ended else _of_events(_EVENT.findall(body))
    told = json.loads(body)
    spelled = _spelled(told)
    return None if spelled == told else read_chunks([whole(json.dumps(spelled).encode())])


def _of_events(chunks: list[bytes]) -> Read:
    return read_chunks(streamed(b"".join(b"data: %b\n\n" % chunk for chunk in chunks)))


def _spelled(value: Any) -> Any:
    """The same, with a word for the reason to stop, and without other enums that are numbers."""
    match value:
        case {"finishReason": int(number), **rest}:
            return {"finishReason": _REASONS[number], **_spelled(rest)}
        case dict():
            return {
                name: _spelled(inner)
                for name, inner in value.items()
                if name not in _ENUMS or not isinstance(inner, int)
            }
        case list():
            return [_spelled(inner) for inner in value]
        case _:
            return value
