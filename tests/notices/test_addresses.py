"""What a webhook may never reach: at the start, and at each delivery; a canary sits there."""

# ruff: noqa: RUF001  look-alikes are what is tested

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator

import pytest

from antiphon.clock import SystemClock
from antiphon.config.load import load
from antiphon.egress.config import EgressSettings
from antiphon.egress.resolver import Resolver
from antiphon.egress.webhooks.delivery import State
from antiphon.egress.webhooks.message import compose, message_id
from antiphon.errors import ConfigurationError
from antiphon.notices.config import NoticesSettings
from antiphon.notices.courier import Courier
from antiphon.notices.deliveries import Deliveries, Entry
from antiphon.notices.shown import DeliveryFacts, Wanted, page_of
from antiphon.notices.tables import SCHEMA
from antiphon.storage.database import Database
from tests.egress.names import NameServer, UdpResolver
from tests.egress.servers import Server, says, sized
from tests.notices.conftest import CLOSED, OPEN, SECRET, listening

SPELLINGS = {
    "as usual": CLOSED,
    "one number": "2130706433",
    "hexadecimal": "0x7f.1",
    "octal": "017700000001",
    "short": "127.1",
    "wide digits": "１２７.0.0.1",
    "ideographic dots": "127。0。0。1",
    "a last dot": "127.0.0.1.",
    "nothing": "0",
    "any": "0.0.0.0",
    "loopback of six": "[::1]",
    "loopback of six, long": "[0:0:0:0:0:0:0:1]",
    "any of six": "[::]",
    "mapped": "[::ffff:127.0.0.1]",
    "mapped, in hex": "[::ffff:7f00:1]",
    "compatible": "[::127.0.0.1]",
    "translated": "[64:ff9b::7f00:1]",
    "translated here": "[64:ff9b:1::7f00:1]",
    "6to4": "[2002:7f00:1::]",
    "Teredo": "[2001:0:7f00:1::]",
    "unique local": "[fd00::1]",
    "link-local": "[fe80::1]",
    "site-local": "[fec0::1]",
    "metadata": "169.254.169.254",
    "metadata of six": "[fd00:ec2::254]",
    "metadata, public": "168.63.129.16",
    "private": "10.0.0.1",
    "private, one number": "167772161",
    "carrier-grade": "100.64.0.1",
    "a name of this machine": "localhost",
    "below it": "a.localhost",
    "a bare name": "database",
    "of the inside": "db.internal",
    "of a cluster": "db.prod.svc",
}
BROKEN = {
    "a user": f"http://example.com@{CLOSED}/",
    "a backslash": f"http://example.com\\@{CLOSED}/",
    "a blank": f"http://{CLOSED} .example.com/",
    "a zone": "http://[fe80::1%25lo]/",
    "percent": "http://127%2e0.0.1/",
    "no host": "http:///x",
    "a file": "file:///etc/passwd",
    "another scheme": f"gopher://{CLOSED}/",
    "a socket": "unix:///run/docker.sock",
    "nothing": "",
}


def refusal(url: str, **egress: object) -> str:
    webhooks = {"ops": {"url": url, "secret": SECRET.reveal()}}
    data = {"notices": {"webhooks": webhooks}, "egress": egress, "providers": {}}
    with pytest.raises(ConfigurationError) as caught:
        load(data, environ={})
    [mistake] = caught.value.mistakes
    assert SECRET.reveal() not in str(caught.value)
    return str(mistake)


@pytest.mark.parametrize("host", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_no_spelling_is_taken_when_it_is_read(host: str) -> None:
    told = refusal(f"http://{host}/hook")
    assert "notices.webhooks.ops.url" in told
    assert "cannot be reached from here" in told


@pytest.mark.parametrize("url", BROKEN.values(), ids=BROKEN.keys())
def test_nor_what_is_no_address(url: str) -> None:
    assert "notices.webhooks.ops.url" in refusal(url)


def test_ports_and_schemes() -> None:
    assert "port 22 is not permitted" in refusal("https://example.com:22/")
    assert "plain http is not permitted" in refusal("http://example.com/", https_only=True)
    assert "not among the hosts" in refusal("https://b.example/", only_hosts=["a.example"])
    # A metadata address within a network that is opened stays closed.
    assert "metadata" in refusal("http://169.254.169.254/", inside_networks=["169.254.0.0/16"])


def test_what_the_operator_opens_is_taken() -> None:
    for url, egress in (
        ("http://10.1.2.3/", {"inside_networks": ["10.1.2.0/24"]}),
        ("http://localhost:8080/", {"inside_hosts": ["localhost"], "ports": [8080]}),
        ("https://hooks.example.com/", {}),
        ("https://8.8.8.8/", {}),
    ):
        webhooks = {"ops": {"url": url, "secret": SECRET.reveal()}}
        load({"notices": {"webhooks": webhooks}, "egress": egress}, environ={})


class Post:
    """A courier as in a gateway, but for the configuration's check and the name server."""

    def __init__(self, path: object, canary: Server, resolver: Resolver) -> None:
        self.database = Database(f"sqlite:///{path}", [SCHEMA])
        self.deliveries = Deliveries(self.database, clock=SystemClock())
        self.canary = canary
        self._resolver = resolver
        self._sent = 0

    async def send(self, *urls: str, **egress: object) -> list[DeliveryFacts]:
        """Send one notice to each, and tell how they are when each was tried."""
        hooks = {
            f"hook-{number}": {"url": url, "secret": SECRET.reveal()}
            for number, url in enumerate(urls)
        }
        settings = NoticesSettings.model_validate({"webhooks": hooks})
        door = EgressSettings.model_validate(
            {"ports": [self.canary.port], "inside_networks": [f"{OPEN}/32"], **egress}
        )
        courier = Courier(
            settings, door, self.deliveries, clock=SystemClock(), resolver=lambda: self._resolver
        )
        made: list[str] = []
        self._sent += 1
        for name in hooks:
            message = compose("notice.test", {}, id=message_id(name, str(self._sent)), at=1.0)
            made += self.deliveries.enter([Entry(name, "", "notice.test", message)])
        stop = threading.Event()
        running = asyncio.ensure_future(asyncio.to_thread(courier.run, stop))
        try:
            async with asyncio.timeout(20):
                while sum(courier.attempts.values()) < len(urls):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            stop.set()
            courier.stop()
            await running
        with self.database.reading() as connection:
            found, _ = page_of(connection, Wanted(None, limit=500))
        return [each for each in found if each.id in made]


@pytest.fixture
async def post(tmp_path) -> AsyncIterator[tuple[Post, NameServer]]:
    async with contextlib.AsyncExitStack() as stack:
        names = await stack.enter_async_context(NameServer())
        canary = await stack.enter_async_context(listening(says(sized()), at=CLOSED))
        made = Post(tmp_path / "a.db", canary, UdpResolver(names.port))
        stack.callback(made.database.close)
        yield made, names


async def test_no_spelling_is_connected_to(post) -> None:
    """As if the check at the start did not exist."""
    office, names = post
    for name in ("db.internal", "db.prod.svc", "localhost", "a.localhost", "database"):
        names.says(name, (CLOSED,))
    told = await office.send(
        *(f"http://{host}:{office.canary.port}/" for host in SPELLINGS.values()), *BROKEN.values()
    )
    assert {each.state for each in told} == {State.FAILED}
    assert {each.attempts for each in told} == {1}
    assert CLOSED not in "".join(each.message for each in told)
    assert office.canary.connections == 0
    assert names.asked == []


@pytest.mark.parametrize(
    "addresses",
    [
        (CLOSED,),
        ("8.8.8.8", CLOSED),
        ("::1",),
        ("::ffff:127.0.0.1",),
        ("64:ff9b::7f00:1",),
        ("169.254.169.254",),
    ],
    ids="+".join,
)
async def test_a_name_that_leads_inside(post, addresses: tuple[str, ...], caplog) -> None:
    office, names = post
    names.says("hooks.example.com", addresses)
    [told] = await office.send(f"http://hooks.example.com:{office.canary.port}/")
    assert (told.state, told.message) == (State.FAILED, "The address cannot be reached from here.")
    assert "hook-0 is given up: hooks.example.com is " in caplog.text
    assert office.canary.connections == 0


async def test_a_name_that_turns(post) -> None:
    """The first answer is open, the next ones are not: who looks up twice is led inside."""
    office, names = post
    names.says("turns.example.com", (OPEN,), (CLOSED,))
    async with listening(says(sized()), port=office.canary.port) as good:
        url = f"http://turns.example.com:{office.canary.port}/"
        [first] = await office.send(url)
        [second] = await office.send(url)
        assert first.state == State.DELIVERED
        assert good.connections == 1
        assert second.state == State.FAILED
    assert office.canary.connections == 0
