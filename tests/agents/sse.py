"""A stream of events, cut into its frames; a strict reader, which shares no code with ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class BrokenStream(Exception):
    """What no agent could read."""


class Event(NamedTuple):
    """One event; its name is empty where none stands."""

    name: str
    data: dict[str, Any]


def events_in(body: bytes) -> Iterator[Event]:
    """The events of a whole stream; comments and blank lines are read past.

    Raises:
        BrokenStream: a line is no line of such a stream, or the data are no JSON object.
    """
    for frame in body.decode().replace("\r\n", "\n").split("\n\n"):
        name, data = "", []
        for line in frame.split("\n"):
            field, _, value = line.partition(":")
            match field:
                case "event":
                    name = value.removeprefix(" ")
                case "data":
                    data.append(value.removeprefix(" "))
                case "" | "id" | "retry":
                    pass
                case _:
                    raise BrokenStream(f"a line of no event: {line!r}")
        if data:
            yield Event(name, _object("\n".join(data)))


def _object(data: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise BrokenStream(f"no JSON: {data!r}") from error
    if not isinstance(value, dict):
        raise BrokenStream(f"no object: {data!r}")
    return value
