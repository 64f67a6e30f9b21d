"""What one caller may take of the server."""

from __future__ import annotations

import msgspec


class Bounds(msgspec.Struct, frozen=True):
    """What one caller may take of the server.

    Attributes:
        connections: How many may be open at once; the next one gets a 503.
        head_bytes: Request line and headers together, where they come in several reads.
        header_count: Headers of a request.
        headers: Seconds for a request's head, from its first byte or the connection's start.
        body: Seconds for a request's body, and more while it comes at `body_rate` or faster.
        body_rate: Bytes a second.
        write_stall: Seconds in which a full write buffer must drain.
        keep_alive: Seconds of silence between two requests.
    """

    connections: int = 10_000
    head_bytes: int = 64 * 1024
    header_count: int = 200
    headers: float = 10
    body: float = 30
    body_rate: float = 16 * 1024
    write_stall: float = 60
    keep_alive: float = 75
