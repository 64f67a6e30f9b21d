"""What a door of inference needs of a caller's connection, and how any ASGI server gives it.

Served by our own protocol, a door speaks to the connection itself: no scope is built, no message
is wrapped and unwrapped (`server.cycle`). Under another server the same door speaks ASGI, through
`AsgiLine`.
"""

from __future__ import annotations

from asyncio import Task, current_task
from typing import Protocol

from antiphon.errors import BodyTooLarge, CallerLeft
from antiphon.server.asgi import Headers, Receive, Scope, Send


class Line(Protocol):
    """One request's way in and its answer's way out.

    A head is rendered header lines, each with its CRLF, without status and without those that
    the connection adds.
    """

    @property
    def method(self) -> bytes:
        """Of the request."""
        ...

    @property
    def task(self) -> Task[None]:
        """Who answers; cancelled when the caller leaves."""
        ...

    @property
    def left(self) -> bool:
        """The caller is gone."""
        ...

    whole: bool
    """The answer was given to its good end; whoever answers says so."""

    async def whole_body(self, bound: int) -> bytes:
        """The request's whole body.

        Raises:
            BodyTooLarge: It is over the bound.
            CallerLeft: The caller closed the connection before it was whole.
        """
        ...

    async def answer(self, status: int, head: bytes, body: bytes) -> None:
        """Give a whole answer."""
        ...

    async def begin(self, status: int, head: bytes) -> None:
        """Give the head of an answer whose length nobody knows."""
        ...

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Give the next piece of its body; waits while the caller does not take them."""
        ...


class AsgiLine:
    """A line over ASGI, for any server that speaks it."""

    __slots__ = ("_receive", "_send", "left", "method", "task", "whole")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = current_task()
        assert task is not None
        self.method: bytes = scope["method"].encode()
        self.task = task
        self.left = False
        self.whole = False
        self._send = send
        self._receive = receive

    async def whole_body(self, bound: int) -> bytes:
        """The request's whole body."""
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise CallerLeft("The caller left before the request was whole.")
            piece: bytes = message.get("body", b"")
            pieces.append(piece)
            size += len(piece)
            if size > bound:
                raise too_large(bound)
            if not message.get("more_body"):
                return b"".join(pieces)

    async def answer(self, status: int, head: bytes, body: bytes) -> None:
        """Give a whole answer."""
        await self.begin(status, head + b"content-length: %d\r\n" % len(body))
        await self.write(body, more=False)

    async def begin(self, status: int, head: bytes) -> None:
        """Give the head of an answer."""
        await self._send(
            {"type": "http.response.start", "status": status, "headers": _parsed(head)}
        )

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Give the next piece of its body."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})


def too_large(bound: int) -> BodyTooLarge:
    """A body is over its bound."""
    return BodyTooLarge(f"The body is over {bound} bytes.")


def rendered(headers: Headers) -> bytes:
    """Headers as lines."""
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def in_header(text: str) -> bytes:
    """A text as the value of a header: what cannot stand there is written as escapes."""
    if text.isascii() and text.isprintable():
        return text.encode("ascii")
    return b"".join(
        each.encode("ascii")
        if each.isascii() and each.isprintable()
        else each.encode("unicode_escape")
        for each in text
    )


def _parsed(head: bytes) -> Headers:
    lines = head.split(b"\r\n")[:-1]
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
