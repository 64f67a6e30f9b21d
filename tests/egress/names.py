"""A name server over UDP, and a resolver that asks it: real packets, and answers that change."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from antiphon.egress.addresses import Address
from antiphon.egress.errors import Unresolved

A, AAAA = 1, 28
KINDS = {A: IPv4Address, AAAA: IPv6Address}


class NameServer(asyncio.DatagramProtocol):
    """Answers each question for a name with the next of its scripted answers, the last for ever."""

    def __init__(self) -> None:
        self.script: dict[str, list[tuple[str, ...]]] = {}
        self.asked: list[tuple[str, int]] = []
        self.silent = False
        self.port = 0

    def says(self, name: str, *answers: tuple[str, ...]) -> None:
        self.script[name] = list(answers)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        name, end = read_name(data)
        kind = struct.unpack("!H", data[end : end + 2])[0]
        self.asked.append((name, kind))
        if not self.silent:
            self._transport.sendto(self._answer(data, name, end + 4, kind), addr)

    def _answer(self, question: bytes, name: str, end: int, kind: int) -> bytes:
        if name not in self.script:
            return question[:2] + struct.pack("!HHHHH", 0x8183, 1, 0, 0, 0) + question[12:end]
        # One script for both kinds: a look-up asks for AAAA last, and that moves it on.
        answers = self.script[name]
        current = answers[0]
        if kind == AAAA and len(answers) > 1:
            answers.pop(0)
        found = [
            ip_address(each).packed for each in current if isinstance(ip_address(each), KINDS[kind])
        ]
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(found), 0, 0)
        rows = [struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(each)) + each for each in found]
        return head + question[12:end] + b"".join(rows)


def read_name(data: bytes) -> tuple[str, int]:
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels), at + 1


class UdpResolver:
    """A resolver without a memory: each look-up asks for A and AAAA, once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._id = 0

    async def resolve(self, host: str, *, inside: bool) -> Sequence[Address]:
        found = [each for kind in (A, AAAA) for each in await self._ask(host, kind)]
        if not found:
            raise Unresolved(f"{host} does not exist")
        return found

    def close(self) -> None:
        pass

    async def _ask(self, host: str, kind: int) -> list[Address]:
        self._id += 1
        labels = b"".join(bytes([len(each)]) + each.encode() for each in host.split("."))
        question = labels + b"\0" + struct.pack("!HH", kind, 1)
        asking = _Asking(struct.pack("!HHHHHH", self._id, 0x0100, 1, 0, 0, 0) + question)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: asking, remote_addr=("127.0.0.1", self._port)
        )
        try:
            answer = await asking.answer
        finally:
            transport.close()
        count, at = struct.unpack("!H", answer[6:8])[0], 12 + len(question)
        found: list[Address] = []
        for _ in range(count):
            length = struct.unpack("!H", answer[at + 10 : at + 12])[0]
            found.append(ip_address(answer[at + 12 : at + 12 + length]))
            at += 12 + length
        return found


class _Asking(asyncio.DatagramProtocol):
    def __init__(self, question: bytes) -> None:
        self._question = question
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        transport.sendto(self._question)

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.answer.done():
            self.answer.set_result(data)
