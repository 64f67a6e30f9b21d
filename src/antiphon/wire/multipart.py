"""A `multipart/form-data` body (RFC 7578), read as far as a few named texts, and edited on bytes.

Files stay where they are: the body is searched for its boundary and nothing else of it is looked
at. What two readers could read differently is refused, so that the model that was checked here is
the model that the provider sees: a boundary that stands anywhere but between two parts, a wanted
name that stands twice, a folded, repeated or unreadable `Content-Disposition`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from antiphon.errors import MalformedBody

_MOST_PARTS = 1_000
_MOST_HEAD = 16 * 1024
"""Bytes of the header lines of one part."""
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = rb'"(?:[^"\\\r\n]|\\[^\r\n])*"'
_PARAMETER = re.compile(
    rb"[ \t]*;[ \t]*(?:(" + _TOKEN + rb")[ \t]*=[ \t]*(" + _QUOTED + rb'|[^;"\s]*))?'
)
_TYPE = re.compile(rb"[ \t]*multipart/form-data(?=[ \t]*(?:;|$))", re.IGNORECASE)
_FORM_DATA = re.compile(rb"[ \t]*form-data(?=[ \t]*(?:;|$))", re.IGNORECASE)
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_LINE = re.compile(rb"(" + _TOKEN + rb"):([^\r\n\0]*)")
_END = re.compile(rb"--[ \t]*(?:\r\n|\Z)")
_BREAK = re.compile(rb"[ \t]*\r\n")
_PLAIN = (b"7bit", b"8bit", b"binary")


class _Value(NamedTuple):
    """Where the text of a part stands."""

    start: int
    end: int


class Form:
    """A form and where some of its texts stand in it."""

    __slots__ = ("_body", "_values")

    def __init__(self, body: bytes, values: Mapping[str, _Value]) -> None:
        self._body = body
        self._values = values

    @classmethod
    def parse(cls, body: bytes, content_type: bytes, *wanted: str) -> Form:
        """Find the texts of these names; other parts are passed over.

        Raises:
            MalformedBody: It is no such form, or could be read in two ways.
        """
        mark = b"--" + _boundary(content_type)
        values: dict[str, _Value] = {}
        for head, value in _parts(body, mark):
            name, is_text = _read_head(head)
            if name not in wanted:
                continue
            if name in values:
                raise MalformedBody(f"{name!r} stands twice in the form.", param=name)
            if not is_text:
                raise MalformedBody(f"{name!r} must be a plain text.", param=name)
            values[name] = value
        return cls(body, values)

    def text(self, name: str) -> str | None:
        """A text; None where there is no part of that name.

        Raises:
            MalformedBody: It is not UTF-8.
        """
        value = self._values.get(name)
        if value is None:
            return None
        try:
            return self._body[value.start : value.end].decode()
        except UnicodeDecodeError as error:
            raise MalformedBody(f"{name!r} is not valid UTF-8.", param=name) from error

    def replace(self, name: str, text: bytes) -> bytes:
        """The whole body with another text in that part, and every other byte as it was."""
        value = self._values[name]
        return b"".join((self._body[: value.start], text, self._body[value.end :]))


def is_form(content_type: bytes) -> bool:
    """Whether a content type is that of a form."""
    return _TYPE.match(content_type) is not None


def _boundary(content_type: bytes) -> bytes:
    found = _TYPE.match(content_type)
    parameters = None if found is None else _parameters(content_type, found.end())
    boundary = (parameters or {}).get(b"boundary", b"")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedBody("The content type of the form has no usable boundary.")
    return boundary


def _parts(body: bytes, mark: bytes) -> Iterator[tuple[bytes, _Value]]:
    """Each part's header lines, and where its content stands."""
    line = b"\r\n" + mark
    position = 0 if body.startswith(mark) else 2
    if not body.startswith(mark, position) or not b"\r\n".startswith(body[:position]):
        raise _malformed("it does not begin with its boundary")
    for seen in range(1, _MOST_PARTS + 2):
        position += len(mark)
        if _END.match(body, position):
            if body.count(mark) != seen:
                raise _malformed("its boundary stands inside a part")
            return
        begin = _BREAK.match(body, position)
        if begin is None:
            raise _malformed("its boundary stands inside a part")
        head_end = body.find(b"\r\n\r\n", begin.end(), begin.end() + _MOST_HEAD)
        if head_end < 0:
            raise _malformed("a part has no head, or too long a one")
        start = head_end + 4
        end = body.find(line, start)
        if end < 0:
            raise _malformed("its last boundary is missing")
        yield body[begin.end() : head_end], _Value(start, end)
        position = end + 2
    raise _malformed("it has too many parts")


def _read_head(head: bytes) -> tuple[str, bool]:
    """The name of a part, and whether it is a text that stands there as it is."""
    disposition: bytes | None = None
    is_plain = True
    for line in head.split(b"\r\n"):
        found = _LINE.fullmatch(line)
        if found is None:
            raise _malformed("the head of a part cannot be read")
        name, value = found[1].lower(), found[2]
        if name == b"content-disposition":
            if disposition is not None:
                raise _malformed("a part has two names")
            disposition = value
        elif name == b"content-transfer-encoding":
            is_plain = value.strip().lower() in _PLAIN
    kind = None if disposition is None else _FORM_DATA.match(disposition)
    if disposition is None or kind is None:
        raise _malformed("a part has no name")
    parameters = _parameters(disposition, kind.end())
    if parameters is None or b"name" not in parameters or b"name*" in parameters:
        raise _malformed("the name of a part cannot be read")
    named = parameters[b"name"]
    if b"\\" in named:
        raise _malformed("the name of a part holds a backslash")
    is_file = b"filename" in parameters or b"filename*" in parameters
    return named.decode(errors="replace"), is_plain and not is_file


def _parameters(text: bytes, position: int) -> dict[bytes, bytes] | None:
    """Parameters from there to the end; None where they cannot be read, or one stands twice."""
    found: dict[bytes, bytes] = {}
    while position < len(text):
        parameter = _PARAMETER.match(text, position)
        if parameter is None:
            return None if text[position:].strip() else found
        position = parameter.end()
        if parameter[1] is None:
            continue
        name, value = parameter[1].lower(), parameter[2]
        if name in found:
            return None
        found[name] = value[1:-1] if value.startswith(b'"') else value
    return found


def _malformed(why: str) -> MalformedBody:
    return MalformedBody(f"The form cannot be read: {why}.")
