"""Streams of Gemini in a form that Google's SDK cannot read, told again in one that it can."""

from __future__ import annotations

import json
import re
from typing import Final

from tests.corpus.heard import Read
from tests.corpus.reading_gemini import read_chunks
from tests.unit.dialects.gemini.client import streamed

_EVENT: Final = re.compile(rb"^data: ?(\{.*\})\r?$", re.MULTILINE)


def retold(body: bytes) -> Read | None:
    """What the SDK reads of the same chunks as events; None where it reads them as they are.

    It reads nothing of an array, and dies of events that one line end ends.
    """
    if body.lstrip().startswith(b"["):
        chunks = [json.dumps(each).encode() for each in json.loads(body)]
    elif body.startswith(b"data:") and b"\n\n" not in body and b"\r\n\r\n" not in body:
        chunks = _EVENT.findall(body)
    else:
        return None
    return read_chunks(streamed(b"".join(b"data: %b\n\n" % chunk for chunk in chunks)))
