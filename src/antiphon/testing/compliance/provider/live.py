"""A provider at an address, asked over the project's own transport in one of its dialects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Dialect, finish
from antiphon.dialects.contract import Target
from antiphon.dialects.fitting import Fitting
from antiphon.errors import Disposition, Kind, UpstreamBroken, UpstreamError
from antiphon.model.events import StreamEvent, StreamFailed
from antiphon.model.reply import ChatReply
from antiphon.model.request import ChatRequest
from antiphon.providers.auth import header_line
from antiphon.providers.transport import Answer, Call, Head, Origin, Timeouts, Transport
from antiphon.testing.compliance.findings import NotSupported
from antiphon.wire.shallow import Members

AUTH: Final[Mapping[str, str]] = MappingProxyType(
    {"anthropic_messages": "x-api-key: {key}", "gemini": "x-goog-api-key: {key}"}
)
"""How a key is shown where it is not `Authorization: Bearer`."""

BEARER: Final = "authorization: Bearer {key}"
_TRIES: Final = 3
_LONGEST_WAIT: Final = 30.0
_USUAL_WAIT: Final = 2.0
_ABSENT: Final = frozenset({404, 405, 501})


class Place(msgspec.Struct, frozen=True):
    """Whom to ask, and how.

    Attributes:
        url: The base that the dialect's endpoints stand behind, as `https://host/v1`.
        auth: A header line with `{key}`; empty for the dialect's usual one.
        embedding_model: For vectors; empty where there is none to ask.
        legacy_max_tokens: The server knows `max_tokens` only, of the two that OpenAI has.
        seconds: How long one call may take.
    """

    url: str
    dialect: Dialect
    model: str
    key: str = ""
    auth: str = ""
    embedding_model: str = ""
    legacy_max_tokens: bool = False
    seconds: float = 120.0

    @override
    def __repr__(self) -> str:
        """Say where it is, and nothing of the key."""
        return f"Place({self.url}, {self.dialect.name}, {self.model})"


class Live:
    """Asks; open one for each check, and close it.

    Raises:
        ValueError: On construction, where the address is none, or the key no header can carry.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.dialect = place.dialect
        self._origin = Origin.parse(place.url)
        path = urlsplit(place.url).path.rstrip("/").removesuffix(place.dialect.endpoint)
        self.base = place.dialect.based(path)
        name, _, value = (place.auth or AUTH.get(place.dialect.name, BEARER)).partition(":")
        self._auth = (name.strip(), value.strip())
        self._head_of("/", place.key, method="GET", stream=False)
        self._transport = Transport()
        seconds = place.seconds
        self._timeouts = Timeouts(min(10.0, seconds), seconds, seconds, seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    # ------------------------------------------------------------------ in the dialect

    async def whole(self, request: ChatRequest, *, key: str | None = None) -> ChatReply:
        """The whole answer.

        Raises:
            UpstreamError: The provider refuses, or the answer cannot be read.
        """
        path, body = self.written(request)
        head, content = await self.send("POST", path, body, key=key)
        if not 200 <= head.status < 300:  # noqa: PLR2004
            raise self.refusal(head, content)
        return self.dialect.decode_reply(content)

    async def stream(
        self, request: ChatRequest, *, until: Callable[[StreamEvent], bool] | None = None
    ) -> tuple[Head, list[StreamEvent]]:
        """How a streamed answer begins, and its events; `until` hangs up after one of them.

        Raises:
            UpstreamError: The provider refuses, or reports an error in the stream.
        """
        path, body = self.written(msgspec.structs.replace(request, stream=True))
        answer = await self._answer("POST", path, body, key=None, stream=True)
        try:
            head = await answer.head()
            if head is None or not 200 <= head.status < 300:  # noqa: PLR2004
                content = await answer.whole()
                status = 0 if head is None else head.status
                raise self.dialect.decode_error(status, {}, content)
            return head, await self._events(answer, until)
        finally:
            answer.close()

    def written(self, request: ChatRequest) -> tuple[str, bytes]:
        """Path and body of a request, as the pipeline would write them."""
        dialect = self.dialect
        if self.place.legacy_max_tokens:
            request = msgspec.structs.replace(request, legacy_max_tokens=True)
        path = self.base + dialect.target_path(request.model, stream=request.stream)
        members = self.members(request)
        return path, finish(dialect, members, stream=request.stream, quirks=())

    # ------------------------------------------------------------------ beside the dialect

    async def send(
        self, method: str, path: str, body: bytes = b"", *, key: str | None = None
    ) -> tuple[Head, bytes]:
        """One call, whole; waits and asks again where it is rate limited.

        Raises:
            UpstreamError: The transport failed.
        """
        for attempt in range(1, _TRIES + 1):
            answer = await self._answer(method, path, body, key=key, stream=False)
            try:
                head = await answer.head()
                content = await answer.whole()
            finally:
                answer.close()
            if head is None:
                raise UpstreamBroken("No answer came.", code="closed")
            error = None if head.status != 429 else self.refusal(head, content)  # noqa: PLR2004
            wait = None if error is None else error.retry_after
            limited = error is not None and error.error_kind is Kind.RATE_LIMITED
            if not limited or attempt == _TRIES or (wait or 0) > _LONGEST_WAIT:
                return head, content
            await asyncio.sleep(_USUAL_WAIT if wait is None else wait)
        raise AssertionError

    def refusal(self, head: Head, content: bytes) -> UpstreamError:
        """What a refusal says."""
        return self.dialect.decode_error(head.status, dict(head.headers), content)

    def members(self, request: ChatRequest) -> Members:
        """A request's members, for an endpoint beside."""
        target = Target(request.model)
        fitted = Fitting(request, self.dialect.traits, target).request
        return self.dialect.encode_request(fitted, target)

    # ------------------------------------------------------------------ inside

    async def _answer(
        self, method: str, path: str, body: bytes, *, key: str | None, stream: bool
    ) -> Answer:
        shown = self.place.key if key is None else key
        head = self._head_of(path, shown, method=method, stream=stream)
        return await self._transport.send(Call(self._origin, head, body, self._timeouts, stream))

    async def _events(
        self, answer: Answer, until: Callable[[StreamEvent], bool] | None
    ) -> list[StreamEvent]:
        splitter, decoder = self.dialect.splitter(), self.dialect.stream_decoder()
        events: list[StreamEvent] = []
        while True:
            chunk = await answer.read()
            if chunk is None:
                continue
            left = [] if chunk else [frame for frame in [splitter.flush()] if frame.strip()]
            for frame in [*splitter.feed(chunk), *left]:
                for event in decoder.feed(frame):
                    if isinstance(event, StreamFailed):
                        raise event.error
                    events.append(event)
                    if until is not None and until(event):
                        return events
            if not chunk:
                return events

    def _head_of(self, path: str, key: str, *, method: str, stream: bool) -> bytes:
        accept = self.dialect.stream_type.partition(";")[0] if stream else "application/json"
        lines = [f"{method} {path} HTTP/1.1\r\nhost: {self._origin.authority}\r\n".encode()]
        lines.append(b"content-type: application/json\r\naccept: %b\r\n" % accept.encode())
        lines.append(b"user-agent: antiphon-compliance\r\n")
        lines += [b"%b: %b\r\n" % pair for pair in self.dialect.headers.items()]
        if key:
            name, value = self._auth
            lines.append(header_line(name, value.replace("{key}", key)))
        return b"".join(lines)


def not_supported(error: UpstreamError) -> NotSupported | UpstreamError:
    """What to raise for the refusal of something that a provider need not have."""
    refused = error.disposition is Disposition.CALLERS_FAULT or error.upstream_status in _ABSENT
    return NotSupported(f"refused: {error.message[:200]}") if refused else error
