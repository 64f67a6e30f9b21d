"""Golden cases: folders of what a client or a provider wrote, and of what it means.

`golden/README.md` documents the files. Whoever speaks a dialect can use them, without this
package too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import Target
from antiphon.errors import UpstreamError
from antiphon.model.events import Ended, Finished, StreamEvent, StreamFailed
from antiphon.testing.trees import Json, parse
from antiphon.wire.shallow import Members

GOLDEN: Final = Path(__file__).parent / "golden"
"""The folder of the shipped cases, by dialect."""


class GivenError(msgspec.Struct, frozen=True):
    """A refusal as a provider wrote it.

    Attributes:
        headers: Names in lower case.
        body: JSON; `text` stands in its place where the body is none.
    """

    status: int
    body: msgspec.Raw = msgspec.Raw(b"")
    text: str | None = None
    headers: dict[str, str] = {}

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return bytes(self.body) if self.text is None else self.text.encode()

    @property
    def names(self) -> dict[bytes, bytes]:
        """The headers as a dialect takes them."""
        return {name.encode(): value.encode() for name, value in self.headers.items()}


class Sums(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokens that a provider states, by its own arithmetic."""

    input: int
    output: int


class Totals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tokens of the answers of a case."""

    reply: Sums | None = None
    stream: Sums | None = None


class Facts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of a case beside what is in it.

    Attributes:
        totals: The tokens of its answers, as the provider counts them.
        alike: Its reply and its stream are one answer.
        note: Where it comes from, and what it is there for.
    """

    totals: Totals = Totals()
    alike: bool = False
    note: str = ""


class Case:
    """One folder.

    Attributes:
        name: Of the folder.
        request: What a client sent, or None.
        reply: What a provider answered, whole, or None.
        stream: What a provider answered, as it came, or None.
        suffix: Of the file of the stream.
        error: How a provider refused, or None.
        facts: What is said of it besides.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self.request = _read(folder / "request.json")
        self.reply = _read(folder / "reply.json")
        error = _read(folder / "error.json")
        self.error = None if error is None else msgspec.json.decode(error, type=GivenError)
        facts = _read(folder / "case.json")
        self.facts = Facts() if facts is None else msgspec.json.decode(facts, type=Facts)
        streams = sorted(folder.glob("stream.*"))
        self.stream = streams[0].read_bytes() if streams else None
        self.suffix = streams[0].suffix if streams else ""

    def kept(self, name: str) -> bytes | None:
        """A file of results, as it is; None where there is none."""
        return _read(self.folder / name)

    def members(self, name: str) -> dict[str, Json]:
        """The members of a file of results; none where there is no such file."""
        content = self.kept(name)
        tree = None if content is None else parse(content)
        return tree if isinstance(tree, dict) else {}


def cases_in(folder: Path) -> list[Case]:
    """The cases of a folder, by name."""
    if not folder.is_dir():
        return []
    inner = (each for each in folder.iterdir() if each.is_dir() and each.name[0] not in "_.")
    return [Case(each) for each in sorted(inner)]


# ------------------------------------------------------------------ what becomes of a case


def results_of(case: Case, dialect: Dialect) -> dict[str, bytes]:
    """The files of results that a case should hold, by what the dialect makes of it now."""
    canonical: dict[str, object] = {}
    written: dict[str, object] = {}
    results: dict[str, bytes] = {}
    if case.request is not None:
        request = dialect.decode_request(Members.parse(case.request))
        canonical["request"] = request
        sent = dialect.encode_request(request, Target(request.model))
        written["request"] = msgspec.Raw(sent.encode())
    if case.reply is not None:
        reply = dialect.decode_reply(case.reply)
        canonical["reply"] = reply
        written["reply"] = msgspec.Raw(dialect.encode_reply(reply))
    if case.error is not None:
        error = dialect.decode_error(case.error.status, case.error.names, case.error.content)
        canonical["error"] = refusal(error)
        written["error"] = msgspec.Raw(dialect.encode_error(error, request_id="req_1"))
    if case.stream is not None:
        events = events_of(dialect, [case.stream])
        canonical["events"] = [[type(event).__name__, plain(event)] for event in events]
        results[f"written{case.suffix}"] = write(dialect, ended(events))
    results["canonical.json"] = pretty(canonical)
    if written:
        results["written.json"] = pretty(written)
    return results


def record(cases: Sequence[Case], dialect: Dialect) -> Iterator[Path]:
    """Write the results of cases anew; gives the files that have changed."""
    for case in cases:
        for name, content in results_of(case, dialect).items():
            if case.kept(name) != content:
                (case.folder / name).write_bytes(content)
                yield case.folder / name


def frames_of(dialect: Dialect, chunks: Sequence[bytes]) -> list[bytes]:
    """The frames of a stream that comes in these pieces."""
    splitter = dialect.splitter()
    frames = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    left = splitter.flush()
    return [*frames, left] if left.strip() else frames


def events_of(dialect: Dialect, chunks: Sequence[bytes]) -> list[StreamEvent]:
    """The events of a stream that comes in these pieces."""
    decoder = dialect.stream_decoder()
    return [event for frame in frames_of(dialect, chunks) for event in decoder.feed(frame)]


def write(dialect: Dialect, events: Sequence[StreamEvent], *, include_usage: bool = True) -> bytes:
    """A stream of these events."""
    encoder = dialect.stream_encoder(include_usage=include_usage)
    return b"".join(encoder.feed(event) for event in events)


def ended(events: Sequence[StreamEvent]) -> list[StreamEvent]:
    """The events, with the end that the end of the body is where none is written."""
    whole = bool(events) and isinstance(events[-1], Finished)
    return [*events, Ended()] if whole else list(events)


def plain(value: object) -> object:
    """A canonical value as JSON has it."""
    if isinstance(value, StreamFailed):
        return refusal(value.error)
    return msgspec.json.decode(msgspec.json.encode(value))


def refusal(error: UpstreamError) -> dict[str, object]:
    """What is kept of a refusal."""
    return {
        "kind": error.error_kind.value,
        "disposition": error.disposition.value,
        "code": error.code,
        "message": error.message,
        "param": error.param,
        "retry_after": error.retry_after,
    }


def pretty(value: object) -> bytes:
    """JSON for people, with a line end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
