"""The facts of one request, found as far as somebody wants to know them.

Hot path where rules or strategies are set: what nobody asks for is not looked at, and a prompt is
read only where a fact needs it. What cannot be read has no facts: the request goes its way, and
whoever has to read it says what is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from antiphon.dialects.base import Payload
from antiphon.dialects.embeddings import EmbedPayload
from antiphon.dialects.passed import UntranslatedPayload
from antiphon.errors import CallerError, InvalidRequest
from antiphon.model.ask import SENSITIVITIES, Ask, Fact, Sensitivity
from antiphon.model.parts import Author, File, Text, Turn
from antiphon.pipeline.conversing import conversation_of, prefix_of

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
SENSITIVITY = b"x-antiphon-sensitivity"
"""The header that says how far a request goes."""
_TAGS, _TASK, _MARKET = "x-antiphon-tags", "x-antiphon-task", "x-antiphon-market"
_READ = Fact.TEXT | Fact.LANGUAGE | Fact.NEEDS
_MEMBERS = Fact.TAGS | Fact.METADATA
_MOST_TEXT = 64 * 1024
"""Characters of a message that are looked at: its language is plain by then."""
_MOST_EARLIER = 8
_MARKED = {"sensitive": Sensitivity.RESTRICTED, "true": Sensitivity.RESTRICTED, **SENSITIVITIES}
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
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
    members = payload.members
    raw = None if members is None else members.raw("metadata")
    if raw is None:
        return {}
    try:
        return {name: _as_text(value) for name, value in _OBJECT.decode(raw).items()}
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def fill(ask: Ask, payload: Payload, facts: Fact, headers: Headers) -> None:
    """Find the facts that are asked for, but for money and tokens."""
    if facts & (Fact.HEADERS | Fact.TAGS):
        ask.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    if facts & _MEMBERS and not ask.metadata:
        ask.metadata = metadata_of(payload)
    if Fact.TAGS in facts:
        _tag(ask)
    if Fact.CONVERSATION in facts:
        ask.conversation = conversation_of(headers, payload)
    if Fact.PREFIX in facts:
        ask.prefix = prefix_of(payload)
    if facts & _READ:
        _read(ask, payload, facts)


def _tag(ask: Ask) -> None:
    headers, metadata = ask.headers, ask.metadata
    said = f"{headers.get(_TAGS, '')},{metadata.get('tags', '')}"
    ask.tags = frozenset(each for text in said.split(",") if (each := text.strip().lower()))
    task = headers.get(_TASK) or metadata.get("task_type") or metadata.get("task") or ""
    ask.task = task.strip().lower()
    ask.market = (headers.get(_MARKET) or metadata.get("market") or "").strip().lower()


def _read(ask: Ask, payload: Payload, facts: Fact) -> None:
    if isinstance(payload, EmbedPayload):
        if facts & (Fact.TEXT | Fact.LANGUAGE):
            ask.text = "\n".join(_embedded(payload))[:_MOST_TEXT]
        return
    if isinstance(payload, UntranslatedPayload):
        return
    if not facts & ~Fact.LANGUAGE & _READ and _is_plain(payload.body):
        return
    try:
        request = payload.request
        if Fact.NEEDS in facts:
            ask.needs = payload.needs
    except CallerError:
        return
    if facts & (Fact.TEXT | Fact.LANGUAGE):
        said = _said_by_user(request.turns)
        ask.text = next(said, "")
        ask.earlier = tuple(text for text, _ in zip(said, range(_MOST_EARLIER), strict=False))


def _is_plain(body: bytes) -> bool:
    """Whether a body can hold no letter beyond ASCII."""
    return bool(body) and body.isascii() and _ESCAPED not in body


def _said_by_user(turns: Sequence[Turn]) -> Iterator[str]:
    """What the user said, with the text attached to it; the newest first."""
    for turn in reversed(turns):
        if turn.author is Author.USER:
            text = "\n".join(_texts(turn))
            if text:
                yield text[:_MOST_TEXT]


def _texts(turn: Turn) -> Iterator[str]:
    for part in turn.parts:
        if isinstance(part, Text):
            yield part.text
        elif isinstance(part, File):
            yield from _attached(part)


def _attached(file: File) -> Iterator[str]:
    """The text of a document, where it is text."""
    blob = file.blob
    if blob.data is not None and blob.media_type.startswith("text/"):
        text = text_of(blob.data)
        if text:
            yield text


def text_of(data: str) -> str:
    """What base64 text holds; empty where it is no text."""
    # Four letters hold three bytes; of a long document the beginning is enough.
    try:
        return msgspec.convert(data[: _MOST_TEXT * 4], bytes).decode("utf-8", "ignore")
    except msgspec.ValidationError:
        return ""


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
