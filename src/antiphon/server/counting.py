"""How many tokens a prompt would be: `/v1/messages/count_tokens` and its like."""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Dialect, Payload
from antiphon.errors import Draining, MethodNotAllowed
from antiphon.gateway.counting import count
from antiphon.gateway.gateway import Antiphon
from antiphon.server.asgi import JSON, Receive, Scope, Send
from antiphon.server.caller import Caller
from antiphon.server.line import AsgiLine, Line, rendered
from antiphon.wire.shallow import Members

_SOURCE = b"x-antiphon-token-count"


class Question(ABC):
    """How a prompt is given to be counted, and how the count is told."""

    @abstractmethod
    def read(self, body: Members) -> tuple[Members, Members]:
        """The request whose prompt it is, and what goes to a provider of the same dialect.

        Raises:
            MalformedBody: It is none.
        """

    @abstractmethod
    def told(self, tokens: int) -> bytes:
        """The answer."""


class MessagesQuestion(Question):
    """Anthropic's: a request without what its answer may be."""

    @override
    def read(self, body: Members) -> tuple[Members, Members]:
        return (body if "max_tokens" in body else body.replace({"max_tokens": b"1"})), body

    @override
    def told(self, tokens: int) -> bytes:
        return msgspec.json.encode({"input_tokens": tokens})


class CountDoor:
    """Counts prompts of one dialect; says in a header whether the provider did or we guessed.

    Args:
        max_body: Bound of a request's body, in bytes.
    """

    def __init__(
        self, gateway: Antiphon, dialect: Dialect, question: Question, *, max_body: int
    ) -> None:
        self._gateway = gateway
        self._dialect = dialect
        self._question = question
        self._max_body = max_body

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        await self.answer(caller, AsgiLine(scope, receive, send))

    async def answer(self, caller: Caller, line: Line) -> None:
        """Answer one request.

        Raises:
            AntiphonError: It cannot be answered.
        """
        gateway, dialect = self._gateway, self._dialect
        if line.method != b"POST":
            raise MethodNotAllowed(line.method.decode(), ["POST"])
        if gateway.draining:
            raise Draining("The gateway is shutting down.", retry_after=1)
        principal = await gateway.principal(caller)
        caller.check_size(self._max_body)
        body = Members.parse(await line.whole_body(self._max_body))
        asked, sent = self._question.read(body)
        payload = Payload(dialect, asked)
        lines = caller.forwarded(dialect)
        counted = await count(
            gateway, principal, payload, sent, lines=lines, headers=caller.headers
        )
        request_id = gateway.request_ids.new().encode()
        headers = [JSON, (_SOURCE, counted.source.encode()), (dialect.id_header, request_id)]
        await line.answer(200, rendered(headers), self._question.told(counted.tokens))
