"""Writes to the management API with an idempotency key: done once, answered every time.

A write is carried out by a task of its own, which ends also when its caller has left: the write
would be done anyway, and whoever asks again shall be told what became of it.
"""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from typing import Final, NamedTuple, TypeAlias

import msgspec

from antiphon.errors import AntiphonError, InternalFault, StorageFailed
from antiphon.gateway.gateway import Antiphon
from antiphon.idempotency.answers import Answers
from antiphon.idempotency.errors import AnswerLost, StillRunning
from antiphon.idempotency.keys import REPLAYED, Asked, asked, read_key
from antiphon.idempotency.records import Claim, Records
from antiphon.server.asgi import App, Headers, Message, Receive, Scope, Send, answer, headers_of
from antiphon.server.bodies import CLAIM, PRINCIPAL, whole_body
from antiphon.server.caller import Caller
from antiphon.server.health import require_key
from antiphon.server.problems import answer_problem, is_managed

_log = logging.getLogger("antiphon.server")
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST_KEPT: Final = 256 << 10
"""Bytes of an answer; of a longer one it is only known that there was one."""
_PATIENCE: Final = 10.0
"""Seconds for which one waits for the first request with the same key."""
_NOT_KEPT: Final = frozenset({b"content-length", b"date", b"connection", b"transfer-encoding"})
_SUCCESS: Final = range(200, 300)


class _Told(NamedTuple):
    """An answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


_TOLD: Final = msgspec.msgpack.Decoder(_Told)
_Outcome: TypeAlias = _Told | AntiphonError


class _Write(NamedTuple):
    """A write that is asked for.

    Attributes:
        key: The idempotency key, and
        credential: the caller's own: together they open the answer.
    """

    asked: Asked
    organisation: str
    key: bytes
    credential: bytes
    body: bytes


class Writes:
    """The management API, whose writes may be asked again.

    Args:
        app: The management API.
        answers: Has tasks that outlive a connection.
    """

    def __init__(self, gateway: Antiphon, app: App, answers: Answers) -> None:
        self._gateway = gateway
        self._app = app
        self._answers = answers
        self._running: dict[bytes, asyncio.Task[_Outcome]] = {}

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if caller.idempotency is None or scope["method"] in _READS:
            await self._app(scope, receive, send)
            return
        if not is_managed(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            write = await self._read(caller, caller.idempotency, scope, receive)
            if write is not None:
                await self._once(write, scope, send)
        except AntiphonError as error:
            await answer_problem(send, error, self._gateway.request_ids.new())

    async def _read(
        self, caller: Caller, header: bytes, scope: Scope, receive: Receive
    ) -> _Write | None:
        """What is asked for, by whom; None where its sender left.

        Raises:
            AntiphonError: It cannot be answered.
        """
        key = read_key(header)
        principal = await require_key(self._gateway, caller)
        scope["state"] = {**scope.get("state", {}), PRINCIPAL: principal}
        assert caller.credential is not None
        body = await whole_body(receive)
        if body is None:
            return None
        parts = [scope["method"].encode(), scope["path"].encode(), scope["query_string"], body]
        question = asked(principal, key, parts)
        return _Write(question, principal.organisation, key, caller.credential, body)

    async def _once(self, write: _Write, scope: Scope, send: Send) -> None:
        """Do a write, or tell what became of it.

        Raises:
            AntiphonError: Neither can be done now.
        """
        place = write.asked.place
        patience = self._gateway.clock.monotonic() + _PATIENCE
        while (first := self._running.get(place)) is not None:
            left = patience - self._gateway.clock.monotonic()
            if left <= 0:
                raise StillRunning
            await asyncio.wait({first}, timeout=left)
        books = self._gateway.open_books
        hours = self._gateway.settings.idempotency.keep_hours
        records = Records(books.database, hours=hours, clock=self._gateway.clock)
        # Begun before anything is waited for: who comes second finds it.
        task = self._answers.detach(self._carried_out(records, write, scope))
        self._running[place] = task
        task.add_done_callback(lambda _: self._running.pop(place, None))
        outcome = await asyncio.shield(task)
        if isinstance(outcome, AntiphonError):
            raise outcome
        await answer(send, outcome.status, [*outcome.headers], outcome.body)

    async def _carried_out(self, records: Records, write: _Write, scope: Scope) -> _Outcome:
        claim = records.claim(write.asked, write.organisation)
        try:
            done = await asyncio.to_thread(records.find, claim)
            if done is not None:
                return await asyncio.to_thread(_opened, done.answer, write)
            told = await self._asked(write, claim, scope)
            if told.status in _SUCCESS and len(told.body) <= _MOST_KEPT:
                await asyncio.to_thread(_keep, records, claim, told, write)
        except AntiphonError as error:
            return error
        # A task boundary: a defect must not end all that is under way.
        except Exception:  # noqa: BLE001
            _log.exception("A write of the management API met a defect")
            return InternalFault("The gateway met a defect.")
        return told

    async def _asked(self, write: _Write, claim: Claim, scope: Scope) -> _Told:
        """Have the API do it; its transaction takes the claim along."""
        status, headers, pieces = 500, Headers(), list[bytes]()
        given = False

        async def receive() -> Message:
            nonlocal given
            if given:
                await asyncio.get_running_loop().create_future()
            given = True
            return {"type": "http.request", "body": write.body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], headers_of(message)
            else:
                pieces.append(message.get("body", b""))

        state = {**scope.get("state", {}), CLAIM: claim}
        await self._app({**scope, "state": state}, receive, send)
        kept = [header for header in headers if header[0].lower() not in _NOT_KEPT]
        return _Told(status, kept, b"".join(pieces))


def _opened(sealed: bytes, write: _Write) -> _Told:
    """An answer of an earlier request.

    Raises:
        AnswerLost: It was sealed for another text of the caller's key.
    """
    sealing = import_module("antiphon.idempotency.sealing")
    plain: bytes | None = sealing.unseal(sealed, write.asked, write.credential, write.key)
    if plain is None:
        raise AnswerLost
    told = _TOLD.decode(plain)
    return told._replace(headers=[*told.headers, REPLAYED])


def _keep(records: Records, claim: Claim, told: _Told, write: _Write) -> None:
    plain = msgspec.msgpack.encode(told)
    sealed: bytes = import_module("antiphon.idempotency.sealing").seal(
        plain, write.asked, write.credential, write.key
    )
    try:
        records.keep(claim, sealed)
    except StorageFailed as error:
        # It was done, and its caller is told: only a second time nobody will know.
        _log.error("The answer to a write is not kept: %s", error.message)
