"""The members of one object, taken one by one; what is left is the dialect's own.

A reader takes what the model has a word for. The rest is kept raw in an `Extra`, so that a
member that a provider invented since survives a round through the model. A null says nothing
and is dropped; what is written omits it (a null where a server expects none is refused).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Self, TypeVar

import msgspec

from antiphon.errors import MalformedBody
from antiphon.model.parts import ABSENT, Extra

UNREADABLE: tuple[type[Exception], ...] = (
    msgspec.DecodeError,
    RecursionError,
    UnicodeDecodeError,
)
"""What msgspec raises over bytes that are no JSON, too deep, or no UTF-8."""

Json = bytes | msgspec.Raw
"""Raw JSON, as a copy or as a view."""

Written = dict[str, object]
"""An object on its way out."""

_EMPTY_ARRAY = re.compile(rb"\[[ \t\r\n]*\]")
_LONGEST_EMPTY = 64
_MOST_DIGITS = 9

_T = TypeVar("_T")

_SPLIT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str | None)
_FLAG = msgspec.json.Decoder(bool | None)
_INTEGER = msgspec.json.Decoder(int | None)
_NUMBER = msgspec.json.Decoder(float | None)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw] | None)
_TEXTS = msgspec.json.Decoder(list[str] | None)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_TEXT_OR_ITEMS = msgspec.json.Decoder(str | list[msgspec.Raw] | None)
_TEXT_OR_TEXTS = msgspec.json.Decoder(str | list[str] | None)


class Fields:
    """What one object still holds. `path` names it in errors, as `messages[2].content[0]`.

    Every method raises MalformedBody, with the member's path, where the type is another.
    """

    __slots__ = ("_left", "path")

    dialect: ClassVar[str] = ""
    """Whose object it is: what is left of it is kept under this name."""

    def __init__(self, left: dict[str, msgspec.Raw], path: str = "") -> None:
        self._left = left
        self.path = path

    @classmethod
    def parse(cls, raw: Json, path: str) -> Self:
        """Split an object one level deep."""
        try:
            return cls(_SPLIT.decode(raw), path)
        except UNREADABLE as error:
            raise wrong(path, "an object") from error

    def __len__(self) -> int:
        return len(self._left)

    def __contains__(self, name: str) -> bool:
        raw = self._left.get(name)
        return raw is not None and not is_null(raw)

    def begins(self, name: str, byte: bytes) -> bool:
        """Whether a member is there and its JSON begins so: `"`, `{`, `[`."""
        raw = self._left.get(name)
        return raw is not None and first_byte(raw) == byte[0]

    def text(self, name: str) -> str | None:
        """Take a string."""
        return self._take(name, _TEXT, "a string")

    def flag(self, name: str) -> bool | None:
        """Take a boolean."""
        return self._take(name, _FLAG, "true or false")

    def integer(self, name: str) -> int | None:
        """Take a whole number."""
        return self._take(name, _INTEGER, "a whole number")

    def number(self, name: str) -> float | None:
        """Take a number."""
        return self._take(name, _NUMBER, "a number")

    def moment(self, name: str) -> int:
        """Take a time in seconds; 0 for what is none, since no answer is worth less for it."""
        try:
            return int(self.number(name) or 0)
        except MalformedBody:
            return 0

    def texts(self, name: str) -> tuple[str, ...]:
        """Take an array of strings."""
        return tuple(self._take(name, _TEXTS, "an array of strings") or ())

    def text_or_texts(self, name: str) -> tuple[str, ...]:
        """Take a string or an array of strings."""
        found = self._take(name, _TEXT_OR_TEXTS, "a string or an array of strings")
        return (found,) if isinstance(found, str) else tuple(found or ())

    def text_or_items(self, name: str) -> str | list[msgspec.Raw] | None:
        """Take a string or an array."""
        return self._take(name, _TEXT_OR_ITEMS, "a string or an array")

    def items(self, name: str) -> list[msgspec.Raw]:
        """Take an array, its items raw."""
        return self._take(name, _ITEMS, "an array") or []

    def objects(self, name: str) -> list[Self]:
        """Take an array of objects."""
        path = self._path(name)
        return [type(self).parse(raw, f"{path}[{at}]") for at, raw in enumerate(self.items(name))]

    def object(self, name: str) -> Self | None:
        """Take an object."""
        left = self._take(name, _OBJECT, "an object")
        return None if left is None else type(self)(left, self._path(name))

    def raw(self, name: str) -> msgspec.Raw:
        """Take anything, unread; ABSENT where it is absent or null."""
        raw = self._left.pop(name, None)
        return ABSENT if raw is None or is_null(raw) else raw

    def raw_object(self, name: str) -> msgspec.Raw:
        """Take an object, unread."""
        if name in self and not self.begins(name, b"{"):
            raise wrong(self._path(name), "an object")
        return self.raw(name)

    def keep_rest_of(self, name: str, inner: Fields | None) -> None:
        """Put back what is left of an object that was taken, under its name."""
        left = inner.left() if inner is not None else None
        if left:
            self._left[name] = msgspec.Raw(msgspec.json.encode(left))

    def keep(self, name: str, raw: Json) -> None:
        """Put a member back."""
        self._left[name] = msgspec.Raw(raw)

    def left(self) -> dict[str, msgspec.Raw]:
        """What was not taken and says something."""
        return {name: raw for name, raw in self._left.items() if not is_null(raw)}

    def extra(self) -> Extra | None:
        """What is left, as the model keeps it."""
        if not self._left:
            return None
        left = self.left()
        return Extra(self.dialect, left) if left else None

    def _path(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _take(self, name: str, decoder: msgspec.json.Decoder[_T], wanted: str) -> _T | None:
        raw = self._left.pop(name, None)
        if raw is None:
            return None
        try:
            return decoder.decode(raw)
        except UNREADABLE as error:
            raise wrong(self._path(name), wanted) from error


def wrong(path: str, wanted: str) -> MalformedBody:
    """The error of a member of another type."""
    return MalformedBody(f"{path!r} must be {wanted}.", param=path)


def first_byte(raw: Json) -> int:
    """What raw JSON begins with, which tells its type; nothing is copied."""
    return memoryview(raw)[0]


def is_empty_array(raw: Json) -> bool:
    """Whether raw JSON is an array without items.

    Only a short one can be: the white space of an empty array is not the caller's to pad.
    """
    return len(raw) < _LONGEST_EMPTY and _EMPTY_ARRAY.fullmatch(bytes(raw)) is not None


def whole_number(raw: Json) -> int | None:
    """A whole number of a caller's; whatever else it is, the provider will refuse."""
    digits = bytes(raw)
    return int(digits) if digits.isdigit() and len(digits) <= _MOST_DIGITS else None


def is_null(raw: Json) -> bool:
    """Whether raw JSON is null."""
    return len(raw) == len(b"null") and bytes(raw) == b"null"


def own(extra: Extra | None, dialect: str) -> Mapping[str, msgspec.Raw]:
    """The members of an extra that this dialect may send."""
    return extra.members if extra is not None and extra.dialect == dialect else {}


def written(members: Mapping[str, object], kept: Mapping[str, msgspec.Raw]) -> Written:
    """An object of the members that say something, and of what its dialect kept.

    Where both have an object of one name, what was kept stands inside it; where both have an
    array, what was kept follows. Else the member stands.
    """
    out = {name: value for name, value in members.items() if value is not None and value != ABSENT}
    for name, raw in kept.items():
        match out.get(name):
            case None:
                out[name] = raw
            case dict() if first_byte(raw) == ord("{"):
                out[name] = {**_split(out[name]), **_split(raw)}
            case list() if first_byte(raw) == ord("["):
                out[name] = [*_items(out[name]), *_items(raw)]
            case _:
                pass
    return out


def _split(value: object) -> dict[str, msgspec.Raw]:
    return _SPLIT.decode(msgspec.json.encode(value))


def _items(value: object) -> list[msgspec.Raw]:
    return _ITEMS.decode(msgspec.json.encode(value)) or []
