"""ASGI's words, typed, and what every door does with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol  # noqa: TID251  ASGI's own words

from antiphon.errors import BodyTooLarge, CallerLeft
from antiphon.server.caller import Caller

# ASGI types nothing: what a key holds depends on the key. This is the one door where it enters.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
TEXT = (b"content-type", b"text/plain; charset=utf-8")
NEVER_KEPT = (b"cache-control", b"no-store")
"""For what is true of this moment only."""


class Door(Protocol):
    """Answers one path: bare ASGI, with the caller already read and admitted."""

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        ...


def headers_of(message: Message) -> Headers:
    """The headers of a scope or of an answer's start."""
    return message["headers"]


async def read_body(receive: Receive, caller: Caller, bound: int) -> bytes:
    """The request's whole body.

    Raises:
        BodyTooLarge: It is over the bound.
        CallerLeft: The caller closed the connection before it was whole.
    """
    caller.check_size(bound)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) <= bound:
            return body
        raise BodyTooLarge(f"The body is over {bound} bytes.")
    pieces: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise CallerLeft("The caller left before the request was whole.")
        piece: bytes = message.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        if size > bound:
            raise BodyTooLarge(f"The body is over {bound} bytes.")
        if not message.get("more_body"):
            return b"".join(pieces)
        message = await receive()


async def answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer in one piece."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
