"""Whatever a caller sends, it gets an error that it can read; never a 5xx, never silence."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from typing import NamedTuple

import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.raw import CHAT, Response, chat_body, connected, request
from tests.server.stage import HELLO, KEY, Stage, stage

ENVELOPE = {"message", "type", "param", "code"}


def checked(response: Response, status: int, code: str | None, param: str | None = None) -> str:
    """The error's message; asserts that it is one in OpenAI's envelope."""
    assert response.status == status, response
    assert response.headers["content-type"] == "application/json"
    error = response.error
    assert set(error) >= ENVELOPE
    assert (error["code"], error["param"]) == (code, param), error
    assert error["message"]
    assert "Traceback" not in error["message"]
    assert "antiphon/" not in error["message"]
    return error["message"]


async def posted(road: Stage, body: bytes, **headers: str) -> Response:
    response = await road.http.post(CHAT, content=body, headers=headers)
    return Response(response.status_code, dict(response.headers), response.content)


# ------------------------------------------------------------------ bodies

MESSAGES = b'"messages":[{"role":"user","content":"x"}]'
BODIES: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", None),
    "a space": (b" ", None),
    "no JSON": (b"hello", None),
    "cut JSON": (b'{"model": "fast", "messages": [', None),
    "two values": (chat_body() + b"{}", None),
    "single quotes": (b"{'model': 'fast'}", None),
    "a trailing comma": (b'{"model": "fast", ' + MESSAGES + b",}", None),
    "a comment": (b'{"model": "fast", /* x */ ' + MESSAGES + b"}", None),
    "NaN": (b'{"model": "fast", "temperature": NaN, ' + MESSAGES + b"}", None),
    "a list": (b"[" + chat_body() + b"]", None),
    "a text": (b'"fast"', None),
    "null": (b"null", None),
    "a number": (b"1", None),
    "UTF-16": (chat_body().decode().encode("utf-16"), None),
    "invalid UTF-8": (b'{"model": "fast", "messages": [{"role":"user","content":"\xff"}]}', None),
    "a surrogate as UTF-8": (
        b'{"model": "fast", "messages": [{"role":"user","content":"\xed\xa0\x80"}]}',
        None,
    ),
    "deep lists": (b"[" * 20_000, None),
    "deep objects": (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, None),
    "deep messages": (
        b'{"model": "fast", "messages": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        None,
    ),
    "an empty object": (b"{}", "model"),
    "no model": (b"{" + MESSAGES + b"}", "model"),
    "a null model": (b'{"model": null, ' + MESSAGES + b"}", "model"),
    "a number as model": (b'{"model": 1, ' + MESSAGES + b"}", "model"),
    "a list as model": (b'{"model": ["fast"], ' + MESSAGES + b"}", "model"),
    "no messages": (b'{"model": "fast"}', "messages"),
    "null messages": (b'{"model": "fast", "messages": null}', "messages"),
    "text as messages": (b'{"model": "fast", "messages": "hello"}', "messages"),
    "an object as messages": (b'{"model": "fast", "messages": {}}', "messages"),
    "empty messages": (b'{"model": "fast", "messages": []}', "messages"),
    "text as stream": (b'{"model": "fast", "stream": "yes", ' + MESSAGES + b"}", "stream"),
    "a number as stream": (b'{"model": "fast", "stream": 1, ' + MESSAGES + b"}", "stream"),
    "text as stream_options": (
        b'{"model": "fast", "stream": true, "stream_options": "x", ' + MESSAGES + b"}",
        "stream_options",
    ),
    "a list as stream_options": (
        b'{"model": "fast", "stream": true, "stream_options": [], ' + MESSAGES + b"}",
        "stream_options",
    ),
    "text as include_usage": (
        b'{"model": "fast", "stream": true, "stream_options": {"include_usage": "x"}, '
        + MESSAGES
        + b"}",
        "include_usage",
    ),
}


async def test_bad_bodies(road):
    for name, (body, param) in BODIES.items():
        async with asyncio.timeout(5):
            response = await posted(road, body)
        assert response.status == 400, name
        error = response.error
        assert error["param"] == param, (name, error)
        assert error["type"] == "invalid_request_error"
        assert set(error) >= ENVELOPE
        assert response.headers["x-should-retry"] == "false"
    assert road.first.requests == 0
    assert (await posted(road, chat_body())).status == 200


SDK_BODIES = [
    ({"model": 1}, "model"),
    ({"messages": "hello"}, "messages"),
    ({"messages": []}, "messages"),
    ({"extra_body": {"stream": "yes"}}, "stream"),
    ({"stream": True, "stream_options": "x"}, "stream_options"),
]


@pytest.mark.parametrize(("members", "param"), SDK_BODIES)
async def test_openai_s_client_raises_bad_request(road, members, param):
    arguments = {"model": "fast", "messages": HELLO, **members}
    with pytest.raises(openai.BadRequestError) as caught:
        await road.client.chat.completions.create(**arguments)
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"


async def test_an_unknown_model_is_told_with_the_nearest_names(tmp_path):
    models = {"smart-model": "one/sim-small", "other": "one/sim-small"}
    async with stage(tmp_path, models=models) as road:
        with pytest.raises(openai.NotFoundError) as caught:
            await road.client.chat.completions.create(model="smart-modle", messages=HELLO)
        assert caught.value.code == "model_not_found"
        assert caught.value.param == "model"
        assert "'smart-modle' does not exist" in caught.value.body["message"]
        assert "Did you mean 'smart-model'" in caught.value.body["message"]
        with pytest.raises(openai.NotFoundError) as caught:
            await road.client.models.retrieve("smart-modle")
        assert "'smart-model'" in caught.value.body["message"]


@pytest.mark.parametrize(
    "model", ["x" * 100_000, "\x00", "a\r\nb", "../../etc/passwd", "", " ", "é", "\U0001f600", "*"]
)
async def test_strange_names_of_models(road, model):
    response = await posted(road, chat_body(model=model))
    assert response.status in {400, 404}
    assert len(response.error["message"]) < 500


@pytest.mark.parametrize("model", ["nowhere/sim-small", "/", "/x", "one/"])
async def test_a_passthrough_to_nowhere(road, model):
    checked(await posted(road, chat_body(model=model)), 404, "model_not_found", "model")


# ------------------------------------------------------------------ sizes


async def test_a_body_over_the_bound_is_refused_before_it_is_read(tmp_path):
    async with stage(tmp_path, server={"max_body_bytes": 2048}) as road, connected(road) as raw:
        await raw.send(request(b"", "Content-Length: 1000000000"))
        checked(await raw.response(), 413, "request_too_large")


async def test_a_chunked_body_over_the_bound_is_refused_while_it_comes(tmp_path):
    async with stage(tmp_path, server={"max_body_bytes": 2048}) as road, connected(road) as raw:
        await raw.send(request(b"", "Transfer-Encoding: chunked"))
        for _ in range(3):
            await raw.send(b"400\r\n" + b" " * 1024 + b"\r\n")
        checked(await raw.response(), 413, "request_too_large")


async def test_openai_s_client_sees_a_body_that_is_too_large(tmp_path):
    async with stage(tmp_path, server={"max_body_bytes": 2048}) as road:
        with pytest.raises(openai.APIStatusError) as caught:
            await road.client.chat.completions.create(
                model="fast", messages=[{"role": "user", "content": "x" * 4096}]
            )
        assert caught.value.status_code == 413


async def test_a_body_of_the_bound_s_size_is_read(tmp_path):
    async with stage(tmp_path, server={"max_body_bytes": 2048}) as road:
        body = chat_body()
        assert (await posted(road, body + b" " * (2048 - len(body)))).status == 200
        assert (await posted(road, body + b" " * (2049 - len(body)))).status == 413


# ------------------------------------------------------------------ keys


async def test_keys_that_are_missing_or_wrong(tmp_path):
    auth = {"required": True, "keys": [{"key": KEY}]}
    async with stage(tmp_path, auth=auth) as road:
        response = await posted(road, chat_body())
        assert "required" in checked(response, 401, "invalid_api_key")
        assert response.headers["www-authenticate"] == "Bearer"
        for value in ("Bearer wrong", "Bearer", "Basic abc", KEY, "Bearer " + "x" * 9000):
            response = await posted(road, chat_body(), authorization=value)
            message = checked(response, 401, "invalid_api_key")
            assert not value[7:] or value[7:] not in message
        with pytest.raises(openai.AuthenticationError):
            await road.client.with_options(api_key="wrong").models.list()
        with pytest.raises(openai.AuthenticationError):
            await road.client.with_options(api_key="wrong").chat.completions.create(
                model="fast", messages=HELLO
            )
        assert road.first.requests == 0


async def test_a_stranger_s_body_is_not_read(tmp_path):
    auth = {"required": True, "keys": [{"key": KEY}]}
    async with stage(tmp_path, auth=auth) as road, connected(road) as raw:
        await raw.send(request(b"", "Content-Length: 1000000", "Authorization: Bearer wrong"))
        checked(await raw.response(), 401, "invalid_api_key")


# ------------------------------------------------------------------ methods and paths


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_a_wrong_method_of_chat(road, method):
    async with connected(road) as raw:
        await raw.send(request(b"", method=method))
        response = await raw.response()
        checked(response, 405, "method_not_allowed")
        assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/v1/models", "/health", "/livez", "/readyz", "/metrics"])
async def test_a_wrong_method_of_what_is_read(road, path):
    async with connected(road) as raw:
        await raw.send(request(b"", path=path))
        response = await raw.response()
        checked(response, 405, "method_not_allowed")
        assert response.headers["allow"] == "GET, HEAD"


async def test_head_of_chat_has_no_body(road):
    async with connected(road) as raw:
        await raw.send(request(b"", method="HEAD"))
        assert (await raw.response(bodiless=True)).status == 405
        await raw.send(request(b"", method="GET", path="/livez"))
        assert (await raw.response()).body == b"ok\n"


PATHS = [
    "/nothing",
    "/v1",
    "/v1/",
    "/v1/chat",
    "/v1/chat/completions/",
    "/v1/chat/completions/../completions",
    "//v1/chat/completions",
    "/%2e%2e/etc/passwd",
    "/v1/chat/completions%00",
    "/docs/../../secret",
    "/docs/nothing.js",
    "/api/nothing",
    "/" + "x" * 10_000,
]


@pytest.mark.parametrize("path", PATHS)
async def test_an_unknown_path(road, path):
    async with connected(road) as raw:
        await raw.send(request(path=path))
        response = await raw.response()
        # What is administered is told to nobody without a key, whether it is there or not.
        assert response.status in ({401} if path.startswith("/api/") else {404, 405}), response
        assert set(response.error) >= ENVELOPE
        assert len(response.body) < 1000


async def test_openai_s_client_sees_an_unknown_path(road):
    with pytest.raises(openai.NotFoundError):
        await road.client.fine_tuning.jobs.list()


# ------------------------------------------------------------------ HTTP


class Bytes(NamedTuple):
    """Bytes of a caller, and the answer; 0 is a connection that closes without one."""

    sent: bytes
    status: int
    code: str | None = "invalid_http"


def doubled(*lines: str) -> bytes:
    return request(None, *lines, *lines, f"Content-Length: {len(chat_body())}")


SMUGGLED = b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HTTP: dict[str, Bytes] = {
    "a host twice": Bytes(doubled("Host: 127.0.0.1"), 400, None),
    "an authorization twice": Bytes(doubled("Authorization: Bearer a"), 400, None),
    "an x-api-key twice": Bytes(doubled("X-Api-Key: a"), 400, None),
    "an origin twice": Bytes(doubled("Origin: http://127.0.0.1"), 400, None),
    "the same length twice": Bytes(
        request(None, *[f"Content-Length: {len(chat_body())}"] * 2), 400
    ),
    "two lengths": Bytes(request(None, "Content-Length: 5", "Content-Length: 6"), 400),
    "a list of lengths": Bytes(request(None, "Content-Length: 5, 5"), 400),
    "a signed length": Bytes(request(None, "Content-Length: +5"), 400),
    "a negative length": Bytes(request(None, "Content-Length: -5"), 400),
    "a hexadecimal length": Bytes(request(None, "Content-Length: 0x5"), 400),
    "an endless length": Bytes(request(None, "Content-Length: " + "9" * 30), 400),
    "a length and chunks": Bytes(
        request(SMUGGLED, "Content-Length: 4", "Transfer-Encoding: chunked"), 400
    ),
    "chunks and a length": Bytes(
        request(SMUGGLED, "Transfer-Encoding: chunked", "Content-Length: 4"), 400
    ),
    "chunks that are not the last coding": Bytes(
        request(SMUGGLED, "Transfer-Encoding: chunked, identity"), 400
    ),
    "a coding before the colon": Bytes(request(SMUGGLED, "Transfer-Encoding : chunked"), 400),
    "a chunk of no size": Bytes(request(b"xyz\r\n", "Transfer-Encoding: chunked"), 400),
    "a chunk over 64 bits": Bytes(request(b"f" * 17 + b"\r\n", "Transfer-Encoding: chunked"), 400),
    "a folded header": Bytes(request(None, "X-A: b", " c"), 400),
    "a space in a name": Bytes(request(None, "X A: b"), 400),
    "no colon": Bytes(request(None, "X-A"), 400),
    "an empty name": Bytes(request(None, ": b"), 400),
    "a NUL in a value": Bytes(request(None, "X-A: b\x00c"), 400),
    "a bare CR in a value": Bytes(request(None, "X-A: b\rc"), 400),
    "a line that is no request": Bytes(b"hello\r\n\r\n", 400),
    "another protocol": Bytes(b"GET /health HTTPS/1.1\r\n\r\n", 400),
    "a version to come": Bytes(b"GET /health HTTP/9.9\r\n\r\n", 400),
    "a method of no word": Bytes(b"G@T /health HTTP/1.1\r\n\r\n", 400),
    "TLS": Bytes(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64, 400),
    "HTTP/2": Bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "an upgrade to websocket": Bytes(
        request(b"", "Connection: Upgrade", "Upgrade: websocket", method="GET", path="/health"),
        400,
        "upgrade_not_supported",
    ),
    "bytes over ASCII in the target": Bytes(
        b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 400
    ),
    "a head of a megabyte": Bytes(
        request(None, *[f"X-{n}: {'x' * 10_000}" for n in range(100)]), 431, "headers_too_large"
    ),
    "a header of a megabyte": Bytes(request(None, "X-A: " + "x" * 2**20), 431, "headers_too_large"),
    "a thousand headers": Bytes(
        request(None, *[f"X-{n}: x" for n in range(1000)]), 431, "headers_too_large"
    ),
    "a compressed body": Bytes(
        request(gzip.compress(chat_body()), "Content-Encoding: gzip"), 400, None
    ),
}


async def test_bad_http(road):
    async def send(name: str, case: Bytes) -> None:
        async with connected(road) as raw:
            with contextlib.suppress(ConnectionError):  # answered before all of it was taken
                await raw.send(case.sent)
            answer = await raw.response()
            assert answer.status == case.status, (name, answer)
            assert set(answer.error) >= ENVELOPE, name
            assert answer.error["code"] == case.code, (name, answer)
            if case.code is not None:
                assert answer.headers["connection"] == "close", name
                assert await raw.is_closed(), name

    await asyncio.gather(*(send(name, case) for name, case in HTTP.items()))
    assert road.first.requests == 0
    assert (await posted(road, chat_body())).status == 200


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("stream", [False, True])
async def test_http_1_0_is_answered_and_closed(road, version, stream):
    async with connected(road) as raw:
        await raw.send(request(chat_body(stream=stream), "Connection: close", version=version))
        response = await raw.response()
        assert response.status == 200
        assert response.headers["connection"] == "close"
        if version == "1.0":
            assert "transfer-encoding" not in response.headers
        assert (b"[DONE]" in response.body) == stream
        assert await raw.is_closed()


async def test_http_1_0_is_closed_even_if_it_asks_to_stay(road):
    async with connected(road) as raw:
        await raw.send(request(None, "Connection: keep-alive", version="1.0"))
        assert (await raw.response()).headers["connection"] == "close"
        assert await raw.is_closed()


async def test_expect_100_continue(road):
    async with connected(road) as raw:
        body = chat_body()
        await raw.send(request(b"", "Expect: 100-continue", f"Content-Length: {len(body)}"))
        assert (await raw.response()).status == 100
        await raw.send(body)
        assert (await raw.response()).status == 200


async def test_expect_100_continue_is_refused_before_the_body(tmp_path):
    auth = {"required": True, "keys": [{"key": KEY}]}
    async with stage(tmp_path, auth=auth) as road, connected(road) as raw:
        await raw.send(request(b"", "Expect: 100-continue", "Content-Length: 100"))
        checked(await raw.response(), 401, "invalid_api_key")


async def test_a_request_without_a_host_is_refused(road):
    for head in (b"GET /health HTTP/1.1\r\n\r\n", b"GET /health\r\n\r\n"):
        async with connected(road) as raw:
            await raw.send(head)
            checked(await raw.response(), 403, "permission_denied")


async def test_an_absolute_target(road):
    async with connected(road) as raw:
        await raw.send(request(path=f"http://127.0.0.1:{road.port}{CHAT}?x=y#z"))
        assert (await raw.response()).status == 200


async def test_empty_lines_before_a_request(road):
    async with connected(road) as raw:
        await raw.send(b"\r\n\r\n" + request())
        assert (await raw.response()).status == 200


async def test_a_request_byte_by_byte(road):
    async with connected(road) as raw:
        for byte in request():
            await raw.send(bytes([byte]))
        assert (await raw.response()).status == 200


async def test_the_same_with_chunks_of_one_byte(road):
    async with connected(road) as raw:
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in chat_body()) + b"0\r\nX-Late: 1\r\n\r\n"
        await raw.send(request(chunks, "Transfer-Encoding: chunked"))
        assert (await raw.response()).status == 200
    assert road.first.received[-1].body == chat_body().replace(b'"fast"', b'"sim-small"')


# ------------------------------------------------------------------ anything

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["fast", "user", "assistant", "tool", "text", "image_url", "x" * 1000]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["role", "content", "type", "text", "tool_calls", "id", "function", "a"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
MEMBERS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "messages",
            "stream",
            "stream_options",
            "max_tokens",
            "tools",
            "tool_choice",
            "response_format",
            "n",
            "stop",
        ),
        JSON,
    )
    | {"model": JSON | st.just("fast")},
)
ODD = (
    JSON.map(lambda value: json.dumps(value).encode())
    | MEMBERS.map(lambda value: json.dumps(value).encode())
    | st.binary(max_size=200)
    | st.tuples(st.binary(max_size=8), st.integers(0, len(chat_body()))).map(
        lambda cut: chat_body()[: cut[1]] + cut[0] + chat_body()[cut[1] :]
    )
)


def _quiet(check: object) -> object:
    return settings(
        max_examples=150,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )(check)


class Hurled:
    """Sends bodies from a thread of Hypothesis to a gateway on this loop."""

    def __init__(self, road: Stage, loop: asyncio.AbstractEventLoop) -> None:
        self.road = road
        self.loop = loop

    def __call__(self, data: bytes) -> tuple[int, bytes]:
        return asyncio.run_coroutine_threadsafe(self._post(data), self.loop).result(10)

    async def _post(self, data: bytes) -> tuple[int, bytes]:
        response = await self.road.http.post(CHAT, content=data)
        return response.status_code, response.content

    def raw(self, data: bytes) -> bytes:
        return asyncio.run_coroutine_threadsafe(self._raw(data), self.loop).result(10)

    async def _raw(self, data: bytes) -> bytes:
        async with connected(self.road) as raw:
            try:
                await raw.send(data)
                raw.writer.write_eof()
            except (ConnectionError, OSError):
                pass
            return await raw.rest()


async def test_any_body(road):
    hurl = Hurled(road, asyncio.get_running_loop())

    @_quiet
    @given(ODD)
    def check(body: bytes) -> None:
        status, content = hurl(body)
        # What is well formed goes on, and the provider may refuse it: then it is a 4xx as well.
        assert status < 500, (body, content)
        if status != 200:
            assert set(json.loads(content)["error"]) >= ENVELOPE

    await asyncio.to_thread(check)
    assert not road.gateway.pipeline.live
    assert (await posted(road, chat_body())).status == 200


async def test_any_bytes(road):
    hurl = Hurled(road, asyncio.get_running_loop())
    whole = request(None, "Connection: close")

    @_quiet
    @given(st.binary(max_size=40), st.integers(0, len(whole)), st.integers(0, 30))
    def check(noise: bytes, at: int, gone: int) -> None:
        answer = hurl.raw(whole[:at] + noise + whole[at + gone :])
        assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
        assert not answer.startswith(b"HTTP/1.1 5")

    await asyncio.to_thread(check)
    assert (await posted(road, chat_body())).status == 200
    assert not road.gateway.pipeline.live


async def test_many_bad_ones_leave_nothing(road):
    async def bad(number: int) -> None:
        sent = list(HTTP.values())[number % len(HTTP)].sent
        async with connected(road) as raw:
            with contextlib.suppress(ConnectionError):
                await raw.send(sent[: number * 7 % len(sent)])
            raw.abort()

    await asyncio.gather(*(bad(number) for number in range(200)))
    assert (await posted(road, chat_body())).status == 200
    assert not road.gateway.pipeline.live
