"""What the table of faults cannot say: where a redirect leads, what is counted, which bytes stay."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from antiphon.providers.estimate import Calibration
from antiphon.simulator import FaultRule
from tests.server.stage import HELLO, Stage
from tests.server.test_faults import Witness

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
STOCK = {
    "type": "function",
    "function": {"name": "get_stock", "parameters": WEATHER["function"]["parameters"]},
}
TOOLS = {
    "messages": [{"role": "user", "content": "get_weather get_stock"}],
    "tools": [WEATHER, STOCK],
}
CALL_FAULTS = (
    "tool-index-missing",
    "tool-index-zero",
    "tool-id-twice",
    "tool-id-empty",
    "tool-arguments-empty",
    "tool-arguments-snapshots",
    "tool-finish-stop",
)
USAGE = {"stream": True, "stream_options": {"include_usage": True}}
REPLY_ID = re.compile(rb"(chatcmpl-|call_)[A-Za-z0-9]{24}")


@pytest.fixture
async def canary(road: Stage):
    """Listens where `redirect-away` points to, and keeps what it hears."""
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.put_nowait(await reader.read(65_536))
        writer.close()

    try:
        server = await asyncio.start_server(listen, "127.0.0.2", road.first.address[1])
    except OSError as error:
        pytest.skip(f"127.0.0.2 is not to be had: {error.strerror}")
    async with server:
        yield heard, server.sockets[0].getsockname()


@pytest.mark.parametrize("stream", [False, True])
async def test_nobody_follows_a_redirect(road: Stage, canary, stream):
    heard, address = canary
    road.first.arm("redirect-away")
    seen = await Witness().ask(road, "fast", stream=stream)
    assert (seen.status, seen.why) == (502, "unexpected_status")
    response = await road.http.post(
        "/v1/chat/completions", json={"model": "fast", "messages": HELLO, "stream": stream}
    )
    assert "location" not in response.headers
    assert b"127.0.0.2" not in response.content
    # It hears whoever comes, and this is the first.
    _, writer = await asyncio.open_connection(*address)
    writer.write(b"hello")
    async with asyncio.timeout(5):
        assert await heard.get() == b"hello"
    writer.close()
    assert heard.empty()


async def test_a_second_answer_is_given_to_nobody(road: Stage):
    witness = Witness()
    await witness.ask(road, "fast", stream=False)
    honest = witness.text
    road.first.arm("second-answer")
    for stream in (False, True) * 3:
        witness = Witness()
        await witness.ask(road, "fast", stream=stream)
        assert witness.text == honest
    # A connection on which something follows an answer is used no more.
    used = [each.connection for each in road.first.received]
    assert len(set(used[1:])) == len(used[1:])


async def counted(road: Stage) -> dict[str, float]:
    await road.at_rest()
    page = road.gateway.metrics.exposition().decode()
    found = re.findall(r'^antiphon_tokens_total\{.*type="(\w+)".*\} (\S+)$', page, re.MULTILINE)
    return {kind: float(value) for kind, value in found if float(value)}


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "tokens"),
    [
        ("negative-usage", {}),
        ("huge-usage", {}),
        ("text-usage", {}),
        ("nulls", {}),
        ("float-usage", {"input": 9, "output": 3}),
    ],
)
async def test_what_is_counted(road: Stage, fault, tokens, stream, asked):
    road.first.arm(fault)
    body = {"model": "fast", "messages": HELLO, **({"stream": True} if stream else {})}
    if stream and asked:
        body |= USAGE
    response = await road.http.post("/v1/chat/completions", json=body)
    assert response.status_code == 200
    if tokens:
        assert await counted(road) == tokens
    else:
        # What cannot be believed is estimated: by the prompt's bytes, and the text that passed.
        told = await counted(road)
        assert told["input"] == Calibration().tokens(len(road.first.received[-1].body))
        assert 0 < told["output"] < len(response.content)
        assert set(told) == {"input", "output"}
    if stream and not asked and fault != "nulls":
        # No chunk without a choice comes to a caller who did not ask for usage.
        assert b"prompt_tokens" not in response.content
        assert b'"choices":[]' not in response.content


@pytest.mark.parametrize(
    "fault", ["usage-everywhere", "usage-growing", "usage-on-choice", "choices-missing"]
)
async def test_usage_is_counted_once(road: Stage, fault):
    body = {"model": "fast", "messages": HELLO, "stream": True}
    await road.http.post("/v1/chat/completions", json=body)
    once = await counted(road)
    road.first.arm(fault)
    response = await road.http.post("/v1/chat/completions", json=body)
    assert await counted(road) == {kind: 2 * value for kind, value in once.items()}
    assert b"prompt_tokens" not in response.content


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", CALL_FAULTS)
async def test_muddled_calls_keep_their_bytes(road: Stage, fault, stream):
    body = {"model": "sim-small", **TOOLS, **(USAGE if stream else {})}
    road.first.arm(fault)
    direct = await road.http.post(f"{road.first.base_url}/chat/completions", json=body)
    through = await road.http.post("/v1/chat/completions", json={**body, "model": "one/sim-small"})
    assert without_ids(through.content) == without_ids(direct.content)
    assert direct.content.count(b"get_") == 2


def without_ids(body: bytes) -> bytes:
    return REPLY_ID.sub(rb"\1", body)


@pytest.mark.parametrize(
    ("fault", "kept"),
    [
        ("tool-index-missing", True),
        ("tool-index-zero", True),
        ("tool-id-twice", True),
        ("tool-id-empty", True),
        ("tool-finish-stop", True),
        ("tool-arguments-empty", False),
    ],
)
async def test_muddled_calls_are_told_apart_where_they_are_read(road: Stage, fault, kept):
    honest = await road.gateway.chat(model="fast", **TOOLS)
    road.first.arm(fault)
    whole = await road.gateway.chat(model="fast", **TOOLS)
    async with road.gateway.stream(model="fast", **TOOLS) as events:
        calls: list[list[str]] = []
        async for event in events:
            match type(event).__name__:
                case "ToolCallStarted":
                    calls.append([event.call_id, event.name, ""])
                case "ToolCallDelta":
                    calls[event.index][2] += event.arguments
                case "Finished":
                    assert event.stop.reason == "tool"
                case _:
                    pass
    expected = [(part.name, part.arguments if kept else "") for part in calls_in(honest)]
    assert [(name, arguments) for _, name, arguments in calls] == expected
    assert [(part.name, part.arguments) for part in calls_in(whole)] == expected
    assert whole.choices[0].stop.reason == "tool"
    for ids in ([id_ for id_, *_ in calls], [part.call_id for part in calls_in(whole)]):
        assert all(ids)
        assert len(set(ids)) == 2


def calls_in(reply) -> list:
    return [part for part in reply.choices[0].turn.parts if hasattr(part, "arguments")]


async def test_a_stream_keeps_its_odd_lines(road: Stage):
    body = {"model": "fast", "messages": HELLO, **USAGE}
    for fault in ("event-fields", "data-lines", "comments", "crlf", "nulls", "huge-number"):
        road.first.disarm()
        road.first.arm(fault)
        direct = await road.http.post(
            f"{road.first.base_url}/chat/completions", json={**body, "model": "sim-small"}
        )
        through = await road.http.post("/v1/chat/completions", json=body)
        assert without_ids(through.content) == without_ids(direct.content), fault


async def test_a_body_with_another_type_is_given_the_right_one(road: Stage):
    road.first.arm(FaultRule("type-text"))
    for stream, expected in ((False, "application/json"), (True, "text/event-stream")):
        body = {"model": "fast", "messages": HELLO, "stream": stream}
        response = await road.http.post("/v1/chat/completions", json=body)
        assert response.headers["content-type"].startswith(expected)
    assert json.loads(response.content.split(b"\n\n")[0][6:])["choices"]
