"""The hot modules as functions to be timed: a table of setups, each with a row in `figures.toml`.

A setup prepares what the road has at hand (a body, a plan, an open pool) and returns the function
whose calls are timed; it may be `async` as long as it never truly waits. To add one, write the
setup, put it into the table, and give it a budget under `[hot_path]`.
"""

from collections.abc import Callable

import msgspec

from benchmarks.road.answers import question

Timed = Callable[[], object]
Setup = Callable[[], Timed]


def shallow_decode(length: int) -> Setup:
    """Split a request one level deep, every member kept as raw bytes: the floor for `wire`."""

    def setup() -> Timed:
        body = chat_body(length)
        decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
        return lambda: decode(body)

    return setup


def chat_body(length: int) -> bytes:
    """Build a chat request of about that many bytes, long by its messages as real ones are."""
    request = msgspec.json.decode(question(streamed=False))
    turn = request["messages"][-1]
    while len(body := msgspec.json.encode(request)) < length:
        request["messages"].append(turn)
    return body


CASES: dict[str, Setup] = {
    "msgspec.shallow_1kb": shallow_decode(900),
    "msgspec.shallow_23kb": shallow_decode(23_000),
}
