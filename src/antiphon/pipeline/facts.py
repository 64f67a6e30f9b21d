"""The facts of one request, found as far as somebody wants to know them.

Hot path where rules or strategies are set: what nobody asks for is not looked at, and a prompt is
read only where a fact needs it. What cannot be read has no facts: the request goes its way, and
whoever has to read it says what is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import msgspec

from antiphon.dialects.base import Payload
from antiphon.dialects.embeddings import EmbedPayload
from antiphon.dialects.passed import UntranslatedPayload
from antiphon.errors import CallerError, InvalidRequest
from antiphon.model.ask import SENSITIVITIES, Ask, Fact, Sensitivity
from antiphon.pipeline.conversing import conversation_of, prefix_of
from antiphon.pipeline.hearing import heard

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
SENSITIVITY = b"x-antiphon-sensitivity"
"""The header that says how far a request goes."""
_TAGS, _TASK, _MARKET = "x-antiphon-tags", "x-antiphon-task", "x-antiphon-market"
_MARKED = {"sensitive": Sensitivity.RESTRICTED, "true": Sensitivity.RESTRICTED, **SENSITIVITIES}
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ESCAPE = b"\\"
_ESCAPED = b"\\u"


def marked(word: str, where: str) -> Sensitivity:
    """How far a request goes that is marked with this word.

    Raises:
        InvalidRequest: It is none.
    """
    found = _MARKED.get(word.strip().lower())
    if found is None:
        words = ", ".join(SENSITIVITIES)
        raise InvalidRequest(f"{where} is one of {words}.", param=None)
    return found


def metadata_of(payload: Payload) -> Mapping[str, str]:
    """What came along with a request, its values as text; lists are joined with commas."""
    raw = payload.metadata
    if raw is None:
        return {}
    try:
        return {name: _as_text(value) for name, value in _OBJECT.decode(raw).items()}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


class Looking:
    """What is looked for in the requests of a route.

    Attributes:
        headers: Those that somebody wants to know, by their names on the wire.
        tokens: Whether prompts are counted.
        answer: Whether answers are estimated.
        budget: Whether shares of budgets are.
    """

    __slots__ = (
        "_conversation",
        "_metadata",
        "_needs",
        "_prefix",
        "_scripts",
        "_tags",
        "_text",
        "answer",
        "budget",
        "headers",
        "tokens",
    )

    def __init__(self, facts: Fact, headers: Collection[str] = ()) -> None:
        """Make it ready: flags are slow where requests are.

        Args:
            facts: All that is wanted.
            headers: Names of those that are wanted.
        """
        self._tags = Fact.TAGS in facts
        self._metadata = bool(facts & (Fact.TAGS | Fact.METADATA))
        self._conversation = Fact.CONVERSATION in facts
        self._prefix = Fact.PREFIX in facts
        self._needs = Fact.NEEDS in facts
        self._text = bool(facts & (Fact.TEXT | Fact.LANGUAGE))
        self._scripts = Fact.TEXT not in facts
        self.tokens = Fact.TOKENS in facts
        self.answer = Fact.ANSWER in facts
        self.budget = Fact.BUDGET in facts
        told = (_TAGS, _TASK, _MARKET) if self._tags else ()
        self.headers = frozenset(each.encode("latin-1", "replace") for each in (*headers, *told))

    def fill(self, ask: Ask, payload: Payload, headers: Headers) -> None:
        """Find what is wanted, but for money and tokens."""
        wanted = self.headers
        if wanted:
            ask.headers = {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in headers
                if name in wanted
            }
        if self._metadata:
            ask.metadata = metadata_of(payload)
        if self._tags and (ask.headers or ask.metadata):
            _tag(ask)
        if self._conversation:
            ask.conversation = conversation_of(headers, payload)
        if self._prefix:
            ask.prefix = prefix_of(payload)
        if self._text or self._needs:
            self._read(ask, payload)

    def _read(self, ask: Ask, payload: Payload) -> None:
        if isinstance(payload, UntranslatedPayload):
            if self._text and isinstance(payload, EmbedPayload):
                ask.text = "\n".join(_embedded(payload))
            return
        try:
            if self._needs:
                ask.needs = payload.needs
            if self._text and not (self._scripts and _is_plain(payload.body)):
                said = heard(payload)
                if said:
                    ask.text = said[0]
                    ask.earlier = said[1:]
        except CallerError:
            return


def _tag(ask: Ask) -> None:
    headers, metadata = ask.headers, ask.metadata
    tags = headers.get(_TAGS, "")
    task, market = headers.get(_TASK), headers.get(_MARKET)
    if metadata:
        tags = f"{tags},{metadata.get('tags', '')}"
        task = task or metadata.get("task_type") or metadata.get("task")
        market = market or metadata.get("market")
    if tags:
        ask.tags = frozenset(each for text in tags.split(",") if (each := text.strip().lower()))
    if task:
        ask.task = task.strip().lower()
    if market:
        ask.market = market.strip().lower()


def _is_plain(body: bytes) -> bool:
    """Whether a body can hold no letter beyond ASCII."""
    # To look for one byte costs nothing, for two a microsecond.
    return bool(body) and body.isascii() and (_ESCAPE not in body or _ESCAPED not in body)


def _embedded(payload: EmbedPayload) -> Collection[str]:
    try:
        return [each for each in payload.asked.inputs if isinstance(each, str)]
    except CallerError:
        return ()


def _as_text(raw: msgspec.Raw) -> str:
    value: object = msgspec.json.decode(raw)
    if isinstance(value, str):
        return value
    if bytes(raw).startswith(b"["):
        return ",".join(map(_as_text, _ITEMS.decode(raw)))
    return bytes(raw).decode("utf-8", "replace")
