"""Recorded exchanges of real providers, answered again byte for byte.

A recording is a line of JSON with `id`, `wire`, `provider` and `response` (status, headers, body
and, for some streams, `chunk_bytes`: the sizes of the network reads as they came). A body that is
an object goes out as it stands in the file, spaces and all; a body that is a string goes out as
its text.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Raw, Struct
from typing_extensions import override

from antiphon.simulator.reply import STREAMS, Framing, Headers, Piece, Reply


class Recording(Struct, frozen=True):
    """One recorded answer, and the request that it answered where that is known."""

    id: str
    wire: str
    provider: str
    source: str
    tags: tuple[str, ...]
    status: int
    headers: Headers
    body: bytes
    cuts: tuple[int, ...]
    """The sizes of the reads, which add up to the body; one for a body that came whole."""
    request: bytes | None
    """The recorded request's body."""

    def reply(self, pause: float) -> Reply:
        """The recording as a reply; each cut leaves on its own, a pause after the one before."""
        edges = pairwise(accumulate(self.cuts, initial=0))
        pieces = tuple(Piece(self.body[start:end], pause if start else 0.0) for start, end in edges)
        streamed = any(value.startswith(STREAMS) for _, value in self.headers)
        framing = Framing.CHUNKED if streamed or len(self.cuts) > 1 else Framing.SIZED
        return Reply(self.status, self.headers, pieces, framing)


class Recordings(Mapping[str, Recording]):
    """The recordings of a file or a folder, by id."""

    def __init__(self, recordings: Mapping[str, Recording], *, passed_over: int) -> None:
        self._by_id = recordings
        self.passed_over = passed_over
        """Lines that were no exchange of a wire that is spoken here."""

    @override
    def __getitem__(self, key: str, /) -> Recording:
        return self._by_id[key]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    @override
    def __len__(self) -> int:
        return len(self._by_id)

    def summary(self) -> str:
        """How many there are, in a sentence for logs and tests."""
        streams = sum(one.reply(0).streamed for one in self.values())
        cut = sum(len(one.cuts) > 1 for one in self.values())
        return (
            f"{len(self)} recordings loaded ({streams} streams, {cut} with network cuts), "
            f"{self.passed_over} lines passed over"
        )


def load(path: Path, *, wires: frozenset[str]) -> Recordings:
    """The recordings of these wires in a JSONL file, or in all such files of a folder.

    Raises:
        ValueError: a line is no JSON object, or an exchange is not recorded as promised.
        OSError: the path cannot be read.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    loaded: dict[str, Recording] = {}
    passed_over = 0
    for file in files:
        for number, line in enumerate(file.read_bytes().splitlines(), start=1):
            if not line.strip():
                continue
            try:
                recording = _recording(_LINE.decode(line), wires)
            except msgspec.DecodeError as error:
                raise ValueError(f"{file.name}, line {number}: {error}") from error
            if recording is None:
                passed_over += 1
            else:
                loaded[recording.id] = recording
    return Recordings(loaded, passed_over=passed_over)


NONE: Final = Recordings({}, passed_over=0)


class _Request(Struct, frozen=True):
    body: Raw = Raw(b"null")


class _Response(Struct, frozen=True):
    status: int
    headers: dict[str, str] = {}
    body: Raw = Raw(b'""')
    chunk_bytes: list[int] = []


class _Line(Struct, frozen=True):
    id: str = ""
    wire: str = ""
    provider: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    request: _Request | None = None
    response: _Response | None = None


_LINE: Final = msgspec.json.Decoder(_Line)
_OF_ONE_HOP = frozenset({
    "connection", "content-encoding", "content-length", "keep-alive", "proxy-authenticate",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip


def _recording(line: _Line, wires: frozenset[str]) -> Recording | None:
    if line.response is None or not line.id or line.wire not in wires:
        return None
    body = _bytes_of(line.response.body)
    headers = tuple(
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in line.response.headers.items()
        if name.lower() not in _OF_ONE_HOP
    )
    return Recording(
        id=line.id,
        wire=line.wire,
        provider=line.provider,
        source=line.source,
        tags=line.tags,
        status=line.response.status,
        headers=headers,
        body=body,
        cuts=_cuts(line.response.chunk_bytes, len(body)),
        request=None if line.request is None else _bytes_of(line.request.body),
    )


def _bytes_of(body: Raw) -> bytes:
    raw = bytes(body)
    return msgspec.json.decode(raw, type=str).encode() if raw.startswith(b'"') else raw


def _cuts(recorded: list[int], size: int) -> tuple[int, ...]:
    """The recorded sizes, made to add up: redaction may have changed a body's length."""
    cuts: list[int] = []
    left = size
    for wanted in recorded:
        if cut := min(wanted, left):
            cuts.append(cut)
            left -= cut
    return (*cuts, left) if left or not cuts else tuple(cuts)
