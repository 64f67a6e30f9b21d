"""Refusals: typed, of the right class, and nothing breaks by them."""

from __future__ import annotations

from typing import Final

from antiphon.errors import Disposition, UpstreamError
from antiphon.providers.transport import Head
from antiphon.testing.compliance.findings import Broken, Findings, NotSupported, holds
from antiphon.testing.compliance.provider import questions
from antiphon.testing.compliance.provider.live import Live

NO_MODEL: Final = "antiphon-no-such-model"
NO_KEY: Final = "antiphon-no-such-key"
_BROKEN: Final = (b"{", b'{"model":', b"\xff\xfe", b"[]", b'"text"')
_MISTYPED: Final = b'{"model":7,"messages":7,"input":7,"contents":7}'
_CLIENT: Final = range(400, 500)


async def model(live: Live, found: Findings) -> None:
    """A model that is not there is refused as such."""
    with found.trying(NO_MODEL):
        try:
            await live.whole(questions.ask(NO_MODEL, "Hello."))
        except UpstreamError as error:
            holds(error.message, "a message", error.message)
            status = error.upstream_status
            holds(status in {400, 403, 404}, "a status of 400, 403 or 404", f"{status} {error}")
            return
        raise NotSupported("it answers to any name")


async def key(live: Live, found: Findings) -> None:
    """A key that is not known is refused as such."""
    with found.trying("a wrong key"):
        if not live.place.key:
            raise NotSupported("no key is used")
        try:
            await live.whole(questions.ask(live.place.model, "Hello."), key=NO_KEY)
        except UpstreamError as error:
            dead = {Disposition.DEAD_KEY, Disposition.HARD_DOWN}
            holds(error.upstream_status in {400, 401, 403}, "401 or 403", error.upstream_status)
            holds(error.disposition in dead, "that the key is refused", error.message)
            return
        raise Broken("a refusal", "an answer")


async def body(live: Live, found: Findings) -> None:
    """A body that is no request is the caller's fault, and the server goes on."""
    asked = questions.ask(live.place.model, "Answer with the word pong.")
    path, _ = live.written(asked)
    for broken in _BROKEN:
        with found.trying(f"a body {broken!r}"):
            _is_callers(live, *await live.send("POST", path, broken))
    with found.trying("members of a wrong type"):
        _is_callers(live, *await live.send("POST", path, _MISTYPED))
    with found.trying("a question behind them"):
        reply = await live.whole(asked)
        holds(reply.choices, "an answer", reply)


def _is_callers(live: Live, head: Head, content: bytes) -> None:
    holds(head.status in _CLIENT, "a status of 400 to 499", head.status)
    error = live.refusal(head, content)
    holds(error.message, "a message", content[:200])
    holds(content.strip(), "a body", content)
