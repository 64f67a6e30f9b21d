"""Bodies of requests to the management API, read before it reads them; loads no FastAPI."""

from __future__ import annotations

from antiphon.errors import BodyTooLarge
from antiphon.server.asgi import Message, Receive

MOST_BYTES = 256 << 10
"""Of a body. A thousand names of models, the longest that there are, have room in it."""
PRINCIPAL = "principal"
"""Of the state of a request: who asks, once that is known. A proxy's header is good for once."""
CLAIM = "claim"
"""Of the state of a request: what the transaction that does it takes along (`server.writes`)."""


async def whole_body(receive: Receive) -> bytes | None:
    """The whole body of a request; None where its sender left.

    Raises:
        BodyTooLarge: It is over the bound.
    """
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > MOST_BYTES:
            raise BodyTooLarge(f"The body is over {MOST_BYTES} bytes.")
        pieces.append(piece)
        more = message.get("more_body", False)
    return b"".join(pieces)


def given_again(body: bytes, receive: Receive) -> Receive:
    """What gives the body once, and then whatever comes after it."""
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
