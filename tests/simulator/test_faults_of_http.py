"""Bodies under false names, heads without an end, and doors where nobody answers."""

import asyncio
import gzip
import json
import ssl

import pytest
import trustme

from antiphon.simulator import Simulator, SimulatorSpec
from tests.simulator.callers import Raw, body_of, called, chat_request, chunks_of, events_of


@pytest.mark.parametrize("stream", [False, True])
async def test_a_body_has_a_false_type(raw: Raw, *, stream: bool) -> None:
    text = await raw("fault:type-text", text="[say: hi]", stream=stream)
    assert b"content-type: text/plain" in text
    assert b"hi" in body_of(text)
    as_json = await raw("fault:type-json", stream=stream)
    assert as_json.count(b"content-type: application/json\r\n") == 1
    assert body_of(as_json).startswith(b"data: {" if stream else b"{")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("name", "content_type"),
    [("not-streamed", b"application/json"), ("type-stream", b"text/event-stream")],
)
async def test_a_body_is_whole_although_a_stream_was_asked_for(
    raw: Raw, name: str, content_type: bytes, *, stream: bool
) -> None:
    answer = await raw(f"fault:{name}", text="[say: one two]", stream=stream)
    assert b"content-type: " + content_type in answer
    assert b"chunked" not in answer
    whole = json.loads(body_of(answer))
    assert whole["object"] == "chat.completion"
    assert whole["system_fingerprint"] == "simulator"
    assert whole["choices"][0]["message"]["content"] == "one two"
    assert whole["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("name", ["not-streamed", "type-stream"])
async def test_a_recording_is_whole_too(raw: Raw, simulator: Simulator, name: str) -> None:
    for id_ in simulator.recordings:
        answer = await raw(f"replay:{id_}", headers=f"x-simulator-fault: {name}\r\n", stream=True)
        assert answer.startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_body_has_no_length(raw: Raw, *, stream: bool) -> None:
    head, _, body = (await raw("fault:no-length", stream=stream)).partition(b"\r\n\r\n")
    assert b"content-length" not in head
    assert b"chunked" not in head
    assert body.endswith(b"[DONE]\n\n" if stream else b"}")


async def test_a_packing_is_broken(raw: Raw) -> None:
    cut = await raw("fault:gzip-cut")
    assert b"content-encoding: gzip" in cut
    with pytest.raises(EOFError):
        gzip.decompress(body_of(cut))
    garbage = await raw("fault:gzip-garbage")
    assert b"content-encoding: gzip" in garbage
    assert json.loads(body_of(garbage))
    assert b"content-encoding: br\r\n" in await raw("fault:unknown-encoding")


async def test_half_a_character_is_left(raw: Raw) -> None:
    for stream in (False, True):
        body = body_of(await raw("fault:half-character", stream=stream))
        with pytest.raises(UnicodeDecodeError, match="unexpected end of data"):
            body.decode()
    assert body.startswith(b"data: {")


async def test_two_lengths_differ(raw: Raw) -> None:
    head, _, body = (await raw("fault:two-lengths")).partition(b"\r\n\r\n")
    told = [line for line in head.split(b"\r\n") if line.startswith(b"content-length: ")]
    assert told == [b"content-length: %d" % len(body), b"content-length: %d" % (len(body) // 2)]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_length_stands_beside_chunks(raw: Raw, *, stream: bool) -> None:
    answer = await raw("fault:length-and-chunks", stream=stream)
    head = answer.partition(b"\r\n\r\n")[0]
    assert b"transfer-encoding: chunked" in head
    assert b"content-length: %d" % (len(body_of(answer)) // 2) in head


async def test_headers_are_many(raw: Raw) -> None:
    head = (await raw("fault:header-flood")).partition(b"\r\n\r\n")[0]
    assert head.count(b"\r\n") > 10_000


async def test_a_header_has_no_end(simulator: Simulator) -> None:
    async with called(simulator) as (reader, writer):
        writer.write(chat_request("fault:endless-header"))
        begun = await reader.readexactly(1024 * 1024)
    assert begun.startswith(b"HTTP/1.1 200 OK\r\nx-filler: ")
    assert begun.count(b"\n") == 1


async def test_interim_answers_come_first(raw: Raw) -> None:
    heads = (await raw("fault:interim")).split(b"\r\n\r\n")
    assert [head.split()[1] for head in heads[:3]] == [b"100", b"103", b"200"]


@pytest.mark.parametrize("stream", [False, True])
async def test_trailers_follow_the_last_chunk(raw: Raw, *, stream: bool) -> None:
    answer = await raw("fault:trailers", stream=stream)
    assert answer.endswith(b"0\r\nx-checksum: 0000\r\ncontent-encoding: gzip\r\n\r\n")
    assert b"trailer: x-checksum" in answer
    assert b"".join(chunks_of(answer.partition(b"\r\n\r\n")[2])) == body_of(answer)


async def test_a_second_answer_follows(raw: Raw) -> None:
    answer = await raw("fault:second-answer")
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(b'{"choices":[{"message":{"content":"This answers no question."}}]}')


@pytest.mark.parametrize(("stream", "beat"), [(False, b" "), (True, b": heartbeat\n\n")])
async def test_signs_of_life_go_on(stream: bool, beat: bytes) -> None:
    async def sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    async with Simulator(sleep=sleep) as lab, called(lab) as (reader, writer):
        writer.write(chat_request("fault:heartbeats", stream=stream))
        await reader.readuntil(b"\r\n\r\n")
        chunk = b"%x\r\n%b\r\n" % (len(beat), beat)
        assert await reader.readexactly(len(chunk) * 100) == chunk * 100


# ------------------------------------------------------------------ the door


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("name", ["tls-slow", "tls-closed"])
async def test_a_door_is_ill_and_gets_well(name: str, *, tls: bool) -> None:
    client, server = contexts() if tls else (None, None)
    options = {"ssl": client} if tls else {}
    async with Simulator(SimulatorSpec(refuse_for=60), ssl_context=server) as lab:
        async with called(lab, **options) as (reader, writer):
            writer.write(chat_request(f"fault:{name}"))
            with pytest.raises(ConnectionResetError):
                await reader.read()
        async with called(lab) as (reader, writer):
            if name == "tls-closed":
                writer.write(b"\x16\x03\x01 as if it were a handshake")
            else:
                # Nothing is ever said, and whoever waits is dropped with the door.
                await lab.until(lambda lab: lab.connections == 2)
                await lab.start()
            assert await reader.read() == b""
        await lab.start()
        async with called(lab, **options) as (reader, writer):
            writer.write(chat_request())
            assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")
        assert lab.running == 0


async def test_an_ill_door_gets_well_by_itself() -> None:
    async with Simulator(SimulatorSpec(refuse_for=0.01)) as lab:
        async with called(lab) as (reader, writer):
            writer.write(chat_request("fault:tls-closed"))
            with pytest.raises(ConnectionResetError):
                await reader.read()
        await lab.until(lambda lab: lab.running == 0)
        async with called(lab) as (reader, writer):
            writer.write(chat_request())
            assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")


async def test_an_ill_door_can_be_closed() -> None:
    async with Simulator(SimulatorSpec(refuse_for=60)) as lab:
        async with called(lab) as (reader, writer):
            writer.write(chat_request("fault:tls-slow"))
            with pytest.raises(ConnectionResetError):
                await reader.read()
        async with called(lab) as (reader, _):
            await lab.until(lambda lab: lab.open_connections == 1)
            await lab.close()
            assert await reader.read() == b""
    assert lab.open_connections == lab.running == 0


def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    client = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    return client, server


async def test_a_redirect_points_to_the_same_port_elsewhere(raw: Raw) -> None:
    headers = "host: 127.0.0.1:4321\r\n"
    request = chat_request("fault:redirect-away").replace(b"host: lab\r\n", headers.encode())
    async with Simulator() as lab, called(lab) as (reader, writer):
        writer.write(request)
        answer = await reader.read()
    assert b"location: http://127.0.0.2:4321/v1/chat/completions\r\n" in answer
    assert events_of(answer) == []
