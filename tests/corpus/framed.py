"""Answers of Gemini in a form that Google's SDK cannot read, told again in one that it can."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from tests.corpus.heard import Read
from tests.corpus.reading_gemini import read_chunks
from tests.unit.dialects.gemini.client import streamed, whole

_EVENT: Final = re.compile(rb"^data: ?(\{.*\})\r?$", re.MULTILINE)
_NUMBERED: Final = {"finishReason": ("", "STOP", "MAX_TOKENS", "SAFETY"), "modality": ("", "TEXT")}
_ENUMS: Final = {*_NUMBERED, "category", "probability", "severity", "trafficType"}


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
    """The same, with words for numbers where there is one, and without other such numbers."""
    match value:
        case dict():
            return {
                name: _NUMBERED[name][inner]
                if name in _ENUMS and type(inner) is int
                else _spelled(inner)
                for name, inner in value.items()
                if name in _NUMBERED or name not in _ENUMS or type(inner) is not int
            }
        case list():
            return [_spelled(inner) for inner in value]
        case _:
            return value
