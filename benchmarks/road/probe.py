"""One request, asked and read in full: the answer that all the others are compared with."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.road.targets import Started


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def ask(started: Started, body: bytes, path: str = "/v1/chat/completions") -> Answer:
    """POST a body to a door of a target."""
    connection = _connect(started)
    headers = {"Authorization": f"Bearer {started.key}", "Content-Type": "application/json"}
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.read(), dict(response.getheaders()))
    finally:
        connection.close()


def _connect(started: Started) -> http.client.HTTPConnection:
    if started.ca_file is None:
        return http.client.HTTPConnection("127.0.0.1", started.port, timeout=30)
    context = ssl.create_default_context(cafile=str(started.ca_file))
    return http.client.HTTPSConnection("127.0.0.1", started.port, timeout=30, context=context)
