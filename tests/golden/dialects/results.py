"""What a case becomes in its dialect.

A case is a folder with some of `request.json`, `reply.json`, `stream.sse` (or `stream.ndjson`) and
`error.json`, as a client or a provider wrote them. `canonical.json` holds what they mean,
`written.json` and `written.sse` (or `written.ndjson`) what is written for it again. After a change
that is meant, `python -m tests.golden.dialects.DIALECT.cases` writes them anew: read the
difference.
"""

import json
from pathlib import Path

import msgspec

from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import Target
from antiphon.errors import UpstreamError, UpstreamRefused
from antiphon.model.events import Ended, Finished, StreamEvent, StreamFailed
from antiphon.wire.shallow import Members


def cases_in(folder: Path) -> list[Path]:
    return sorted(
        inner for inner in folder.iterdir() if inner.is_dir() and inner.name[0] not in "_."
    )


def results_of(case: Path, dialect: Dialect) -> dict[str, bytes]:
    """The files that a case should hold beside what it was given."""
    canonical: dict[str, object] = {}
    written: dict[str, object] = {}
    results: dict[str, bytes] = {}
    if (file := case / "request.json").exists():
        request = dialect.decode_request(Members.parse(file.read_bytes()))
        canonical["request"] = plain(request)
        written["request"] = json.loads(
            dialect.encode_request(request, Target(request.model)).encode()
        )
    if (file := case / "reply.json").exists():
        reply = dialect.decode_reply(file.read_bytes())
        canonical["reply"] = plain(reply)
        written["reply"] = json.loads(dialect.encode_reply(reply))
    if (file := case / "error.json").exists():
        given = json.loads(file.read_bytes())
        headers = {name.encode(): value.encode() for name, value in given["headers"].items()}
        error = dialect.decode_error(given["status"], headers, json.dumps(given["body"]).encode())
        canonical["error"] = told(error)
        written["error"] = json.loads(dialect.encode_error(error, request_id="req_1"))
    for file in case.glob("stream.*"):
        events = events_of(file.read_bytes(), dialect)
        canonical["events"] = [[type(event).__name__, plain(event)] for event in events]
        encoder = dialect.stream_encoder(include_usage=True)
        if events and isinstance(events[-1], Finished):
            # The end of the body is the end: the relay says so.
            events.append(Ended())
        results[f"written{file.suffix}"] = b"".join(encoder.feed(event) for event in events)
    results["canonical.json"] = pretty(canonical)
    if written:
        results["written.json"] = pretty(written)
    return results


def write(cases: list[Path], dialect: Dialect) -> None:
    for case in cases:
        for name, content in results_of(case, dialect).items():
            (case / name).write_bytes(content)


def events_of(stream: bytes, dialect: Dialect) -> list[StreamEvent]:
    splitter, decoder = dialect.splitter(), dialect.stream_decoder()
    frames = [*splitter.feed(stream), splitter.flush()]
    return [event for frame in frames for event in decoder.feed(frame)]


def plain(value: object) -> object:
    if isinstance(value, StreamFailed):
        return told(value.error)
    return json.loads(msgspec.json.encode(value))


def told(error: UpstreamError) -> object:
    assert isinstance(error, UpstreamRefused)
    return {
        "kind": error.error_kind,
        "disposition": error.disposition,
        "code": error.code,
        "message": error.message,
        "param": error.param,
        "retry_after": error.retry_after,
    }


def pretty(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"
