"""What is read and written again is the same, but for what the modules say."""

import contextlib
import json
from typing import Any

from hypothesis import given

from antiphon.dialects.base import Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.errors import CallerError
from antiphon.model.events import StreamEvent
from antiphon.model.fold import fold
from antiphon.model.needs import needs_of
from antiphon.model.parts import Author
from antiphon.wire.shallow import Members
from tests.corpus.responses import plain_request, says_something
from tests.unit.dialects.openai_chat.strategies import REQUESTS as CHAT_REQUESTS
from tests.unit.dialects.openai_responses.strategies import MANGLED, REPLIES, REQUESTS, streams


def payload_of(body: dict[str, Any]) -> Payload:
    return Payload(OPENAI_RESPONSES, Members.parse(json.dumps(body).encode()))


@given(REQUESTS)
def test_a_request(body: dict[str, Any]) -> None:
    request = payload_of(body).request
    again = OPENAI_RESPONSES.encode_request(request, Target(request.model))
    assert plain_request(json.loads(again.encode())) == plain_request(body)
    reread = OPENAI_RESPONSES.decode_request(again)
    assert reread.turns == request.turns
    assert reread.tools == request.tools
    assert reread.tool_choice == request.tool_choice
    assert reread.output == request.output
    assert reread.extra == request.extra
    assert needs_of(reread) >= needs_of(request)


@given(REQUESTS)
def test_a_request_that_goes_through_unread(body: dict[str, Any]) -> None:
    sent = json.loads(payload_of(body).encode(Target("other")))
    assert sent == {"store": False} | body | {"model": "other"}


@given(REQUESTS)
def test_a_request_that_chat_is_asked(body: dict[str, Any]) -> None:
    """Nothing breaks, and nothing of this dialect is left in it."""
    written = OPENAI_CHAT.encode_request(payload_of(body).request, Target("other")).encode()
    assert OPENAI_CHAT.decode_request(Members.parse(written)).model == "other"
    assert b"input_text" not in written.replace(b'\\"', b"")


@given(REPLIES)
def test_a_reply(body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    facts, reply = OPENAI_RESPONSES.inspect_reply(raw), OPENAI_RESPONSES.decode_reply(raw)
    stop = reply.choices[0].stop
    assert stop is not None
    assert facts.stop == stop.reason
    assert facts.usage == reply.usage
    written = json.loads(OPENAI_RESPONSES.encode_reply(reply))
    for name in set(body) - {"output"}:
        assert written[name] == body[name], name
    said = [item for item in body["output"] if item["type"] != "reasoning" or says_something(item)]
    for was, now in zip(said, written["output"], strict=True):
        assert plain(was).items() <= plain(now).items()
    again = OPENAI_RESPONSES.decode_reply(json.dumps(written).encode())
    assert without_ids(again) == without_ids(reply)
    assert json.loads(OPENAI_RESPONSES.encode_reply(again)) == written


def plain(item: dict[str, Any]) -> dict[str, Any]:
    out = dict(item)
    if item["type"] == "message":
        content = [{"annotations": [], "logprobs": []} | part for part in item["content"]]
        out["content"] = content
    if item["type"] == "reasoning" and out.get("content") == []:
        del out["content"]
    return out


@given(streams())
def test_a_stream(events: list[StreamEvent]) -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True)
    told = b"".join(encoder.feed(event) for event in events)
    heard = read(told)
    assert without_ids(fold(heard)) == without_ids(fold(events))
    assert heard[-3:] == events[-3:]


@given(streams())
def test_a_stream_and_its_last_event_say_the_same(events: list[StreamEvent]) -> None:
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True)
    told = b"".join(encoder.feed(event) for event in events)
    frames = [json.loads(each.partition(b"\ndata: ")[2]) for each in told.split(b"\n\n")[:-1]]
    assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))
    done = [frame["item"] for frame in frames if frame["type"] == "response.output_item.done"]
    output = frames[-1]["response"]["output"]
    assert sorted(map(json.dumps, done)) == sorted(map(json.dumps, output))
    assert len({item["id"] for item in output}) == len(output)
    assert encoder.position.sequence == frames[-1]["sequence_number"]
    assert encoder.position.id == frames[-1]["response"]["id"]


@given(streams())
def test_what_comes_only_at_the_end_is_said_all_the_same(events: list[StreamEvent]) -> None:
    """A server that sends no deltas: what it says stands in the last event."""
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True)
    frames = b"".join(encoder.feed(event) for event in events).split(b"\n\n")
    whole = read(b"\n\n".join([frames[0], frames[-2], b""]))
    deltas = read(b"\n\n".join(frames))
    assert without_ids(fold(whole)) == without_ids(fold(deltas))


def read(told: bytes) -> list[StreamEvent]:
    splitter, decoder = OPENAI_RESPONSES.splitter(), OPENAI_RESPONSES.stream_decoder()
    return [event for frame in splitter.feed(told) for event in decoder.feed(frame)]


def without_ids(reply: Any) -> Any:
    """What was said; ids are made anew, and a summary that came in pieces is one text."""
    turn = reply.choices[0].turn if reply.choices else None
    parts = [
        {
            name: getattr(part, name, None)
            for name in ("text", "arguments", "name", "call_id", "kind")
        }
        | {"type": type(part), "summary": "".join(getattr(part, "summary", ()))}
        | {"seal": getattr(part, "signature", None)}
        for part in (turn.parts if turn else ())
    ]
    stop = reply.choices[0].stop if reply.choices else None
    return reply.id, reply.model, reply.created, reply.usage, stop, parts


@given(CHAT_REQUESTS)
def test_every_request_of_chat_can_be_asked(body: dict[str, Any]) -> None:
    request = OPENAI_CHAT.decode_request(Members.parse(json.dumps(body).encode()))
    written = OPENAI_RESPONSES.encode_request(request, Target("up"))
    asked = Payload(OPENAI_RESPONSES, Members.parse(written.encode())).request
    texts = [
        {
            author: "".join(turn.text for turn in each.turns if turn.author is author)
            for author in Author
        }
        for each in (request, asked)
    ]
    assert texts[1] == texts[0]
    calls = [
        [(call.name, call.arguments) for turn in each.turns for call in turn.tool_calls]
        for each in (request, asked)
    ]
    assert calls[0] == calls[1]


@given(MANGLED)
def test_no_body_breaks_it(body: Any) -> None:
    """Whatever a caller sends is read, or refused in words that name a member."""
    raw = json.dumps({"model": "m", "input": "x"} | body).encode()
    with contextlib.suppress(CallerError):
        request = Payload(OPENAI_RESPONSES, Members.parse(raw)).request
        json.loads(OPENAI_RESPONSES.encode_request(request, Target("up")).encode())
        json.loads(OPENAI_CHAT.encode_request(request, Target("up")).encode())
