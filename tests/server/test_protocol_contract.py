"""What `GatewayProtocol` and `Cycle` rely on in uvicorn: an upgrade that moves it fails here."""

from __future__ import annotations

import asyncio
import importlib.metadata
import inspect
import re
from pathlib import Path

import httptools
import pytest
import uvicorn
from uvicorn.protocols.http import flow_control, httptools_impl

from antiphon.server.cycle import Cycle
from antiphon.server.protocol import Bounds, GatewayProtocol, protocol_with
from tests.server.raw import chat_body, connected, request
from tests.server.stage import HELLO, stage

Theirs = httptools_impl.HttpToolsProtocol
TESTED = "0.54"

METHODS = {
    "__init__": ["self", "config", "server_state", "app_state", "_loop"],
    "connection_made": ["self", "transport"],
    "connection_lost": ["self", "exc"],
    "data_received": ["self", "data"],
    "eof_received": ["self"],
    "on_message_begin": ["self"],
    "on_url": ["self", "url"],
    "on_header": ["self", "name", "value"],
    "on_headers_complete": ["self"],
    "on_body": ["self", "body"],
    "on_message_complete": ["self"],
    "shutdown": ["self"],
    "pause_writing": ["self"],
    "resume_writing": ["self"],
}
ATTRIBUTES = ("app", "loop", "connections", "tasks", "server_state", "transport", "flow")
SET_BY_CONNECTION_MADE = ("flow", "server", "client", "scheme", "transport")


def test_the_version_is_the_one_that_was_tested():
    assert uvicorn.__version__.startswith(f"{TESTED}."), "read uvicorn's changes, then this module"
    pins = importlib.metadata.requires("antiphon") or []
    pin = next(each for each in pins if re.match(r"uvicorn\b", each))
    assert ">=0.54" in pin
    assert "<0.55" in pin
    lock = (Path(__file__).parents[2] / "requirements" / "runtime.txt").read_text()
    assert f"uvicorn=={TESTED}." in lock


@pytest.mark.parametrize("name", METHODS)
def test_their_methods_are_as_they_were(name):
    assert list(inspect.signature(getattr(Theirs, name)).parameters) == METHODS[name]


@pytest.mark.parametrize("name", METHODS)
def test_ours_fit_theirs(name):
    ours = list(inspect.signature(getattr(GatewayProtocol, name)).parameters)
    assert ours == METHODS[name]


def test_nothing_of_theirs_is_called_that_we_do_not_know():
    """Every method of theirs is ours too, or is known to do no harm."""
    inherited = {
        name
        for name, member in vars(Theirs).items()
        if inspect.isfunction(member) and name not in vars(GatewayProtocol)
    }
    assert inherited == {
        "eof_received",
        "_unset_keepalive_if_required",
        "_get_upgrade",
        "_should_upgrade_to_ws",
        "_unsupported_upgrade_warning",
        "_should_upgrade",
        "handle_websocket_upgrade",
        "send_400_response",
        "_start_asgi_task",
        "on_response_complete",
        "timeout_keep_alive_handler",
    }


def test_their_attributes_are_as_they_were():
    source = inspect.getsource(Theirs.__init__)
    for name in ATTRIBUTES:
        assert re.search(rf"self\.{name}\b.*=", source), name
    made = inspect.getsource(Theirs.connection_made)
    for name in SET_BY_CONNECTION_MADE:
        assert f"self.{name} = " in made, name
    assert "self.connections.add(self)" in made


def test_their_pauses_are_those_of_the_flow():
    assert "self.flow.pause_writing()" in inspect.getsource(Theirs.pause_writing)
    assert "self.flow.resume_writing()" in inspect.getsource(Theirs.resume_writing)


def test_the_flow_control_is_as_it_was():
    flow = flow_control.FlowControl
    assert list(inspect.signature(flow.__init__).parameters) == ["self", "transport"]
    for name in ("pause_reading", "resume_reading", "pause_writing", "resume_writing", "drain"):
        assert list(inspect.signature(getattr(flow, name)).parameters) == ["self"]
    assert inspect.iscoroutinefunction(flow.drain)
    assert flow_control.HIGH_WATER_LIMIT == 65536


def test_status_lines_are_whole_lines():
    for status in (200, 400, 404, 408, 413, 429, 431, 499, 500, 502, 503, 504):
        line = httptools_impl.STATUS_LINE.get(status)
        if status != 499:
            assert line.startswith(b"HTTP/1.1 %d " % status)
            assert line.endswith(b"\r\n")


def test_the_server_s_own_state_is_as_it_was():
    state = uvicorn.server.ServerState()
    assert state.total_requests == 0
    assert state.connections == set()
    assert state.tasks == set()
    assert state.default_headers == []


def test_the_parser_has_what_is_asked_of_it():
    parser = httptools.HttpRequestParser(object())
    for name in ("feed_data", "get_http_version", "get_method", "should_keep_alive"):
        assert callable(getattr(parser, name))
    assert issubclass(httptools.HttpParserCallbackError, httptools.HttpParserError)
    assert not issubclass(httptools.HttpParserUpgrade, httptools.HttpParserError)


def test_bounds_belong_to_a_class_of_their_own():
    tight = protocol_with(Bounds(connections=1))
    assert tight.bounds.connections == 1
    assert GatewayProtocol.bounds == Bounds()
    assert issubclass(tight, GatewayProtocol)


def test_the_server_calls_what_we_override():
    source = inspect.getsource(uvicorn.Server)
    assert "connection.shutdown()" in source
    assert "self.server_state.tasks" in source
    assert "capture_signals" in source
    assert list(inspect.signature(uvicorn.Server.startup).parameters) == ["self", "sockets"]


def test_a_cycle_has_what_their_server_looks_at():
    """`Server.shutdown` looks at connections and tasks alone, never at a cycle."""
    assert "cycle" not in inspect.getsource(uvicorn.Server)
    assert {"response_complete", "keep_alive", "left"} <= set(Cycle.__slots__)


# ------------------------------------------------------------------ on the wire


async def test_a_connection_serves_many_requests(road):
    async with connected(road) as raw:
        for number in range(20):
            await raw.send(request(chat_body(stream=bool(number % 2))))
            response = await raw.response()
            assert response.status == 200
            assert "connection" not in response.headers


async def test_errors_keep_the_connection(road):
    async with connected(road) as raw:
        for body, status in ((b"x", 400), (chat_body(model="no"), 404), (chat_body(), 200)):
            await raw.send(request(body))
            assert (await raw.response()).status == status


@pytest.mark.parametrize("stream", [False, True])
async def test_connection_close_is_honoured(road, stream):
    async with connected(road) as raw:
        await raw.send(request(chat_body(stream=stream), "Connection: close"))
        response = await raw.response()
        assert (response.status, response.headers["connection"]) == (200, "close")
        assert await raw.is_closed()


async def test_a_chunked_upload(road):
    async with connected(road) as raw:
        body = chat_body()
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        await raw.send(request(chunks, "Transfer-Encoding: chunked"))
        assert (await raw.response()).status == 200
        await raw.send(request())
        assert (await raw.response()).status == 200
    assert road.first.received[0].body == body.replace(b'"fast"', b'"sim-small"')


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz", "/v1/models"])
async def test_head_is_get_without_its_body(road, path):
    async with connected(road) as raw:
        await raw.send(request(b"", method="GET", path=path))
        whole = await raw.response()
        await raw.send(request(b"", method="HEAD", path=path))
        head = await raw.response(bodiless=True)
        assert (head.status, head.headers["content-length"]) == (200, str(len(whole.body)))
        await raw.send(request(b"", method="GET", path=path))
        assert (await raw.response()).body == whole.body


@pytest.mark.parametrize("path", ["/health", "/nothing", "/v1/chat/completions", "/docs"])
async def test_every_answer_has_a_date_and_none_names_the_server(road, path):
    response = await road.http.get(path)
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", response.headers["date"])
    assert "server" not in response.headers
    assert "x-powered-by" not in response.headers


async def test_a_failure_inside_the_block_closes_the_listener(tmp_path):
    ports: list[int] = []

    async def fail() -> None:
        async with stage(tmp_path) as road:
            ports.append(road.port)
            raise LookupError

    with pytest.raises(BaseExceptionGroup):
        await fail()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", ports[0])


async def test_a_large_answer_goes_out_whole(road):
    said = [{"role": "user", "content": "[tokens: 200000]"}]
    async with connected(road) as raw:
        await raw.send(request(chat_body(messages=said)))
        response = await raw.response()
        assert response.status == 200
        assert len(response.body) > 500_000
        await raw.send(request(chat_body(messages=HELLO)))
        assert (await raw.response()).status == 200
