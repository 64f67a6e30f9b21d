"""What a path asks: the model stands in it, and what is wanted of it stands behind a colon."""

import re
from typing import Final
from urllib.parse import parse_qs, unquote

from msgspec import Struct

from antiphon.simulator.received import Received

GENERATE: Final = "generateContent"
STREAM: Final = "streamGenerateContent"
COUNT: Final = "countTokens"
EMBED: Final = "embedContent"
EMBED_BATCH: Final = "batchEmbedContents"
METHODS: Final = frozenset({GENERATE, STREAM, COUNT, EMBED, EMBED_BATCH})

_METHOD: Final = re.compile(r"(?:^|/)(?:models|tunedModels)/(.+):(\w+)$")
_MODEL: Final = re.compile(r"(?:^|/)(?:models|tunedModels)/(.+)$")


class Asked(Struct, frozen=True):
    """A model, and what is wanted of it."""

    model: str
    method: str


def asked_of(path: str) -> Asked | None:
    """What a path asks of which model; marks in the model's name may have colons of their own."""
    found = _METHOD.search(unquote(path.rstrip("/")))
    if found is None or found[2] not in METHODS:
        return None
    return Asked(found[1].removeprefix("models/"), found[2])


def model_shown(path: str) -> str | None:
    """The model that a path of `GET` names."""
    found = _MODEL.search(unquote(path.rstrip("/")))
    return None if found is None else found[1].removeprefix("models/")


def query_of(received: Received) -> dict[str, str]:
    """The parameters behind the path; of one that came twice the first counts."""
    query = received.target.partition("?")[2]
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


def key_in_query(received: Received) -> str | None:
    """The key, where it was sent in the address."""
    return query_of(received).get("key")


def is_googles(received: Received) -> bool:
    """Whether a path that several APIs have is meant as Google's."""
    return (
        "/v1beta/" in received.path
        or received.header(b"x-goog-api-key") is not None
        or key_in_query(received) is not None
    )


def is_array(received: Received) -> bool:
    """Whether a stream is wanted as one array instead of events."""
    asked = asked_of(received.path)
    return asked is not None and asked.method == STREAM and query_of(received).get("alt") != "sse"
