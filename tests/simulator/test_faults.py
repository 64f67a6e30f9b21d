"""What a caller meets when something goes wrong, byte by byte."""

import asyncio
import gzip
import json
import socket

import msgspec
import pytest

from antiphon.simulator import FAULTS, Fault, Outcome, Problem, Scene, Simulator, SimulatorSpec
from antiphon.simulator.reply import Reply
from antiphon.simulator.wires import WIRES
from tests.simulator.callers import GUIDE, Raw, body_of, called, chat_request, chunks_of, events_of

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
STOCK = {"type": "function", "function": {"name": "get_stock", "parameters": {}}}
ENDLESS = {"stall", "stall-inside", "endless", "heartbeats", "endless-header"}
CLOSED_DOORS = {"refused", "tls-slow", "tls-closed"}
UNFINISHED = {"reset-inside", "stall-inside", "cut"}


def test_every_fault_is_in_the_guide() -> None:
    guide = GUIDE.read_text()
    for name, fault in FAULTS.items():
        row = next(row for row in guide.splitlines() if row.startswith(f"| `{name}` |"))
        assert row.endswith(f"| {fault.description} | {fault.expected} |")


def test_every_fault_says_in_a_line_what_is_expected() -> None:
    for name, fault in FAULTS.items():
        assert fault.expected, name
        assert fault.expected[0].islower()
        assert not set("|\n") & set(fault.description + fault.expected), name
        assert fault.expected[-1].isalnum() or fault.expected.endswith("`"), name


ENDING = sorted(FAULTS.keys() - ENDLESS - CLOSED_DOORS - {"drip"})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("wire", "name"), [(wire, name) for name in ENDING for wire in sorted(FAULTS[name].wires)]
)
async def test_a_fault_ends_and_the_next_caller_is_served(
    simulator: Simulator, raw_in: Raw, wire: str, name: str, *, stream: bool
) -> None:
    try:
        await raw_in(wire, f"fault:{name}", text="[say: hi]", stream=stream)
    except ConnectionResetError:
        assert name in {"reset", "reset-inside"}
    assert simulator.received[-1].fault == name
    assert b"still here" in await raw_in(wire, text="[say: still here]")


@pytest.mark.parametrize(
    ("wire", "name"),
    [(wire, name) for name, each in FAULTS.items() for wire in sorted(WIRES - each.wires)],
)
async def test_a_fault_that_makes_no_sense_in_a_dialect_says_so(
    raw_in: Raw, wire: str, name: str
) -> None:
    answer = await raw_in(wire, f"fault:{name}", stream=True)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"makes no sense in %b" % wire.encode() in answer


STATUSES = {
    "rate-limited": (429, b"retry-after: 1", b'"code":"rate_limit_exceeded"'),
    "rate-limited-ms": (429, b"retry-after-ms: 50", b"rate_limit_exceeded"),
    "rate-limited-long": (429, b"retry-after: 3600", b"rate_limit_exceeded"),
    "rate-limited-date": (429, b"retry-after: Thu, 01 Jan 2026", b"rate_limit_exceeded"),
    "rate-limited-later": (429, b"retry-after: Thu, 01 Jan 2026 00:00:30", b"rate_limit_exceeded"),
    "rate-limited-year": (429, b"retry-after: 31536000", b"rate_limit_exceeded"),
    "rate-limited-negative": (429, b"retry-after: -5", b"rate_limit_exceeded"),
    "rate-limited-garbage": (429, b"retry-after: soon", b"rate_limit_exceeded"),
    "rate-limited-ms-huge": (429, b"retry-after-ms: 1000000000000000000", b"rate_limit_exceeded"),
    "rate-limited-bare": (429, b"", b"rate_limit_exceeded"),
    "no-retry": (429, b"x-should-retry: false", b"rate_limit_exceeded"),
    "quota": (429, b"", b'"code":"insufficient_quota"'),
    "bad-key": (401, b"", b'"code":"invalid_api_key"'),
    "key-echo": (401, b"", b"sk-secret"),
    "forbidden": (403, b"", b"not allowed"),
    "no-model": (404, b"", b'"code":"model_not_found"'),
    "bad-request": (400, b"", b'"param":"temperature"'),
    "context-length": (400, b"", b'"code":"context_length_exceeded"'),
    "content-filter": (400, b"", b'"code":"content_filter"'),
    "timeout": (408, b"", b"Timeout"),
    "server-error": (500, b"", b'"type":"server_error"'),
    "server-error-text": (500, b"text/plain", b"Internal Server Error"),
    "bad-gateway": (502, b"text/html", b"<h1>502"),
    "unavailable": (503, b"content-length: 0", b""),
    "overloaded": (503, b"retry-after: 1", b"server_is_overloaded"),
    "overloaded-529": (529, b"", b'"type":"overloaded_error"'),
    "redirect": (302, b"location: /elsewhere", b""),
    "redirect-away": (307, b"location: http://127.0.0.2:80/v1/chat/completions", b""),
    "html": (200, b"text/html", b"<html>"),
    "error-200": (200, b"application/json", b'{"error":{'),
    "empty-200": (200, b"content-length: 0", b""),
    "empty-object": (200, b"application/json", b"{}"),
    "no-content": (204, b"", b""),
}


@pytest.mark.parametrize("name", STATUSES)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_status_is_reported(raw: Raw, name: str, *, stream: bool) -> None:
    status, header, body = STATUSES[name]
    secret = "authorization: Bearer sk-secret\r\n"
    answer = await raw(f"sim-small+fault:{name}", headers=secret, stream=stream)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert header in head
    assert body in rest
    assert b"x-antiphon-simulator: lab" in head
    assert (b"retry-after" in head) == (b"retry-after" in header)


async def test_the_header_chooses_a_fault_too(raw: Raw) -> None:
    answer = await raw(headers="X-Simulator-Fault: overloaded\r\n")
    assert answer.startswith(b"HTTP/1.1 503 ")


async def test_an_unknown_fault_is_told(raw: Raw) -> None:
    answer = await raw("fault:nonsense")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"rate-limited" in answer


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reset_comes_before_any_byte(raw: Raw, *, stream: bool) -> None:
    with pytest.raises(ConnectionResetError):
        await raw("fault:reset", stream=stream)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reset_comes_inside(simulator: Simulator, *, stream: bool) -> None:
    seen = await received_until_error(simulator, "reset-inside", stream=stream)
    assert seen.startswith(b"HTTP/1.1 200 OK")
    assert b'"id":"chatcmpl-' in seen
    assert b"[DONE]" not in seen
    assert b"finish_reason" in seen or not stream
    assert simulator.received[-1].outcome is Outcome.BROKEN


async def received_until_error(simulator: Simulator, name: str, *, stream: bool) -> bytes:
    seen = b""
    async with called(simulator) as (reader, writer):
        writer.write(chat_request(f"fault:{name}", stream=stream))
        try:
            while data := await reader.read(65536):
                seen += data
        except ConnectionResetError:
            return seen
    raise AssertionError("it ended properly")


async def test_a_hangup_is_no_answer_at_all(raw: Raw) -> None:
    assert await raw("fault:hangup") == b""


@pytest.mark.parametrize("name", ["stall", "stall-inside"])
async def test_a_stall_lasts_until_the_caller_leaves(simulator: Simulator, name: str) -> None:
    async with called(simulator) as (reader, writer):
        writer.write(chat_request(f"fault:{name}", stream=True))
        await within(simulator.until(lambda lab: lab.requests == 1))
        if name == "stall-inside":
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert simulator.received[0].outcome is Outcome.OPEN
    await within(simulator.until(lambda lab: lab.open_connections == 0))
    assert simulator.received[0].outcome is Outcome.CALLER_LEFT
    assert simulator.received[0].ended_at >= simulator.received[0].at
    await within(simulator.until(lambda lab: lab.running == 0))


async def within(waiting: object) -> None:
    async with asyncio.timeout(5):
        await waiting


async def test_an_endless_body_goes_on_as_long_as_it_is_read(simulator: Simulator) -> None:
    async with called(simulator) as (reader, writer):
        writer.write(chat_request("fault:endless", stream=True))
        await reader.readexactly(8 * 1024 * 1024)
    await within(simulator.until(lambda lab: lab.open_connections == 0))
    assert simulator.received[0].outcome is Outcome.CALLER_LEFT


async def test_refused_closes_the_door_for_a_while(raw: Raw) -> None:
    async with Simulator(SimulatorSpec(refuse_for=0.05)) as lab:
        assert await received_until_error(lab, "refused", stream=False) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(lab.address).close()
        while True:
            try:
                socket.create_connection(lab.address).close()
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)


async def test_the_door_closes_and_opens_on_demand(simulator: Simulator, raw: Raw) -> None:
    simulator.refuse()
    assert not simulator.state().listening
    with pytest.raises(ConnectionRefusedError):
        await raw()
    await simulator.start()
    assert (await raw()).startswith(b"HTTP/1.1 200 OK")


async def test_a_truncated_stream_ends_as_if_all_was_said(raw: Raw) -> None:
    answer = await raw("fault:truncated", stream=True)
    assert answer.endswith(b"0\r\n\r\n")
    assert b"[DONE]" not in answer
    assert all(event["choices"][0]["finish_reason"] is None for event in events_of(answer))


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cut_lacks_its_end(simulator: Simulator, raw: Raw, *, stream: bool) -> None:
    answer = await raw("fault:cut", stream=stream)
    head, _, body = answer.partition(b"\r\n\r\n")
    if stream:
        assert not answer.endswith(b"0\r\n\r\n")
        assert b"[DONE]" not in answer
    else:
        promised = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        assert 0 < len(body) < promised
    assert simulator.received[-1].outcome is Outcome.BROKEN


async def test_half_an_event_is_left(raw: Raw) -> None:
    answer = await raw("fault:half-event", stream=True)
    assert answer.endswith(b"0\r\n\r\n")
    last = body_of(answer).rpartition(b"\n\n")[2]
    assert last.startswith(b"data: {")
    with pytest.raises(json.JSONDecodeError):
        json.loads(last.removeprefix(b"data: "))


async def test_garbage_is_no_http(raw: Raw) -> None:
    answer = await raw("fault:garbage")
    assert answer
    assert b"HTTP/1.1" not in answer


@pytest.mark.parametrize(("name", "difference"), [("length-long", 100), ("length-short", -10)])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_length_is_wrong(raw: Raw, name: str, difference: int, *, stream: bool) -> None:
    head, _, body = (await raw(f"fault:{name}", stream=stream)).partition(b"\r\n\r\n")
    promised = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert promised == len(body) + difference
    assert b"chunked" not in head


async def test_headers_are_huge(raw: Raw) -> None:
    head = (await raw("fault:huge-headers")).partition(b"\r\n\r\n")[0]
    assert len(head) > 300_000


async def test_a_drip_comes_byte_by_byte() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with Simulator(sleep=sleep) as lab, called(lab) as (reader, writer):
        writer.write(chat_request("fault:drip", text="[say: slow]"))
        answer = await reader.read()
    assert b'"content":"slow"' in answer
    assert len(slept) > 400
    assert set(slept) == {0.01}


async def test_a_body_is_packed(raw: Raw) -> None:
    answer = await raw("fault:gzip", text="[say: packed]")
    assert b"content-encoding: gzip" in answer
    assert b"packed" in gzip.decompress(body_of(answer))


async def test_a_bomb_is_small_until_it_is_opened(raw: Raw) -> None:
    packed = body_of(await raw("fault:bomb"))
    assert len(packed) < 100_000
    assert len(gzip.decompress(packed)) == 64 * 1024 * 1024


async def test_an_error_comes_inside_a_stream(raw: Raw) -> None:
    events = events_of(await raw("fault:error-event", stream=True))
    assert "choices" in events[0]
    assert events[-1]["error"]["type"] == "server_error"
    assert list(events_of(await raw("fault:error-first", stream=True))[0]) == ["error"]


async def test_done_and_finish_may_be_missing(raw: Raw) -> None:
    no_done = await raw("fault:no-done", stream=True)
    assert b"[DONE]" not in no_done
    assert b'"finish_reason":"stop"' in no_done
    no_finish = await raw("fault:no-finish", stream=True)
    assert b"[DONE]" in no_finish
    assert b'"finish_reason":"' not in no_finish
    preamble = await raw("fault:preamble-only", stream=True)
    assert len(events_of(preamble)) == 1


async def test_content_may_come_late(raw: Raw) -> None:
    events = events_of(await raw("fault:late-content", stream=True))
    assert events[-2]["choices"][0]["finish_reason"] == "stop"
    assert events[-1]["choices"][0]["delta"]["content"]


async def test_usage_comes_in_strange_places(raw: Raw) -> None:
    asked = {"stream": True, "stream_options": {"include_usage": True}}
    honest = events_of(await raw(text="[say: a b]", **asked))
    usage = honest[-1]["usage"]
    on_choice = events_of(await raw("fault:usage-on-choice", text="[say: a b]", **asked))
    assert on_choice[-1]["usage"] == usage
    assert on_choice[-1]["choices"][0]["finish_reason"] == "stop"
    assert all(event["usage"] is None for event in on_choice[:-1])
    everywhere = events_of(await raw("fault:usage-everywhere", text="[say: a b]", **asked))
    assert [event["usage"] for event in everywhere] == [usage] * len(honest)
    missing = events_of(await raw("fault:no-usage", text="[say: a b]", **asked))
    assert all("usage" not in event for event in missing)
    assert len(missing) == len(honest) - 1
    negative = events_of(await raw("fault:negative-usage", text="[say: a b]", **asked))
    assert negative[-1]["usage"]["prompt_tokens"] == -9
    plain = json.loads(body_of(await raw("fault:negative-usage")))
    assert plain["usage"]["total_tokens"] == -12
    unasked = events_of(await raw("fault:usage-everywhere", text="[say: a b]", stream=True))
    assert {event["usage"]["total_tokens"] for event in unasked} == {12}


async def test_tool_calls_lose_their_index(raw: Raw) -> None:
    asked = {"text": "get_weather get_stock", "tools": [WEATHER, STOCK], "stream": True}

    def indexes(events: list[dict]) -> list[int | None]:
        deltas = [event["choices"][0]["delta"] for event in events]
        return [call.get("index") for delta in deltas for call in delta.get("tool_calls", ())]

    assert set(indexes(events_of(await raw(**asked)))) == {0, 1}
    assert set(indexes(events_of(await raw("fault:tool-index-missing", **asked)))) == {None}
    assert set(indexes(events_of(await raw("fault:tool-index-zero", **asked)))) == {0}


async def test_framing_may_be_unusual(raw: Raw) -> None:
    honest = body_of(await raw(text="[say: a b]", stream=True))
    crlf = body_of(await raw("fault:crlf", text="[say: a b]", stream=True))
    assert without_id(crlf.replace(b"\r\n", b"\n")) == without_id(honest)
    assert crlf.count(b"\r\n\r\n") == honest.count(b"\n\n")
    comments = body_of(await raw("fault:comments", text="[say: a b]", stream=True))
    assert comments.count(b": OPENROUTER PROCESSING\n\n") == honest.count(b"\n\n")
    bom = body_of(await raw("fault:bom", text="[say: a b]", stream=True))
    assert bom.startswith(b"\xef\xbb\xbfdata: {")
    one_byte = await raw("fault:byte-chunks", text="[say: a b]", stream=True)
    assert {len(c) for c in chunks_of(one_byte.partition(b"\r\n\r\n")[2])} == {1}
    assert without_id(body_of(one_byte)) == without_id(honest)
    one_read = await raw("fault:one-read", text="[say: a b]", stream=True)
    assert len(chunks_of(one_read.partition(b"\r\n\r\n")[2])) == 1


def without_id(stream: bytes) -> bytes:
    start = stream.index(b"chatcmpl-")
    return stream.replace(stream[start : start + 33], b"chatcmpl-")


@pytest.mark.parametrize("stream", [False, True])
async def test_text_may_be_dangerous(raw: Raw, *, stream: bool) -> None:
    lines = (await raw("fault:line-separators", stream=stream)).decode()
    assert "\u2028\u2029\x85" in lines
    broken = await raw("fault:invalid-utf8", stream=stream)
    with pytest.raises(UnicodeDecodeError):
        broken.decode()


async def test_events_may_be_monstrous(raw: Raw) -> None:
    assert len(await raw("fault:huge-event", stream=True)) > 8 * 1024 * 1024
    assert b"[" * 20_000 in await raw("fault:deep-event", stream=True)
    garbage = await raw("fault:garbage-data", stream=True)
    assert b"<garbage>" in garbage
    assert b"[DONE]" in garbage


async def test_a_fault_of_ones_own() -> None:
    def teapot(reply: Reply, scene: Scene) -> Reply:
        told = Problem(418, f"{scene.received.method} is not tea", code="teapot")
        return msgspec.structs.replace(scene.dialect.complain(told), delay=reply.delay)

    own = {"teapot": Fault("418", teapot)}
    async with Simulator(faults=own) as lab:
        lab.arm("teapot")
        async with called(lab) as (reader, writer):
            writer.write(chat_request())
            answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 418 ")
    assert b"POST is not tea" in answer
