"""JSON read one level deep.

Nothing inside a member is parsed, so nothing inside a member can be lost: a body that is only
routed keeps every byte its caller wrote, whatever fields a provider invented since. What is put
out again is the caller's own text, spaces included, with the replaced members cut in.

Hot path: one C decode to split, one join to put together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import msgspec
from typing_extensions import override

from antiphon.errors import MalformedBody

_SPLIT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str | None)
_FLAG = msgspec.json.Decoder(bool | None)
_KEY = msgspec.json.Encoder()
_WRITTEN: dict[str, bytes] = {}
"""Names of members as JSON. Callers choose names, so what is remembered is bounded."""
_MOST_REMEMBERED = 512
_LONGEST_REMEMBERED = 64
_SPACE = re.compile(rb"[ \t\r\n]*")
_COLON = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*")
_HALF_A_PAIR = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F])"
)
"""A surrogate, escaped in JSON, without the other one."""
_COMMA = re.compile(rb"[ \t\r\n]*,[ \t\r\n]*")


class Members(Mapping[str, bytes]):
    """The members of one JSON object, each value as the raw bytes that stood there.

    A value: `replace` and `without` return another one, so an attempt can change what it sends
    and the next attempt still starts from what the caller wrote. Where a name stands twice, the
    last one counts and only that one is sent on, so what was inspected is what is sent.

    Attributes:
        raw: Gives a member without copying it, None where it is absent. The dict's own method,
            since the road asks for half a dozen members of each request.
    """

    __slots__ = ("_changed", "_members", "_original", "_source", "raw")

    def __init__(self, members: Mapping[str, bytes | msgspec.Raw], source: bytes = b"") -> None:
        self._members = members
        self.raw: Callable[[str], bytes | msgspec.Raw | None] = members.get
        self._source = source
        self._original = members
        self._changed: Mapping[str, bytes] = {}

    @classmethod
    def parse(cls, body: bytes) -> Members:
        """Split a JSON object one level deep.

        Raises:
            MalformedBody: It is not UTF-8, not JSON, not an object, or nested too deeply.
        """
        if not body.isascii():
            _check_utf8(body)
        try:
            return cls(_SPLIT.decode(body), body)
        except msgspec.ValidationError as error:
            raise MalformedBody("The body is not a JSON object.") from error
        except msgspec.DecodeError as error:
            raise MalformedBody(_unreadable(body, error)) from error
        except RecursionError as error:
            raise MalformedBody("The body is nested too deeply.") from error

    @property
    def source(self) -> bytes:
        """The bytes that were parsed, whatever was replaced since; empty where none were."""
        return self._source

    @override
    def __getitem__(self, name: str) -> bytes:
        return bytes(self._members[name])

    @override
    def __contains__(self, name: object) -> bool:
        return name in self._members

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    @override
    def __len__(self) -> int:
        return len(self._members)

    def raws(self) -> dict[str, msgspec.Raw]:
        """All members without copying them."""
        return {name: msgspec.Raw(raw) for name, raw in self._members.items()}

    def text(self, name: str) -> str | None:
        """A member as a string; None where it is absent or null.

        Raises:
            MalformedBody: It is something else.
        """
        raw = self._members.get(name)
        if raw is None:
            return None
        try:
            return _TEXT.decode(raw)
        except msgspec.DecodeError as error:
            raise MalformedBody(f"{name!r} must be a string.", param=name) from error

    def flag(self, name: str) -> bool:
        """A member as a boolean; False where it is absent or null.

        Raises:
            MalformedBody: It is something else.
        """
        raw = self._members.get(name)
        if raw is None:
            return False
        try:
            return _FLAG.decode(raw) or False
        except msgspec.DecodeError as error:
            raise MalformedBody(f"{name!r} must be true or false.", param=name) from error

    def replace(self, members: Mapping[str, bytes]) -> Members:
        """A copy with these members set, each to raw JSON; new names go last."""
        copy = Members({**self._members, **members}, self._source)
        copy._original = self._original
        copy._changed = {**self._changed, **members}
        return copy

    def without(self, *names: str) -> Members:
        """A copy that lacks these members.

        Where all of them were added since, the source speaks for the rest as before.
        """
        if not any(name in self._members for name in names):
            return self
        left = {name: raw for name, raw in self._members.items() if name not in names}
        if not self._source or any(name in self._original for name in names):
            return Members(left)
        copy = Members(left, self._source)
        copy._original = self._original
        copy._changed = {n: raw for n, raw in self._changed.items() if n not in names}
        return copy

    def encode(self) -> bytes:
        """The object as JSON, each member's bytes as they came.

        The join drops white space between members. Where the source had some, the members are
        cut into the source instead. One length tells: a join is as short as the object can be
        written, so what was joined equals the source but for the changes if it is as long.
        """
        joined = _join(self._members)
        if not self._source:
            return joined
        excess = len(self._source) - len(joined)
        for name, now in self._changed.items():
            was = self._original.get(name)
            excess += len(now) + (len(_KEY.encode(name)) + 2 if was is None else -len(was))
        if excess == 0:
            return joined
        return _splice(self._source, self._original, self._changed) or joined


def _check_utf8(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise MalformedBody("The body is not valid UTF-8.") from error


def _unreadable(body: bytes, error: msgspec.DecodeError) -> str:
    if not body or body.isspace():
        return "The body is empty."
    if _HALF_A_PAIR.search(body):
        return "The body holds half a surrogate pair: it is no text that can be passed on."
    return f"The body is not valid JSON: {error}."


def _join(members: Mapping[str, bytes | msgspec.Raw]) -> bytes:
    written = _WRITTEN
    try:
        pieces = [b"%b%b" % (written[name], raw) for name, raw in members.items()]
    except KeyError:
        pieces = [b"%b%b" % (_write(name), raw) for name, raw in members.items()]
    return b"{%b}" % b",".join(pieces)


def _write(name: str) -> bytes:
    """A member's name as JSON, colon included; the names that come again are remembered."""
    key = _WRITTEN.get(name)
    if key is None:
        key = _KEY.encode(name) + b":"
        if len(_WRITTEN) < _MOST_REMEMBERED and len(name) < _LONGEST_REMEMBERED:
            _WRITTEN[name] = key
    return key


def _splice(
    source: bytes, original: Mapping[str, bytes | msgspec.Raw], changed: Mapping[str, bytes]
) -> bytes | None:
    """Walk the source member by member; None where it is not written as `original` would be.

    A name that stands twice, or is spelled with escapes, ends the walk: the join is right then.
    """
    if not original:
        return None
    pieces: list[bytes] = []
    position = _end(_SPACE, source, _end(_SPACE, source, 0) + 1)
    done = 0
    for number, (name, raw) in enumerate(original.items()):
        if number:
            comma = _COMMA.match(source, position)
            if comma is None:
                return None
            position = comma.end()
        key, value = _KEY.encode(name), bytes(raw)
        start = _end(_COLON, source, position + len(key))
        if not source.startswith(key, position) or not source.startswith(value, start):
            return None
        position = start + len(value)
        if name in changed:
            pieces += [source[done:start], changed[name]]
            done = position
    if source[_end(_SPACE, source, position)] != ord("}"):
        return None
    pieces.append(source[done:position])
    pieces += [
        b",%b:%b" % (_KEY.encode(name), changed[name]) for name in changed if name not in original
    ]
    pieces.append(source[position:])
    return b"".join(pieces)


def _end(pattern: re.Pattern[bytes], source: bytes, position: int) -> int:
    match = pattern.match(source, position)
    return match.end() if match else position
