"""ASGI's words, typed, and what every door does with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol  # noqa: TID251  ASGI's own words

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


async def answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer in one piece."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
