"""The doors of what is passed on as it is: the endpoints of two families, as data.

An endpoint that names a model goes where that model's requests go. One about stored objects goes
to the provider that keeps them. What else a caller could say in a path or a query does not reach a
provider: ids are plain words, and of a query only known names go on, written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from typing_extensions import override

from antiphon.dialects.base import Dialect
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.openai_responses.passing import refuse_stored
from antiphon.dialects.passed import PassedBytes, PassedForm, PassedJson, UntranslatedPayload
from antiphon.dialects.registry import ANTHROPIC, OPENAI, Family
from antiphon.errors import InvalidRequest, MethodNotAllowed, PathNotFound
from antiphon.gateway.gateway import Antiphon
from antiphon.pipeline.passing import PROVIDER, Passing
from antiphon.providers.face import Endpoint, lines_of
from antiphon.server.asgi import Receive, Scope, Send
from antiphon.server.caller import Caller
from antiphon.server.doors import Asked, InferenceDoor
from antiphon.server.line import AsgiLine, Line
from antiphon.wire.multipart import is_form
from antiphon.wire.shallow import Members


class Passed(NamedTuple):
    """An endpoint.

    Attributes:
        path: Behind a base path; `{id}` stands for an id.
        stores: What stored objects it is about; empty where requests name a model.
        text: Requests are text: their size tells what no provider states.
        writes: Answers are text.
        media: Requests or answers are sound or pictures.
        defers: What is asked for is made, and paid for, later.
        verbatim: Answers are what somebody stored.
        check: Refuses what must not be passed on.
    """

    family: Family
    method: str
    path: str
    stores: str = ""
    text: bool = False
    writes: bool = False
    media: bool = False
    defers: bool = False
    verbatim: bool = False
    check: Callable[[Members], None] | None = None


PASSED: Sequence[Passed] = (
    Passed(OPENAI, "POST", "/completions", text=True, writes=True),
    Passed(OPENAI, "POST", "/moderations", text=True),
    Passed(OPENAI, "POST", "/rerank", text=True),
    Passed(OPENAI, "POST", "/audio/speech", media=True),
    Passed(OPENAI, "POST", "/audio/transcriptions", media=True),
    Passed(OPENAI, "POST", "/audio/translations", media=True),
    Passed(OPENAI, "POST", "/images/generations", media=True),
    Passed(OPENAI, "POST", "/images/edits", media=True),
    Passed(OPENAI, "POST", "/images/variations", media=True),
    Passed(OPENAI, "POST", "/responses/compact", text=True, writes=True, check=refuse_stored),
    Passed(OPENAI, "POST", "/responses/input_tokens", check=refuse_stored),
    Passed(OPENAI, "GET", "/files", "files"),
    Passed(OPENAI, "POST", "/files", "files"),
    Passed(OPENAI, "GET", "/files/{id}", "files"),
    Passed(OPENAI, "DELETE", "/files/{id}", "files"),
    Passed(OPENAI, "GET", "/files/{id}/content", "files", verbatim=True),
    Passed(OPENAI, "GET", "/batches", "batches"),
    Passed(OPENAI, "POST", "/batches", "batches", defers=True),
    Passed(OPENAI, "GET", "/batches/{id}", "batches"),
    Passed(OPENAI, "POST", "/batches/{id}/cancel", "batches"),
    Passed(ANTHROPIC, "GET", "/messages/batches", "messages/batches"),
    Passed(ANTHROPIC, "POST", "/messages/batches", "messages/batches", defers=True),
    Passed(ANTHROPIC, "GET", "/messages/batches/{id}", "messages/batches"),
    Passed(ANTHROPIC, "DELETE", "/messages/batches/{id}", "messages/batches"),
    Passed(ANTHROPIC, "POST", "/messages/batches/{id}/cancel", "messages/batches"),
    Passed(ANTHROPIC, "GET", "/messages/batches/{id}/results", "messages/batches", verbatim=True),
    Passed(ANTHROPIC, "GET", "/files", "files"),
    Passed(ANTHROPIC, "POST", "/files", "files"),
    Passed(ANTHROPIC, "GET", "/files/{id}", "files"),
    Passed(ANTHROPIC, "DELETE", "/files/{id}", "files"),
    Passed(ANTHROPIC, "GET", "/files/{id}/content", "files", verbatim=True),
)
_MOUNTS: Mapping[str, Sequence[Family]] = {
    "/openai/v1": (OPENAI,),
    "/anthropic/v1": (ANTHROPIC,),
    "/v1": (OPENAI, ANTHROPIC),
    "": (OPENAI, ANTHROPIC),
}
"""Before each path; the bare ones are for clients whose base URL has no `/v1`."""
_ID = "[A-Za-z0-9_-]{1,128}"
_QUERIED = frozenset({"limit", "after", "before_id", "after_id", "purpose", "order", "beta"})
_MOST_QUERY = 2_048
_VERSION = b"anthropic-version"
_GOOGLES = b"x-goog-api-key"
_NOT_GOOGLES = frozenset({_VERSION, b"authorization", b"x-api-key", b"api-key"})
_GEMINIS = ("/files", "/batches")
_CONTENT_TYPE = re.compile(rb"[\x20-\x7e]{1,300}")
_BODILESS = (b"GET", b"DELETE")
_JSON = b"content-type: application/json\r\n"


class Place(NamedTuple):
    """What answers on one path.

    Attributes:
        families: By family, and then by method.
        shared: Gemini has such a path too, and no mount says who speaks.
    """

    families: Mapping[str, Mapping[bytes, Passed]]
    shared: bool = False

    def at(self, caller: Caller) -> Mapping[bytes, Passed]:
        """The methods of the family that this caller speaks."""
        families = self.families
        if len(families) == 1:
            return next(iter(families.values()))
        foreign = any(name == _VERSION for name, _ in caller.headers)
        return families[(ANTHROPIC if foreign else OPENAI).name]

    def is_geminis(self, caller: Caller) -> bool:
        """Whether the caller speaks Gemini, which has paths of the same name for files of its own.

        Clients of the two families show their keys in other headers.
        """
        if not self.shared:
            return False
        names = {name for name, _ in caller.headers}
        return _GOOGLES in names and not names & _NOT_GOOGLES


class PassingDoor(InferenceDoor):
    """One path, and what of it varies.

    Args:
        path: Behind the base path, ids filled in.
        query: As the caller wrote it.
        max_body: Bound of a request's body, in bytes.
    """

    def __init__(
        self, gateway: Antiphon, place: Place, path: str, *, query: bytes = b"", max_body: int
    ) -> None:
        super().__init__(gateway, max_body=max_body)
        self._place = place
        self._path = path
        self._query = query

    @override
    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        door: PassingDoor = self
        query: bytes = scope["query_string"]
        if query:
            door = PassingDoor(
                self._gateway, self._place, self._path, query=query, max_body=self._max_body
            )
        await door.answer(caller, AsgiLine(scope, receive, send))

    @override
    def heard(self, caller: Caller) -> Dialect:
        if self._place.is_geminis(caller):
            return GEMINI
        return next(iter(self._place.at(caller).values())).family.passed

    @override
    def check(self, caller: Caller, method: bytes) -> None:
        if self._place.is_geminis(caller):
            raise PathNotFound("Gemini's files and batches are not kept here.")
        allowed = self._place.at(caller)
        if method not in allowed:
            raise MethodNotAllowed(method.decode(), [each.decode() for each in allowed])

    @override
    def read(self, caller: Caller, line: Line, body: bytes) -> Asked:
        passed = self._place.at(caller)[line.method]
        family = passed.family
        dialect = family.stored if passed.verbatim else family.passed
        content_type = _content_type(caller)
        payload = _payload(passed, dialect, b"" if line.method in _BODILESS else body, content_type)
        query = _written_anew(self._query)
        endpoint = Endpoint(
            dialect,
            family.spoken,
            passed.method,
            f"{self._path}?{query}" if query else self._path,
            kept="{" not in passed.path and not query,
        )
        named = next((value for name, value in caller.headers if name == PROVIDER.encode()), b"")
        passing = Passing(endpoint, passed.stores, named.decode("latin-1"))
        return payload, _forwarded(caller, dialect, payload, content_type), passing


class PassingDoors:
    """All of them, by path."""

    def __init__(self, gateway: Antiphon, *, max_body: int) -> None:
        self._gateway = gateway
        self._max_body = max_body
        self.fixed: dict[str, PassingDoor] = {}
        self._open: list[tuple[re.Pattern[str], Place]] = []
        for mount, families in _MOUNTS.items():
            for path, place in _places(families).items():
                if "{" in path:
                    shape = re.escape(mount) + "(" + path.replace("{id}", _ID) + ")"
                    self._open.append((re.compile(shape), place))
                else:
                    door = PassingDoor(gateway, place, path, max_body=max_body)
                    self.fixed[mount + path] = door

    def find(self, path: str) -> PassingDoor | None:
        """The door of a path with ids in it; None where there is none."""
        for shape, place in self._open:
            found = shape.fullmatch(path)
            if found is not None:
                return PassingDoor(self._gateway, place, found[1], max_body=self._max_body)
        return None


def _places(families: Sequence[Family]) -> Mapping[str, Place]:
    found: dict[str, dict[str, dict[bytes, Passed]]] = {}
    for each in PASSED:
        if each.family in families:
            methods = found.setdefault(each.path, {}).setdefault(each.family.name, {})
            methods[each.method.encode()] = each
    both = len(families) > 1
    return {
        path: Place(of_path, shared=both and path.startswith(_GEMINIS))
        for path, of_path in found.items()
    }


def _payload(
    passed: Passed, dialect: Dialect, body: bytes, content_type: bytes
) -> UntranslatedPayload:
    if passed.stores:
        return PassedBytes(dialect, passed.stores, body, defers=passed.defers)
    if is_form(content_type):
        return PassedForm(dialect, body, content_type)
    return PassedJson(
        dialect,
        body,
        text=passed.text,
        writes=passed.writes,
        media=passed.media,
        check=passed.check,
    )


def _content_type(caller: Caller) -> bytes:
    given = next((value for name, value in caller.headers if name == b"content-type"), b"")
    if given and not _CONTENT_TYPE.fullmatch(given):
        raise InvalidRequest("The content type cannot be passed on.")
    return given


def _forwarded(
    caller: Caller, dialect: Dialect, payload: UntranslatedPayload, content_type: bytes
) -> bytes:
    """Header lines for the provider: the family's own, and what the body is."""
    lines = caller.forwarded(dialect) or lines_of(dialect)
    if isinstance(payload, PassedJson):
        return lines + _JSON
    return lines + b"content-type: %b\r\n" % content_type if content_type else lines


def _written_anew(query: bytes) -> str:
    """A query for the provider.

    Raises:
        InvalidRequest: It says something that is not passed on, or says it twice.
    """
    if not query:
        return ""
    if len(query) > _MOST_QUERY:
        raise InvalidRequest(f"The query is over {_MOST_QUERY} bytes.")
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=len(_QUERIED),
        )
    except ValueError as error:
        raise InvalidRequest("The query cannot be read.") from error
    names = [name for name, _ in pairs]
    for name in names:
        if name not in _QUERIED:
            raise InvalidRequest(f"{name[:100]!r} is not passed on from a query.", param=name[:100])
        if names.count(name) > 1:
            raise InvalidRequest(f"{name!r} stands twice in the query.", param=name)
    return urlencode(pairs)
