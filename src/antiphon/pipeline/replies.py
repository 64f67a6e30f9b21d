"""What an exchange gives back: a whole answer, or one in pieces (`streaming`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from typing_extensions import override

from antiphon.dialects.embeddings import EmbedPayload
from antiphon.errors import AntiphonError, UpstreamError
from antiphon.model.said import said_in
from antiphon.model.structured import Structured
from antiphon.pipeline.embedding import EmbedTranslation
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.forms import checked, unread
from antiphon.pipeline.passing import content_type_of
from antiphon.pipeline.walking import Walking


class WholeReply:
    """An answer in one piece, in the caller's dialect.

    Attributes:
        content_type: The provider's, where its bytes are passed on as they are; else None.
        structured: What is known of its form, where one was asked for.
    """

    __slots__ = ("body", "content_type", "structured")

    def __init__(
        self,
        body: bytes,
        content_type: bytes | None = None,
        structured: Structured | None = None,
    ) -> None:
        self.body = body
        self.content_type = content_type
        self.structured = structured


async def whole_reply(exchange: Exchange, walk: Walking) -> WholeReply:
    """The first good answer of the walk, whole.

    Raises:
        UpstreamError: It is the caller's fault, or too long for every candidate.
        Exhausted: No candidate gave one.
    """
    payload = exchange.payload
    while True:
        opened = await walk.open()
        assert opened is not None
        answer, head = opened
        attempt = walk.attempt
        spoken, translation = attempt.face.dialect, attempt.translation
        try:
            body = told = await answer.whole()
            facts = spoken.inspect_reply(told)
            if translation is not None:
                form = attempt.form
                if form is None or isinstance(translation, EmbedTranslation):
                    body = translation.whole(told)
                else:
                    said = translation.reply(spoken.decode_reply(told))
                    attempt.usage = facts.usage
                    exchange.structured = checked(form, said_in(said))
                    body = payload.dialect.encode_reply(said, payload)
            elif isinstance(payload, EmbedPayload):
                body = payload.accepted(told, facts)
            elif attempt.form is not None:
                attempt.usage = facts.usage
                exchange.structured = checked(attempt.form, said_in(spoken.decode_reply(told)))
            else:
                exchange.structured = unread(payload)
        except UpstreamError as error:
            walk.failed(error)
            continue
        exchange.usage, exchange.stop = facts.usage, facts.stop
        walk.succeeded(facts.usage, 0 if facts.usage is not None else spoken.said(told))
        walk.close()
        if walk.waits:
            await walk.settled()
        passing = exchange.passing
        if passing is None:
            return WholeReply(body, structured=exchange.structured)
        return WholeReply(passing.told(body), content_type_of(head))


class StreamReply(ABC):
    """An answer in pieces, in the caller's dialect.

    Attributes:
        ended: All of it was given: the terminal event, or an error in its place.
        failure: What the stream ended with, once it has told the caller; or None.
    """

    __slots__ = ("ended", "failure")

    def __init__(self) -> None:
        self.ended = False
        self.failure: AntiphonError | None = None

    @property
    @abstractmethod
    def content_type(self) -> str:
        """Of the caller's dialect, or the provider's where its bytes are passed on."""

    @abstractmethod
    async def next(self) -> bytes:
        """The next bytes for the caller; empty at the end."""

    @abstractmethod
    def fail(self, error: AntiphonError) -> bytes:
        """End the stream with an error event; empty if it has ended already."""

    async def drain(self) -> None:  # noqa: B027  most have nothing to wait for
        """Wait shortly for the end of the provider's body, so that its connection can be kept."""


class AwaitedStream(StreamReply):
    """An answer whose first piece is waited for before its status goes out.

    Attributes:
        instead: Gives what stands in for an error, where nothing of an answer was handed out.
    """

    __slots__ = ("_first", "instead")

    def __init__(self) -> None:
        super().__init__()
        self._first: bytes | None = None
        self.instead: Callable[[AntiphonError], bytes | None] | None = None

    async def start(self) -> None:
        """Wait until the status may go out.

        Raises:
            AntiphonError: There is no answer.
        """
        self._first = await self.advance()

    @override
    async def next(self) -> bytes:
        if self._first is not None:
            piece, self._first = self._first, None
            return piece
        if self.ended:
            return b""
        try:
            return await self.advance()
        except AntiphonError as error:
            told = None if self.instead is None or self.has_begun else self.instead(error)
            if told is None:
                return self.fail(error)
            self.ended = True
            return told

    @property
    @abstractmethod
    def has_begun(self) -> bool:
        """Whether something of the answer was handed out."""

    @abstractmethod
    async def advance(self) -> bytes:
        """Bytes that may go out now: content, a heartbeat, or the end.

        Raises:
            AntiphonError: There is no more of the answer.
        """
