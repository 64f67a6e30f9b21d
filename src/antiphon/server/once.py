"""Inference with an idempotency key: what was asked before is not asked of a provider again."""

from __future__ import annotations

from asyncio import Task, current_task
from typing import Final

from antiphon.access.proxy import HEADER as PERSON
from antiphon.errors import AntiphonError, CallerLeft, Draining
from antiphon.gateway.gateway import Antiphon
from antiphon.idempotency.answers import Answers
from antiphon.idempotency.keys import REPLAYED, Asked, asked, read_key
from antiphon.idempotency.recording import Recording
from antiphon.pipeline.attempt import HOPS
from antiphon.pipeline.wishes import DEADLINE
from antiphon.server.caller import Caller
from antiphon.server.doors import InferenceDoor
from antiphon.server.line import Line, rendered

_REPLAYED: Final = rendered([REPLAYED])
_OURS: Final = b"x-antiphon-"
_UNTOLD: Final = frozenset({DEADLINE, HOPS, PERSON})
"""Of these, what says nothing of what is asked: how long somebody waits (whoever asks again may be
more patient), which way it came, and who it is, which is known otherwise."""


class Once:
    """Answers requests that may come again, each once.

    Args:
        answers: Those that are made and kept.
        max_body: Bound of a request's body, in bytes.

    Attributes:
        max_body: As it was said; another one holds from then on.
    """

    def __init__(self, gateway: Antiphon, answers: Answers, *, max_body: int) -> None:
        self._gateway = gateway
        self._answers = answers
        self.max_body = max_body

    async def answer(self, door: InferenceDoor, caller: Caller, target: bytes, line: Line) -> None:
        """Answer one request, at this door or as the first time."""
        if not self._answers.works:
            await door.answer(caller, line)
            return
        try:
            question, body = await self._read(door, caller, target, line)
            found = self._answers.find(question)
        except AntiphonError as error:
            await door.refuse(caller, line, error)
            return
        replayed = found is not None
        if found is None:

            async def make(recording: Recording) -> None:
                recorder = _Recorder(recording, line.method, body)
                await door.answer(caller, recorder)
                recording.whole = recorder.whole

            found = self._answers.make(question, make)
        reader = found.reader()
        try:
            if not await reader.began():
                await door.refuse(caller, line, Draining("The gateway is shutting down."))
                return
            head = found.head + _REPLAYED if replayed else found.head
            if found.sized:
                await line.answer(found.status, head, await reader.next() or b"")
                return
            await line.begin(found.status, head)
            while (piece := await reader.next()) is not None:
                await line.write(piece, more=True)
            await line.write(b"", more=False)
        finally:
            reader.leave()

    async def _read(
        self, door: InferenceDoor, caller: Caller, target: bytes, line: Line
    ) -> tuple[Asked, bytes]:
        """Who asks for what, and the body.

        Raises:
            AntiphonError: It cannot be answered.
        """
        assert caller.idempotency is not None
        door.check(caller, line.method)
        key = read_key(caller.idempotency)
        caller.credential = caller.credential or door.key
        caller.principal = principal = await self._gateway.principal(caller)
        caller.check_size(self.max_body)
        body = await line.whole_body(self.max_body)
        names = door.heard(caller).forwarded
        told = [
            part
            for header in caller.headers
            if header[0] in names or _is_told(header[0])
            for part in header
        ]
        return asked(principal, key, [line.method, target, body, *told]), body


def _is_told(name: bytes) -> bool:
    """Whether a header belongs to what is asked, besides those that go on to a provider.

    All of ours do that choose who answers, or say what for.
    """
    return name == b"content-type" or (name.startswith(_OURS) and name not in _UNTOLD)


class _Recorder:
    """The line of an answer that is recorded: it is nobody's connection."""

    __slots__ = ("_body", "_recording", "left", "method", "task", "whole")

    def __init__(self, recording: Recording, method: bytes, body: bytes) -> None:
        task = current_task()
        assert task is not None
        self.method = method
        self.task: Task[None] = task
        self.left = False
        self.whole = False
        self._body = body
        self._recording = recording

    async def whole_body(self, bound: int) -> bytes:
        """The request's body, which was read before."""
        del bound
        return self._body

    async def answer(self, status: int, head: bytes, body: bytes) -> None:
        """Give a whole answer."""
        self._recording.begin(status, head, sized=True)
        self._recording.put(body, more=False)

    async def begin(self, status: int, head: bytes) -> None:
        """Give the head of an answer whose length nobody knows."""
        self._recording.begin(status, head, sized=False)

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Give the next piece of its body."""
        recording = self._recording
        recording.put(piece, more=more)
        if more and recording.trimmed:
            await recording.room()
            if not recording.readers:
                raise CallerLeft("Everybody left an answer that is too long to be kept.")
