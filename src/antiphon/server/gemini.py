"""Gemini's endpoints: the model and what is done with it stand in the path.

`/v1beta/models/{model}:generateContent`, the paths of Vertex that end so, and both behind
`/gemini`. What the path says becomes members of the request, as in the other dialects.

Hot path: one search of the path, one small door for the request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import parse_qs, quote

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Dialect, Payload
from antiphon.dialects.embeddings import EmbedDialect
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.arrays import ArrayStream
from antiphon.dialects.gemini.counting import read_count_request, write_count_reply
from antiphon.dialects.gemini.embedder import GEMINI_BATCH_EMBED, GEMINI_EMBED
from antiphon.dialects.gemini.paths import model_and_method
from antiphon.errors import InvalidRequest
from antiphon.gateway.gateway import Antiphon
from antiphon.server.asgi import Receive, Scope, Send
from antiphon.server.caller import Caller
from antiphon.server.counting import CountDoor, Question
from antiphon.server.doors import Asked, InferenceDoor
from antiphon.server.line import Line
from antiphon.wire.shallow import Members

MOUNTS: Final = ("/gemini", "/v1beta", "/v1alpha")
"""Beginnings of paths whose callers speak Gemini, whatever follows."""
VERSIONS: Final = ("/v1beta", "/v1", "/v1alpha", "/v1beta1")
CHATS: Final[Mapping[str, bytes]] = MappingProxyType(
    {"generateContent": b"false", "streamGenerateContent": b"true"}
)
"""Methods that answer, and whether the answer is a stream."""
EMBEDS: Final[Mapping[str, EmbedDialect]] = MappingProxyType(
    {"embedContent": GEMINI_EMBED, "batchEmbedContents": GEMINI_BATCH_EMBED}
)
"""Methods that make vectors, and the shape of each."""
COUNT: Final = "countTokens"
_METHODS: Final = frozenset({*CHATS, *EMBEDS, COUNT})
_PATH: Final = re.compile(
    r"(?:/gemini)?(?:/v1(?:(?:alpha|beta)[0-9]*)?)?"
    r"(?:/projects/[^/]+/locations/[^/]+)?(?:/publishers/[^/]+)?"
    r"/((?:models|tunedModels)/.+)"
)
_ALTS: Final = ("alt", "$alt")
_LONGEST_QUERY: Final = 4096
_MOST_FIELDS: Final = 64
_MODEL: Final = msgspec.json.Encoder()


class Place(NamedTuple):
    """What a path names, and what its query says of the answer.

    Attributes:
        method: Such as `generateContent`.
        events: A stream is wanted as server-sent events, and not as one array.
        key: The key, where it stands in the query.
    """

    model: str
    method: str
    events: bool
    key: bytes | None


def place_of(path: str, query: bytes) -> Place | None:
    """Read a request's path, escapes and all; None where it names no method that is answered.

    Raises:
        InvalidRequest: The answer is wanted in a form that nobody writes.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    model, method = model_and_method(found[1])
    if method not in _METHODS:
        return None
    if not query:
        return Place(model, method, events=False, key=None)
    said = _said(query)
    form = next((said[name][-1] for name in _ALTS if name in said), "json").partition(";")[0]
    if form not in {"json", "sse"}:
        raise InvalidRequest("'alt' must be 'json' or 'sse'.", param="alt")
    return Place(model, method, events=form == "sse", key=_key_in(said))


def key_of(query: bytes) -> bytes | None:
    """The key that stands in a query, as Google's clients may send it."""
    return _key_in(_said(query)) if b"key=" in query else None


def is_geminis(path: str, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a caller speaks Gemini, by a path that several share and by the headers."""
    if path.startswith(MOUNTS):
        return True
    names = {name for name, _ in headers}
    return b"x-goog-api-key" in names and b"anthropic-version" not in names


def raw_path(scope: Scope) -> str:
    """A request's path with its escapes, without its query."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        return quote(scope["path"])
    return raw.partition(b"?")[0].decode("latin-1")


class GeminiDoor(InferenceDoor):
    """Answers one request to a model, whole or as a stream of either form."""

    repeatable = True

    def __init__(self, gateway: Antiphon, place: Place, *, max_body: int) -> None:
        super().__init__(gateway, max_body=max_body)
        self._place = place
        self.key = place.key

    @override
    async def answer(self, caller: Caller, line: Line) -> None:
        caller.credential = caller.credential or self.key
        await super().answer(caller, line)

    @override
    def heard(self, caller: Caller) -> Dialect:
        return GEMINI

    @override
    def read(self, caller: Caller, line: Line, body: bytes) -> Asked:
        place = self._place
        pathed = {"model": _MODEL.encode(place.model), "stream": CHATS[place.method]}
        return Payload(GEMINI, Members.parse(body).replace(pathed)), b"", None

    @override
    def wrapping(self) -> ArrayStream | None:
        return None if self._place.events else ArrayStream()


class CountingDoor:
    """`countTokens`: how many tokens a prompt would be."""

    def __init__(self, gateway: Antiphon, place: Place, *, max_body: int) -> None:
        question = _Question(place.model)
        self._door = CountDoor(gateway, GEMINI, question, max_body=max_body)
        self._key = place.key

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            AntiphonError: It cannot be answered.
        """
        caller.credential = caller.credential or self._key
        await self._door(caller, scope, receive, send)


class _Question(Question):
    """A prompt whose model stands in the path."""

    def __init__(self, model: str) -> None:
        self._model = model

    @override
    def read(self, body: Members) -> tuple[Members, Members]:
        members = read_count_request(body, self._model)
        return members, members

    @override
    def told(self, tokens: int) -> bytes:
        return write_count_reply(tokens)


def _said(query: bytes) -> dict[str, list[str]]:
    """The members of a query.

    Raises:
        InvalidRequest: It is longer than any client writes.
    """
    if len(query) > _LONGEST_QUERY:
        raise InvalidRequest(f"The query is over {_LONGEST_QUERY} bytes.")
    try:
        return parse_qs(query.decode("latin-1"), max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise InvalidRequest(f"The query has over {_MOST_FIELDS} members.") from error


def _key_in(said: Mapping[str, list[str]]) -> bytes | None:
    key = said.get("key")
    return key[-1].encode() if key else None
