"""Requests that are passed on as they are, but for the model's name in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Dialect, Payload
from antiphon.dialects.contract import LEAST_ANSWER, Quirk, Target
from antiphon.dialects.fields import UNREADABLE, first_byte
from antiphon.dialects.references import holds_bytes, holds_numbers, refers
from antiphon.errors import MalformedBody
from antiphon.model.needs import Need
from antiphon.model.request import ChatRequest
from antiphon.wire.multipart import Form
from antiphon.wire.shallow import Members

_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_INTEGER = msgspec.json.Decoder(int | None)
_EVENTS = "sse"
_MOST_ANSWERS = 1_000_000


class UntranslatedPayload(Payload, ABC):
    """A request of which nobody here knows more than its model: it is passed on, or refused.

    Args:
        dialect: The family's.
        model: What is asked for, as the caller says it.
        stream: Whether a stream of events is asked for.
    """

    __slots__ = ()

    def __init__(self, dialect: Dialect, model: str, *, stream: bool = False) -> None:
        self.dialect = dialect
        self.model = model
        self.stream = stream
        self._members = None
        self._request = None
        self._needs = frozenset()
        self._refers = None
        self.input_estimate = 0

    @property
    @override
    def request(self) -> ChatRequest:
        raise NotImplementedError("What is passed on as it is, is never read.")

    @property
    @override
    def hides(self) -> bool:
        body = self.readable
        return self.opaque or refers(body) or holds_bytes(body) or holds_numbers(body)

    @property
    @override
    def wants_usage(self) -> bool:
        return True

    @property
    @override
    def output_bound(self) -> tuple[int | None, int]:
        return 0, 1

    @property
    @override
    def least_answer(self) -> int | None:
        return None

    @property
    @override
    def size(self) -> int:
        return 0

    @override
    def countable(self, size: int) -> int:
        return 0

    @override
    def passes(self, dialect: Dialect) -> bool:
        return True

    @override
    @abstractmethod
    def encode(
        self,
        target: Target,
        *,
        quirks: Sequence[Quirk] = (),
        dropped: Collection[Need] = (),
        cap: int = 0,
    ) -> bytes: ...


class PassedJson(UntranslatedPayload):
    """A JSON object with a model.

    Args:
        dialect: The family's.
        body: What the caller sent.
        text: It is text: where no usage is stated, its size tells.
        writes: Text is answered.
        media: It, or what is answered, is sound or pictures.
        check: Refuses what must not be passed on.

    Raises:
        MalformedBody: It is no JSON object, or names no model.
    """

    __slots__ = ("_object", "_text", "_writes", "opaque")

    def __init__(
        self,
        dialect: Dialect,
        body: bytes,
        *,
        text: bool,
        writes: bool,
        media: bool = False,
        check: Callable[[Members], None] | None = None,
    ) -> None:
        members = Members.parse(body)
        if check is not None:
            check(members)
        stream = members.flag("stream")
        if not stream and "stream_format" in members:
            stream = members.text("stream_format") == _EVENTS
        super().__init__(dialect, _named(members.text("model")), stream=stream)
        self._object = members
        self._text = text
        self.opaque = media
        self._writes = writes

    @property
    @override
    def readable(self) -> bytes:
        return self._object.source

    @property
    @override
    def metadata(self) -> bytes | msgspec.Raw | None:
        return self._object.raw("metadata")

    @property
    @override
    def size(self) -> int:
        return len(self._object.source)

    @property
    @override
    def output_bound(self) -> tuple[int | None, int]:
        members = self._object
        if not self._writes:
            return 0, min(_integer(members, "n") or 1, _MOST_ANSWERS) if self.opaque else 1
        asked = _integer(members, "max_tokens")
        answers = max(_integer(members, "n") or 1, _integer(members, "best_of") or 1)
        answers *= _prompts(members.raw("prompt"))
        return asked if asked is not None and asked > 0 else None, min(answers, _MOST_ANSWERS)

    @property
    @override
    def least_answer(self) -> int | None:
        # The older completions; what else writes has no bound that a caller can give.
        return LEAST_ANSWER if self._writes and "prompt" in self._object else None

    @override
    def countable(self, size: int) -> int:
        return size if self._text else 0

    @override
    def encode(
        self,
        target: Target,
        *,
        quirks: Sequence[Quirk] = (),
        dropped: Collection[Need] = (),
        cap: int = 0,
    ) -> bytes:
        members = self._object.replace({"model": msgspec.json.encode(target.model)})
        return (self.dialect.capped(members, cap) if cap else members).encode()


class PassedForm(UntranslatedPayload):
    """A form with a model: sound, pictures, and what shall become of them.

    What it costs is for its provider to say.

    Args:
        dialect: The family's.
        body: What the caller sent.
        content_type: The caller's, with the boundary.

    Raises:
        MalformedBody: It is no form, names no model, or could be read in two ways.
    """

    __slots__ = ("_body", "_form")

    opaque = True

    def __init__(self, dialect: Dialect, body: bytes, content_type: bytes) -> None:
        form = Form.parse(body, content_type, "model", "stream")
        stream = (form.text("stream") or "").strip().lower() == "true"
        super().__init__(dialect, _named(form.text("model")), stream=stream)
        self._form = form
        self._body = body

    @property
    @override
    def readable(self) -> bytes:
        return self._body

    @property
    @override
    def hides(self) -> bool:
        return True

    @property
    @override
    def size(self) -> int:
        return len(self._body)

    @override
    def encode(
        self,
        target: Target,
        *,
        quirks: Sequence[Quirk] = (),
        dropped: Collection[Need] = (),
        cap: int = 0,
    ) -> bytes:
        return self._form.replace("model", target.model.encode())


class PassedBytes(UntranslatedPayload):
    """Whatever is said about objects that a provider keeps: no model is named.

    Args:
        dialect: The family's.
        objects: What they are called, in place of a model.
        body: What the caller sent; may be empty.
        defers: It has something made later, which is paid for then.
    """

    __slots__ = ("_bytes", "defers", "opaque")

    def __init__(
        self, dialect: Dialect, objects: str, body: bytes, *, defers: bool = False
    ) -> None:
        super().__init__(dialect, objects)
        self._bytes = body
        self.defers = self.opaque = defers

    @property
    @override
    def readable(self) -> bytes:
        return self._bytes

    @property
    @override
    def metadata(self) -> bytes | msgspec.Raw | None:
        try:
            return Members.parse(self._bytes).raw("metadata")
        except MalformedBody:
            return None

    @property
    @override
    def size(self) -> int:
        return len(self._bytes)

    @override
    def encode(
        self,
        target: Target,
        *,
        quirks: Sequence[Quirk] = (),
        dropped: Collection[Need] = (),
        cap: int = 0,
    ) -> bytes:
        return self._bytes


def _named(model: str | None) -> str:
    if not model:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    return model


def _integer(members: Members, name: str) -> int | None:
    """A whole number; what is something else is the provider's to refuse."""
    raw = members.raw(name)
    try:
        return None if raw is None else _INTEGER.decode(raw)
    except UNREADABLE:
        return None


def _prompts(raw: bytes | msgspec.Raw | None) -> int:
    """How many prompts a completion has: one answer each."""
    if raw is None or first_byte(raw) != ord("["):
        return 1
    items = _ITEMS.decode(raw)
    return len(items) if items and first_byte(items[0]) in b'"[' else 1
