"""Recorded answers of any wire, decoded, and written again in any dialect; without a gateway."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from antiphon.dialects.base import Dialect
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import UpstreamError
from antiphon.model.events import Ended, StreamEvent, StreamFailed
from antiphon.model.fold import fold
from antiphon.model.reply import ChatReply
from tests.corpus.exchanges import Exchange, exchanges_of
from tests.corpus.relaying import WIRES

COUNTED: Final = ("prompt_eval_count", "eval_count")
"""Where Ollama states its usage: beside what it says."""
_EVENT: Final = re.compile(rb"^(?:data|event|id|retry)?:", re.MULTILINE)


class Answered(Struct, frozen=True):
    """An answer that is no error.

    Attributes:
        raw: What the provider sent.
        events: Of a stream; None for a whole reply.
    """

    raw: bytes
    reply: ChatReply
    events: Sequence[StreamEvent] | None

    def written(self, dialect: Dialect) -> bytes:
        """The answer as a caller of this dialect gets it."""
        if self.events is None:
            return dialect.encode_reply(self.reply)
        encoder = dialect.stream_encoder(include_usage=True)
        return b"".join(encoder.feed(event) for event in self.events)


def recorded(folder: Path) -> list[Exchange]:
    """The exchanges of our wires in a file or a folder, each once."""
    files = [file for file in folder.glob("*.jsonl") if not file.name.endswith(".truth.jsonl")]
    return [one for wire in WIRES for one in exchanges_of(*sorted(files), wire=wire)]


def answered(exchange: Exchange) -> Answered | None:
    """What was answered; None where it is an error, in whichever place."""
    body = exchange["response"]["body"]
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if exchange["response"]["status"] >= 400:
        return None
    return read(DIALECTS[WIRES[exchange["wire"]]], raw, streams=not isinstance(body, dict))


def read(dialect: Dialect, raw: bytes, *, streams: bool) -> Answered | None:
    """An answer of a dialect; a stream that forgets its end has one here."""
    if not streams:
        try:
            return Answered(raw, dialect.decode_reply(raw), None)
        except UpstreamError:
            return None
    splitter, decoder = dialect.splitter(), dialect.stream_decoder()
    frames = [*splitter.feed(raw), splitter.flush()]
    events = [event for frame in frames for event in decoder.feed(frame)]
    if any(isinstance(event, StreamFailed) for event in events):
        return None
    if not isinstance(events[-1], Ended):
        events.append(Ended())
    return Answered(raw, fold(events), events)


def stated(raw: bytes) -> dict[str, Any]:
    """The usage in a body or a stream of any dialect, as its JSON says; empty if it says none."""
    out: dict[str, Any] = {}
    for usage in _usages(raw):
        if "totalTokenCount" in usage:
            # Gemini's sums are whole each time; a number that is gone is nought.
            out = {}
        out |= {name: value for name, value in usage.items() if value is not None}
    return out


def _usages(raw: bytes) -> Iterator[dict[str, Any]]:
    for body in _bodies(raw):
        places: Iterable[Any] = (
            body,
            body.get("message"),
            body.get("response"),
            body.get("x_groq"),
            *(body.get("choices") or ()),
        )
        for place in places:
            for name in ("usage", "usageMetadata"):
                if isinstance(place, dict) and isinstance(place.get(name), dict):
                    yield place[name]
        yield {name: body[name] for name in COUNTED if name in body}


def _bodies(raw: bytes) -> Iterator[dict[str, Any]]:
    if raw.lstrip().startswith(b"["):
        yield from json.loads(raw)
        return
    if not _EVENT.search(raw):
        # One object, or one a line.
        yield from map(json.loads, [raw] if _is_object(raw) else raw.splitlines())
        return
    for line in raw.splitlines():
        data = line.removeprefix(b"data:").strip()
        if line.startswith(b"data:") and data.startswith(b"{"):
            yield json.loads(data)


def _is_object(raw: bytes) -> bool:
    try:
        return isinstance(json.loads(raw), dict)
    except ValueError:
        return False
