"""A door, servers on loopback, and a name server that says what a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import trustme
import uvloop

from antiphon.egress.client import Egress
from antiphon.egress.config import EgressSettings
from tests.egress.names import NameServer, UdpResolver
from tests.egress.servers import Handler, Server, says, sized

OPEN, CLOSED = "127.0.0.2", "127.0.0.1"
"""The address that the rules of these tests open, and its neighbour, where a canary sits."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


class Bench:
    """What a test needs: servers, names, doors."""

    def __init__(self, names: NameServer, stack: contextlib.AsyncExitStack) -> None:
        self.names = names
        self._stack = stack

    async def serve(
        self,
        handler: Handler,
        *,
        at: str = OPEN,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        greets: bool = True,
    ) -> Server:
        server = Server(handler, at, port, tls, greets=greets)
        return await self._stack.enter_async_context(server)

    async def neighbours(self) -> tuple[Server, Server]:
        """A server at the open address and a canary at the closed one, on one port."""
        while True:
            canary = await self.serve(says(sized(b"closed")), at=CLOSED)
            # Other tests of this machine may have the port there.
            with contextlib.suppress(OSError):
                return await self.serve(says(sized(b"open")), port=canary.port), canary

    async def door(self, *servers: Server, **settings: object) -> Egress:
        """A door to the ports of these servers at the open address."""
        usual: dict[str, object] = {"inside_networks": [f"{OPEN}/32"]}
        usual["ports"] = [each.port for each in servers] or [80]
        made = EgressSettings.model_validate({**usual, **settings})
        egress = Egress(made, resolver=UdpResolver(self.names.port))
        return await self._stack.enter_async_context(egress)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with contextlib.AsyncExitStack() as stack:
        names = await stack.enter_async_context(NameServer())
        yield Bench(names, stack)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context
