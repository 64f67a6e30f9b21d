"""The door on real sockets, with a real name server: what it connects to is what it checked."""

# ruff: noqa: RUF001  look-alikes are what is tested

from __future__ import annotations

import socket

import httpcore2
import httpx2
import pytest

from antiphon.egress.client import Egress, Outgoing
from antiphon.egress.config import EgressSettings
from antiphon.egress.errors import (
    BadAddress,
    BlockedAddress,
    EgressTimeout,
    RefusedRedirect,
    Unreachable,
    Unresolved,
)
from antiphon.egress.resolver import SystemResolver
from antiphon.egress.rules import Rules
from antiphon.egress.transport import CheckedBackend
from antiphon.errors import BodyTooLarge, InvalidRequest
from tests.egress.conftest import CLOSED, OPEN, Bench
from tests.egress.servers import leads, says, sized

SAME = f"http://{OPEN}"


async def test_an_answer(bench: Bench) -> None:
    server = await bench.serve(says(sized(b"there", status="201 Created", extra="X-One: 1\r\n")))
    door = await bench.door(server)
    answer = await door.get(f"http://{OPEN}:{server.port}/a?b", headers={"Authorization": "x"})
    assert (answer.status, answer.body) == (201, b"there")
    assert answer.get("x-one") == "1"
    assert answer.url == f"http://{OPEN}:{server.port}/a?b"
    [visit] = server.visits
    assert visit.line == "GET /a?b HTTP/1.1"
    assert visit.headers["host"] == f"{OPEN}:{server.port}"
    assert visit.headers["authorization"] == "x"
    assert visit.headers["connection"] == "close"
    assert "cookie" not in visit.headers


async def test_a_body_is_sent(bench: Bench) -> None:
    server = await bench.serve(says(sized()))
    door = await bench.door(server)
    answer = await door.post(
        f"http://{OPEN}:{server.port}/in", b"{}", headers={"content-type": "application/json"}
    )
    assert answer.status == 200
    [visit] = server.visits
    assert (visit.line, visit.body) == ("POST /in HTTP/1.1", b"{}")
    assert visit.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "host",
    [
        CLOSED,
        "2130706433",
        "0x7f.1",
        "017700000001",
        "127.1",
        "１２７.0.0.1",
        "[::1]",
        "localhost",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0",
        "0.0.0.0",
        "127.0.0.1.",
    ],
)
async def test_no_spelling_reaches_the_canary(bench: Bench, host: str) -> None:
    canary = await bench.serve(says(sized()), at=CLOSED)
    door = await bench.door(canary)
    with pytest.raises(BlockedAddress):
        await door.get(f"http://{host}:{canary.port}/")
    assert canary.connections == 0


async def test_a_name_is_resolved_once_and_kept(bench: Bench) -> None:
    """The classic: an open address for the check, a closed one for the connection."""
    server, canary = await bench.neighbours()
    bench.names.says("rebinds.example", (OPEN,), (CLOSED,))
    door = await bench.door(server)
    url = f"http://rebinds.example:{server.port}/"
    assert (await door.get(url)).body == b"open"
    assert server.visits[0].headers["host"] == f"rebinds.example:{server.port}"
    assert bench.names.asked == [("rebinds.example", 1), ("rebinds.example", 28)]
    for _ in range(3):
        with pytest.raises(BlockedAddress):
            await door.get(url)
    assert canary.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        (CLOSED,),
        (OPEN, CLOSED),
        (CLOSED, OPEN),
        (OPEN, "::1"),
        (OPEN, "::ffff:127.0.0.1"),
        ("169.254.169.254",),
        ("64:ff9b::a9fe:a9fe",),
        ("0.0.0.0",),
        ("::",),
        ("2002:7f00:1::",),
    ],
)
async def test_a_name_with_a_closed_address(bench: Bench, addresses: tuple[str, ...]) -> None:
    server, canary = await bench.neighbours()
    bench.names.says("two.example", addresses)
    door = await bench.door(server)
    with pytest.raises(BlockedAddress):
        await door.get(f"http://two.example:{server.port}/")
    assert server.connections == canary.connections == 0


async def test_names_that_nobody_may_probe(bench: Bench) -> None:
    """A name that is closed and one that is not there are told apart in the log only."""
    server = await bench.serve(says(sized()))
    bench.names.says("jira.corp.example", ("10.0.0.7",))
    door = await bench.door(server)
    with pytest.raises(BlockedAddress) as blocked:
        await door.get(f"http://jira.corp.example:{server.port}/")
    with pytest.raises(Unresolved) as unresolved:
        await door.get(f"http://nowhere.corp.example:{server.port}/")
    assert blocked.value.message == unresolved.value.message
    assert "10.0.0.7" in blocked.value.reason


async def test_an_address_that_is_dead_does_not_hide_the_next(bench: Bench) -> None:
    server = await bench.serve(says(sized()))
    bench.names.says("two.example", ("127.0.0.3", OPEN))
    door = await bench.door(server, inside_networks=["127.0.0.2/31"])
    assert (await door.get(f"http://two.example:{server.port}/")).status == 200


async def test_the_resolver_of_the_machine(bench: Bench) -> None:
    server = await bench.serve(says(sized()), at=CLOSED)
    settings = {"inside_hosts": ["localhost"], "ports": [server.port]}
    async with Egress(EgressSettings.model_validate(settings)) as door:
        assert (await door.get(f"http://localhost:{server.port}/")).status == 200


async def test_what_the_resolver_of_the_machine_cannot_read() -> None:
    resolver = SystemResolver()
    with pytest.raises(Unresolved):
        await resolver.resolve("a..b", inside=False)
    resolver.close()


async def test_proxies_of_the_environment_are_not_asked(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await bench.serve(says(sized(b"direct")))
    proxy = await bench.serve(says(sized(b"proxy")), at=CLOSED)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"http://{CLOSED}:{proxy.port}")
    door = await bench.door(server)
    assert (await door.get(f"http://{OPEN}:{server.port}/")).body == b"direct"
    async with httpx2.AsyncClient(transport=door.transport) as client:
        assert (await client.get(f"http://{OPEN}:{server.port}/")).content == b"direct"
    assert proxy.connections == 0


async def test_a_client_of_the_library_goes_through_the_door(bench: Bench) -> None:
    """A library that is handed a client cannot leave by itself, whatever it follows."""
    canary = await bench.serve(says(sized()), at=CLOSED)
    server = await bench.serve(leads(f"http://{CLOSED}:{canary.port}/"))
    door = await bench.door(server, canary)
    async with httpx2.AsyncClient(transport=door.transport, follow_redirects=True) as client:
        with pytest.raises(BlockedAddress):
            await client.get(f"http://{OPEN}:{server.port}/", headers={"host": "other.example"})
    assert server.visits[0].headers["host"] == f"{OPEN}:{server.port}"
    assert canary.connections == 0


async def test_a_client_of_the_library_is_judged_before_anybody_is_asked(bench: Bench) -> None:
    door = await bench.door(https_only=True, ports=[80, 443])
    async with httpx2.AsyncClient(transport=door.transport, trust_env=False) as client:
        for url in ("http://a.example/", "https://printer/", "https://metadata.google.internal/"):
            with pytest.raises(BlockedAddress):
                await client.get(url)
        with pytest.raises(BadAddress):
            await client.get("https://u:p@a.example/")
    assert bench.names.asked == []


# ------------------------------------------------------------------ redirects


async def test_a_redirect_is_followed(bench: Bench) -> None:
    last = await bench.serve(says(sized(b"last")))
    first = await bench.serve(leads(f"//{OPEN}:{last.port}/x?y"))
    door = await bench.door(first, last)
    headers = {"authorization": "secret", "x-api-key": "secret", "accept-language": "de"}
    answer = await door.get(f"http://{OPEN}:{first.port}/", headers=headers)
    assert (answer.body, answer.url) == (b"last", f"http://{OPEN}:{last.port}/x?y")
    assert first.visits[0].headers["x-api-key"] == "secret"
    assert last.visits[0].headers.keys().isdisjoint({"authorization", "x-api-key"})
    assert last.visits[0].headers["accept-language"] == "de"


async def test_headers_stay_within_an_origin(bench: Bench) -> None:
    async def handler(visit) -> None:
        await (leads("/b") if visit.path == "/a" else says(sized(b"b")))(visit)

    server = await bench.serve(handler)
    door = await bench.door(server)
    answer = await door.get(f"http://{OPEN}:{server.port}/a", headers={"x-api-key": "k"})
    assert answer.body == b"b"
    assert [each.headers["x-api-key"] for each in server.visits] == ["k", "k"]


@pytest.mark.parametrize(
    ("location", "error"),
    [
        (f"http://{CLOSED}:PORT/", BlockedAddress),
        ("http://0x7f000001:PORT/", BlockedAddress),
        ("//[::ffff:7f00:1]:PORT/", BlockedAddress),
        ("http://169.254.169.254/latest/meta-data/", BlockedAddress),
        ("http://rebinds.example:PORT/", BlockedAddress),
        (f"http://{OPEN}:22/", BlockedAddress),
        (f"http://u@{OPEN}:PORT/", BadAddress),
        ("file:///etc/passwd", BadAddress),
        ("gopher://127.0.0.1/", BadAddress),
        ("http:\\\\127.0.0.1:PORT\\", BadAddress),
    ],
)
async def test_a_redirect_to_where_it_must_not(bench: Bench, location: str, error: type) -> None:
    canary = await bench.serve(says(sized()), at=CLOSED)
    bench.names.says("rebinds.example", (CLOSED,))
    server = await bench.serve(leads(location.replace("PORT", str(canary.port))))
    door = await bench.door(server, canary)
    with pytest.raises(error):
        await door.get(f"http://{OPEN}:{server.port}/")
    assert canary.connections == 0


async def test_the_body_of_a_redirect_is_not_read(bench: Bench) -> None:
    async def handler(visit) -> None:
        if visit.path == "/b":
            await says(sized(b"b"))(visit)
            return
        await visit.say(b"HTTP/1.1 302 Found\r\nLocation: /b\r\n\r\n")
        while True:
            await visit.say(b"x" * 0x10000)

    server = await bench.serve(handler)
    door = await bench.door(server, max_response_bytes=1000)
    assert (await door.get(f"http://{OPEN}:{server.port}/a")).body == b"b"


async def test_redirects_without_end(bench: Bench) -> None:
    server = await bench.serve(leads("/again"))
    door = await bench.door(server, redirects=3)
    with pytest.raises(RefusedRedirect):
        await door.get(f"http://{OPEN}:{server.port}/")
    assert server.connections == 4


@pytest.mark.parametrize(
    "status", ["301 Moved", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_a_body_is_not_sent_on(bench: Bench, status: str) -> None:
    canary = await bench.serve(says(sized()))
    server = await bench.serve(leads(f"http://{OPEN}:{canary.port}/", status=status))
    door = await bench.door(server, canary)
    answer = await door.post(f"http://{OPEN}:{server.port}/", b"secret")
    assert answer.status == int(status[:3])
    assert answer.body == b"moved"
    assert canary.connections == 0


async def test_a_redirect_without_an_address_is_an_answer(bench: Bench) -> None:
    server = await bench.serve(says(sized(b"", status="304 Not Modified")))
    door = await bench.door(server)
    assert (await door.get(f"http://{OPEN}:{server.port}/")).status == 304


# ------------------------------------------------------------------ what is not sent, and what fails


@pytest.mark.parametrize(
    "outgoing",
    [
        Outgoing(url=SAME, method="CONNECT"),
        Outgoing(url=SAME, method="get"),
        Outgoing(url=SAME, method="GET / HTTP/1.1\r\nx: y"),
        Outgoing(url=SAME, headers={"Host": "other.example"}),
        Outgoing(url=SAME, headers={"Transfer-Encoding": "chunked"}),
        Outgoing(url=SAME, headers={"content-length": "5"}),
        Outgoing(url=SAME, headers={"x\r\ny": "z"}),
        Outgoing(url=SAME, headers={"": "z"}),
        Outgoing(url=SAME, headers={"x": "y\r\nz: 1"}),
        Outgoing(url=SAME, headers={"x": "y\0"}),
        Outgoing(url=SAME, headers={"x": "€"}),
    ],
)
async def test_what_is_not_sent(bench: Bench, outgoing: Outgoing) -> None:
    door = await bench.door()
    with pytest.raises(InvalidRequest):
        await door.request(outgoing)


async def test_a_body_over_the_bound_is_not_sent(bench: Bench) -> None:
    server = await bench.serve(says(sized()))
    door = await bench.door(server, max_request_bytes=10)
    with pytest.raises(BodyTooLarge):
        await door.post(f"http://{OPEN}:{server.port}/", b"x" * 11)
    assert server.connections == 0


async def test_a_port_where_nobody_listens(bench: Bench) -> None:
    with socket.socket() as taken:
        taken.bind((OPEN, 0))
        port = taken.getsockname()[1]
        door = await bench.door(ports=[port])
        with pytest.raises(Unreachable) as caught:
            await door.get(f"http://{OPEN}:{port}/")
    assert OPEN not in caught.value.message
    assert caught.value.should_retry


async def test_a_name_server_that_keeps_silent(bench: Bench) -> None:
    bench.names.silent = True
    door = await bench.door(connect_seconds=0.05)
    with pytest.raises(EgressTimeout):
        await door.get("http://silent.example/")


class Astray(httpcore2.AsyncNetworkBackend):
    """Opens sockets that lead elsewhere, as a rule of a firewall could have it."""

    def __init__(self, peer: tuple[str, int] | None) -> None:
        self.stream = Stray(peer)

    async def connect_tcp(self, *_: object, **__: object) -> httpcore2.AsyncNetworkStream:
        return self.stream


class Stray(httpcore2.AsyncNetworkStream):
    def __init__(self, peer: tuple[str, int] | None) -> None:
        self._peer = peer
        self.closed = False

    def get_extra_info(self, info: str) -> object:
        assert info == "server_addr"
        return self._peer

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize("peer", [("10.0.0.1", 80), ("8.8.8.8", 81), None])
async def test_a_socket_that_leads_elsewhere(peer: tuple[str, int] | None) -> None:
    sockets = Astray(peer)
    rules = Rules(EgressSettings())
    backend = CheckedBackend(rules, SystemResolver(), sockets=sockets)
    with pytest.raises(BlockedAddress):
        await backend.connect_tcp("8.8.8.8", 80)
    assert sockets.stream.closed


async def test_sockets_of_the_machine_are_no_addresses(bench: Bench) -> None:
    door = await bench.door()
    backend = door.transport._backend
    assert isinstance(backend, CheckedBackend)
    with pytest.raises(BlockedAddress):
        await backend.connect_unix_socket("/var/run/docker.sock")
