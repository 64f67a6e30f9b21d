"""TLS speaks with the name, whatever address is connected to."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from antiphon.egress.errors import BlockedAddress, RefusedRedirect, Unreachable
from tests.egress.conftest import CLOSED, OPEN, Bench, serving
from tests.egress.servers import leads, says, sized


async def test_the_name_is_kept(bench: Bench, authority: trustme.CA, ca_file: Path) -> None:
    heard: list[str | None] = []
    context = serving(authority, "hooks.example")
    context.sni_callback = lambda _socket, name, _context: heard.append(name)
    server = await bench.serve(says(sized()), tls=context)
    bench.names.says("hooks.example", (OPEN,))
    door = await bench.door(server, ca_file=ca_file)
    answer = await door.get(f"https://HOOKS.example.:{server.port}/")
    assert answer.status == 200
    assert heard == ["hooks.example"]
    assert server.visits[0].headers["host"] == f"hooks.example:{server.port}"


async def test_a_certificate_for_an_address(
    bench: Bench, authority: trustme.CA, ca_file: Path
) -> None:
    server = await bench.serve(says(sized()), tls=serving(authority, OPEN))
    door = await bench.door(server, ca_file=ca_file)
    assert (await door.get(f"https://{OPEN}:{server.port}/")).status == 200


@pytest.mark.parametrize("name", ["other.example", "hooks.example.other.example", OPEN])
async def test_the_certificate_of_another_name(
    bench: Bench, authority: trustme.CA, ca_file: Path, name: str
) -> None:
    server = await bench.serve(says(sized()), tls=serving(authority, name))
    bench.names.says("hooks.example", (OPEN,))
    door = await bench.door(server, ca_file=ca_file)
    with pytest.raises(Unreachable) as caught:
        await door.get(f"https://hooks.example:{server.port}/")
    assert "not to be trusted" in caught.value.message
    assert server.visits == []


async def test_an_unknown_authority(bench: Bench, authority: trustme.CA) -> None:
    server = await bench.serve(says(sized()), tls=serving(authority, "hooks.example"))
    bench.names.says("hooks.example", (OPEN,))
    door = await bench.door(server)
    with pytest.raises(Unreachable) as caught:
        await door.get(f"https://hooks.example:{server.port}/")
    assert "not to be trusted" in caught.value.message


async def test_a_server_without_tls(bench: Bench) -> None:
    server = await bench.serve(says(sized()))
    door = await bench.door(server)
    with pytest.raises(Unreachable):
        await door.get(f"https://{OPEN}:{server.port}/")


async def test_a_server_that_hangs_up(bench: Bench) -> None:
    server = await bench.serve(says(sized()), greets=False)
    door = await bench.door(server)
    with pytest.raises(Unreachable):
        await door.get(f"https://{OPEN}:{server.port}/")


async def test_an_old_version_of_tls(bench: Bench, authority: trustme.CA, ca_file: Path) -> None:
    context = serving(authority, OPEN)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    server = await bench.serve(says(sized()), tls=context)
    door = await bench.door(server, ca_file=ca_file)
    with pytest.raises(Unreachable):
        await door.get(f"https://{OPEN}:{server.port}/")


async def test_rebinding_with_a_right_certificate(
    bench: Bench, authority: trustme.CA, ca_file: Path
) -> None:
    canary = await bench.serve(says(sized()), at=CLOSED, tls=serving(authority, "hooks.example"))
    bench.names.says("hooks.example", (CLOSED,))
    door = await bench.door(canary, ca_file=ca_file)
    with pytest.raises(BlockedAddress):
        await door.get(f"https://hooks.example:{canary.port}/")
    assert canary.connections == 0


async def test_from_https_to_http(bench: Bench, authority: trustme.CA, ca_file: Path) -> None:
    plain = await bench.serve(says(sized()))
    server = await bench.serve(leads(f"http://{OPEN}:{plain.port}/"), tls=serving(authority, OPEN))
    door = await bench.door(server, plain, ca_file=ca_file)
    with pytest.raises(RefusedRedirect):
        await door.get(f"https://{OPEN}:{server.port}/")
    assert plain.connections == 0
