"""The cases of this folder, and what they become.

A case is a folder with some of `request.json`, `reply.json`, `stream.sse` and `error.json`, as a
client or a provider wrote them. `canonical.json` holds what they mean, `written.json` and
`written.sse` what is written for it again. After a change that is meant,
`python -m tests.golden.dialects.openai_responses.cases` writes them anew: read the difference.
"""

import json
from pathlib import Path

import msgspec

from antiphon.dialects.contract import Target
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.errors import UpstreamError, UpstreamRefused
from antiphon.model.events import StreamEvent, StreamFailed
from antiphon.wire.shallow import Members

FOLDER = Path(__file__).parent
CASES = sorted(
    folder for folder in FOLDER.iterdir() if folder.is_dir() and folder.name[0] not in "_."
)


def results_of(case: Path) -> dict[str, bytes]:
    """The files that a case should hold beside what it was given."""
    canonical: dict[str, object] = {}
    written: dict[str, object] = {}
    results: dict[str, bytes] = {}
    if (file := case / "request.json").exists():
        request = OPENAI_RESPONSES.decode_request(Members.parse(file.read_bytes()))
        canonical["request"] = plain(request)
        written["request"] = json.loads(
            OPENAI_RESPONSES.encode_request(request, Target(request.model)).encode()
        )
    if (file := case / "reply.json").exists():
        reply = OPENAI_RESPONSES.decode_reply(file.read_bytes())
        canonical["reply"] = plain(reply)
        written["reply"] = json.loads(OPENAI_RESPONSES.encode_reply(reply))
    if (file := case / "error.json").exists():
        given = json.loads(file.read_bytes())
        headers = {name.encode(): value.encode() for name, value in given["headers"].items()}
        error = OPENAI_RESPONSES.decode_error(
            given["status"], headers, json.dumps(given["body"]).encode()
        )
        canonical["error"] = told(error)
        written["error"] = json.loads(OPENAI_RESPONSES.encode_error(error, request_id="req_1"))
    if (file := case / "stream.sse").exists():
        events = events_of(file.read_bytes())
        canonical["events"] = [[type(event).__name__, plain(event)] for event in events]
        encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True)
        results["written.sse"] = b"".join(encoder.feed(event) for event in events)
    results["canonical.json"] = pretty(canonical)
    if written:
        results["written.json"] = pretty(written)
    return results


def events_of(stream: bytes) -> list[StreamEvent]:
    splitter, decoder = OPENAI_RESPONSES.splitter(), OPENAI_RESPONSES.stream_decoder()
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


if __name__ == "__main__":
    for case in CASES:
        for name, content in results_of(case).items():
            (case / name).write_bytes(content)
