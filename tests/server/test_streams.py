"""Streams: signs of life, what is held back, what is hidden, and how each one ends."""

from __future__ import annotations

import asyncio
import json
import time

import openai
import pytest
from msgspec.structs import replace

from antiphon.simulator import Fault, FaultRule, Latency, Outcome, Scene
from antiphon.simulator.reply import Piece, Reply
from tests.server.raw import chat_body, connected, request
from tests.server.stage import HELLO, Stage, stage

BEATING = {"heartbeat_seconds": 0.1}


@pytest.fixture
async def beating(tmp_path):
    async with stage(tmp_path, server=BEATING) as running:
        yield running


async def stream(road: Stage, model: str = "fast", **members: object) -> bytes:
    response = await road.http.post(
        "/v1/chat/completions", content=chat_body(model=model, stream=True, **members)
    )
    assert response.status_code == 200, response.content
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    return response.content


def events(body: bytes) -> list[dict[str, object]]:
    datas = [
        line[6:] for line in body.replace(b"\r\n", b"\n").split(b"\n") if line[:6] == b"data: "
    ]
    return [json.loads(data) for data in datas if data != b"[DONE]"]


def text_of(body: bytes) -> str:
    return "".join(
        choice["delta"].get("content") or ""
        for event in events(body)
        for choice in event.get("choices", ())
    )


def made_of(*pieces: bytes | float) -> Fault:
    """A stream of these bytes, with these pauses before them."""

    def play(reply: Reply, scene: Scene) -> Reply:
        played, pause = [], 0.0
        for piece in pieces:
            if isinstance(piece, float):
                pause = piece
            else:
                played.append(Piece(piece, pause))
                pause = 0.0
        return replace(reply, pieces=tuple(played))

    return Fault("a stream of a test", play)


def chunk(
    delta: dict[str, object] | None = None, finish: str | None = None, **more: object
) -> bytes:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: %b\n\n" % json.dumps({**head, "choices": [choice], **more}).encode()


ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk({}, "stop")
DONE = b"data: [DONE]\n\n"


def teach(road: Stage, name: str, *pieces: bytes | float) -> None:
    road.first.faults = {**road.first.faults, name: made_of(*pieces)}
    road.first.arm(name)


# ------------------------------------------------------------------ signs of life


async def test_a_heartbeat_comes_before_the_provider_says_anything(beating):
    beating.first.set_latency(Latency(first_token=0.35))
    async with connected(beating) as raw:
        began = time.monotonic()
        await raw.send(request(chat_body(stream=True), "Connection: close"))
        assert (await raw.head()).status == 200
        assert time.monotonic() - began < 0.3
        body = await raw.rest()
    assert body.count(b"\n\n") > 2
    assert 2 <= body[: body.index(b"data: ")].count(b":\n\n") <= 4
    assert b"[DONE]" in body


async def test_heartbeats_come_inside_a_stream(beating):
    teach(beating, "slow", ROLE, chunk({"content": "a"}), 0.35, chunk({"content": "b"}), STOP, DONE)
    body = await stream(beating)
    between = body[body.index(b'"a"') : body.index(b'"b"')]
    assert 2 <= sum(line.startswith(b":") for line in between.split(b"\n")) <= 4
    assert text_of(body) == "ab"


async def test_openai_s_client_does_not_see_heartbeats(beating):
    beating.first.set_latency(Latency(first_token=0.25))
    answer = await beating.client.chat.completions.create(model="fast", messages=HELLO, stream=True)
    chunks = [each async for each in answer]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("fault", ["server-error", "reset", "cut", "error-first", "html"])
async def test_failover_is_still_free_after_a_heartbeat(beating, fault):
    beating.first.set_latency(Latency(first_token=0.25))
    if fault == "cut":
        teach(beating, "mute", 0.25, ROLE)
    else:
        beating.first.arm(fault)
    body = await stream(beating, "both")
    assert b"error" not in body
    assert text_of(body) == text_of(await stream(beating, "two/sim-small"))
    assert [e["choices"][0]["delta"].get("role") for e in events(body)].count("assistant") == 1


async def test_an_error_after_a_heartbeat_is_an_event(beating):
    teach(beating, "mute", 0.25, ROLE)
    with pytest.raises(openai.APIError) as caught:
        async for _ in await beating.client.chat.completions.create(
            model="fast", messages=HELLO, stream=True
        ):
            pass
    assert not isinstance(caught.value, openai.APIStatusError)


WAITS = {"attempts": 2, "backoff": 0.3, "jitter": "none"}
"""For longer than until the first heartbeat."""


async def test_an_exhausted_route_after_a_heartbeat_is_an_event(tmp_path):
    models = {"fast": {"deployments": ["one/sim-small"], "retry": WAITS}}
    async with stage(tmp_path, server=BEATING, models=models) as road:
        road.first.arm("server-error")
        body = await stream(road)
        assert events(body)[-1]["error"]["code"] == "upstream_error"
        assert road.first.requests == 2


# ------------------------------------------------------------------ the preamble


async def test_a_preamble_alone_commits_to_nothing(road):
    teach(road, "mute", *[b": wait\n\n"] * 20, ROLE)
    body = await stream(road, "both")
    assert text_of(body) == text_of(await stream(road, "two/sim-small"))
    assert body.count(b": wait") == 0


@pytest.mark.parametrize("kind", ["frames", "bytes"])
async def test_a_long_preamble_commits(road, kind):
    """Callers must not wait for ever behind a provider that only clears its throat."""
    padding = [b": wait\n\n"] * 70 if kind == "frames" else [b": %b\n\n" % (b"x" * 100_000)] * 3
    teach(road, "throat", ROLE, *padding, 0.05, b": more\n\n")
    body = await stream(road, "both")
    # Nothing of an answer was in it, so the next one gives all of it, behind what went out.
    assert body.startswith(ROLE + padding[0])
    assert body.count(b'"role"') == 1
    assert text_of(body) == text_of(await stream(road, "two/sim-small"))


async def test_text_goes_out_when_it_comes(road):
    teach(road, "slow", ROLE, chunk({"content": "a"}), 0.5, chunk({"content": "b"}), STOP, DONE)
    began = time.monotonic()
    answer = await road.client.chat.completions.create(model="fast", messages=HELLO, stream=True)
    async for each in answer:
        if each.choices[0].delta.content == "a":
            assert time.monotonic() - began < 0.4
            break
    await answer.close()


# ------------------------------------------------------------------ usage


@pytest.mark.parametrize("fault", [None, "usage-on-choice", "usage-everywhere"])
@pytest.mark.parametrize("asked", [None, False, True])
async def test_usage_is_shown_to_who_asked(road, fault, asked):
    if fault:
        road.first.arm(fault)
    members = {} if asked is None else {"stream_options": {"include_usage": asked}}
    body = await stream(road, **members)
    shown = [event for event in events(body) if event.get("usage")]
    assert bool(shown) == bool(asked)
    sent = json.loads(road.first.received[-1].body)
    assert sent["stream_options"]["include_usage"] is True


async def test_a_usage_that_was_not_asked_for_leaves_no_empty_frame(road):
    body = await stream(road)
    assert b'"choices":[]' not in body
    assert all(frame.startswith(b"data: ") for frame in body.split(b"\n\n") if frame)


# ------------------------------------------------------------------ how a stream ends


async def test_a_stream_without_done_gets_one(road):
    teach(road, "open", ROLE, chunk({"content": "hi"}), STOP)
    body = await stream(road)
    assert body.endswith(DONE)
    assert body.count(b"[DONE]") == 1


async def test_nothing_follows_done(road):
    teach(road, "more", ROLE, chunk({"content": "hi"}), STOP, DONE, chunk({"content": "late"}))
    assert (await stream(road)).endswith(DONE)


@pytest.mark.parametrize(
    "ending",
    [
        b'data: {"error":{"message":"m","type":"server_error","code":"server_error"}}\n\n',
        b'event: error\ndata: {"message":"m"}\n\n',
        b"data: {broken\n\n",
        b"",
        b"data: [DO",
    ],
)
async def test_a_broken_end_after_content_is_an_error_event(road, ending):
    teach(road, "broken", ROLE, chunk({"content": "hi"}), 0.05, ending)
    body = await stream(road)
    assert text_of(body) == "hi"
    error = events(body)[-1]["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    with pytest.raises(openai.APIError):
        async for _ in await road.client.chat.completions.create(
            model="fast", messages=HELLO, stream=True
        ):
            pass


async def test_a_failed_stream_is_not_counted_as_a_success(road):
    teach(road, "broken", ROLE, chunk({"content": "hi"}), 0.05, b"data: {broken\n\n")
    await stream(road)
    assert not road.gateway.pipeline.live
    exposed = road.gateway.metrics.exposition().decode()
    served = [line for line in exposed.splitlines() if line.startswith("antiphon_requests_total")]
    assert not [line for line in served if 'status="200"' in line and not line.endswith(" 0")]


# ------------------------------------------------------------------ bytes


async def test_line_separators_are_text(road):
    teach(
        road,
        "separators",
        ROLE,
        b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
        % "a\u2028b\u2029c\x85d".encode(),
        STOP,
        DONE,
    )
    answer = await road.client.chat.completions.create(model="fast", messages=HELLO, stream=True)
    said = [each.choices[0].delta.content or "" async for each in answer]
    assert "".join(said) == "a\u2028b\u2029c\x85d"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_any_line_end_is_understood_and_goes_on_as_it_came(road, end):
    whole = (ROLE + b": hm\n\n" + chunk({"content": "hi"}) + STOP + DONE).replace(b"\n", end)
    teach(road, "ends", whole)
    assert await stream(road) == whole


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
async def test_wherever_the_network_cuts(road, size):
    whole = b": c\r\n\r\n" + ROLE + chunk({"content": "h\u00e9\u2028!"}) + STOP + DONE
    pieces: list[bytes | float] = []
    for start in range(0, len(whole), size):
        pieces += [0.0002, whole[start : start + size]]
    teach(road, "cut", *pieces)
    assert await stream(road) == whole


async def test_comments_go_through(road):
    whole = b": first\n\n" + ROLE + b": then\n\n" + chunk({"content": "hi"}) + STOP + DONE
    teach(road, "comments", whole)
    assert await stream(road) == whole


async def test_unknown_events_go_through(road):
    news = b'event: news\ndata: {"object":"news","x":[1,2]}\n\n'
    whole = ROLE + chunk({"content": "hi"}) + news + STOP + DONE
    teach(road, "news", whole)
    assert await stream(road) == whole


# ------------------------------------------------------------------ many


async def test_many_streams_at_once_do_not_mix(road):
    road.first.set_latency(Latency(tokens_per_second=500, jitter=0.5))

    async def ask(number: int) -> None:
        said = [{"role": "user", "content": f"[say: {f'number {number} ' * 10}]"}]
        body = await stream(road, messages=said)
        assert text_of(body).split() == f"number {number} ".split() * 10

    await asyncio.gather(*(ask(number) for number in range(100)))
    assert not road.gateway.pipeline.live
    assert road.first.outcomes[Outcome.ANSWERED] == 100


async def test_many_who_leave_free_the_provider_within_a_second(road):
    road.first.set_latency(Latency(tokens_per_second=20))
    streams = await asyncio.gather(
        *(
            road.client.chat.completions.create(
                model="fast",
                messages=[{"role": "user", "content": "[tokens: 4000]"}],
                stream=True,
            )
            for _ in range(50)
        )
    )
    for each in streams:
        await anext(aiter(each))
    await asyncio.gather(*(each.close() for each in streams))
    async with asyncio.timeout(1):
        await road.first.until(lambda lab: lab.outcomes[Outcome.CALLER_LEFT] == 50)
        await road.gateway.pipeline.idle()


async def test_a_fallback_among_many(road):
    road.first.arm(FaultRule("server-error", probability=0.5))
    bodies = await asyncio.gather(*(stream(road, "both") for _ in range(40)))
    assert all(body.endswith(DONE) for body in bodies)
    assert len({text_of(body) for body in bodies}) == 2
