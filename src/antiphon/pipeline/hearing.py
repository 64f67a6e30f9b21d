"""What the user said, without reading the rest of the request.

Rules over language and text need no more, and to read a whole request costs ten times as much. A
body that has documents in what the user said, or is odd in any way, is read whole.

Hot path where rules look at text: one C decode that leaves out all but roles and texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from antiphon.dialects.base import Payload
from antiphon.model.parts import Author, File, Text, Turn

_MOST_TEXT: Final = 64 * 1024
"""Characters of a message that are looked at: its language is plain by then."""
_MOST_EARLIER: Final = 8
_USER: Final = "user"
_TEXTS: Final = frozenset({"text", "input_text"})
_DOCUMENTS: Final = frozenset({"file", "document", "input_file"})
_MEDIA: Final = re.compile(rb"(?:inline|file)(?:D|_d)ata")
"""Members of Gemini that hold pictures and documents."""
_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/yaml")
_TEXT_NAMES: Final = (".txt", ".md", ".csv", ".json", ".xml", ".yaml", ".yml", ".html")
"""What tells that a document is text, in its kind or else in its name."""


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Turn(msgspec.Struct):
    role: str = ""
    content: str | list[_Part] | None = None


class _Piece(msgspec.Struct):
    text: str = ""


class _Content(msgspec.Struct):
    role: str = _USER
    parts: list[_Piece] = []


class _Odd(Exception):
    """It has to be read whole."""


_turns: Final = msgspec.json.Decoder(list[_Turn])
_input: Final = msgspec.json.Decoder(str | list[_Turn])
_contents: Final = msgspec.json.Decoder(list[_Content])
_prompt: Final = msgspec.json.Decoder(str)
Raw: TypeAlias = bytes | msgspec.Raw


def heard(payload: Payload) -> Sequence[str]:
    """What the user said, each with the text attached to it, the newest first; at most nine.

    Raises:
        CallerError: It cannot be read.
    """
    members = payload.members
    if members is not None:
        try:
            for name, read in _READERS:
                if (raw := members.raw(name)) is not None:
                    return read(raw)
        except (_Odd, msgspec.ValidationError):
            pass  # so it is read whole
    return _newest(_spoken(payload.request.turns))


def _newest(texts: Iterable[str]) -> Sequence[str]:
    found: list[str] = []
    for text in texts:
        if text:
            found.append(text[:_MOST_TEXT])
            if len(found) > _MOST_EARLIER:
                break
    return found


def _of_turns(turns: list[_Turn]) -> Sequence[str]:
    found: list[str] = []
    turns.reverse()
    for turn in turns:
        if turn.role == _USER:
            content = turn.content
            text = content if isinstance(content, str) else _joined(content or ())
            if text:
                found.append(text[:_MOST_TEXT])
                if len(found) > _MOST_EARLIER:
                    break
    return found


def _joined(parts: Iterable[_Part]) -> str:
    texts: list[str] = []
    for part in parts:
        if part.type in _TEXTS:
            texts.append(part.text)
        elif part.type in _DOCUMENTS:
            raise _Odd
    return "\n".join(texts)


def _of_messages(raw: Raw) -> Sequence[str]:
    return _of_turns(_turns.decode(raw))


def _of_input(raw: Raw) -> Sequence[str]:
    said = _input.decode(raw)
    return _newest((said,)) if isinstance(said, str) else _of_turns(said)


def _of_contents(raw: Raw) -> Sequence[str]:
    if _MEDIA.search(raw):
        raise _Odd
    return _newest(
        "\n".join([each.text for each in content.parts if each.text])
        for content in reversed(_contents.decode(raw))
        if content.role == _USER
    )


def _of_prompt(raw: Raw) -> Sequence[str]:
    return _newest((_prompt.decode(raw),))


_READERS: Final[Sequence[tuple[str, Callable[[Raw], Sequence[str]]]]] = (
    ("messages", _of_messages),
    ("input", _of_input),
    ("contents", _of_contents),
    ("prompt", _of_prompt),
)


# ------------------------------------------------------------------ read whole


def _spoken(turns: Sequence[Turn]) -> Iterator[str]:
    for turn in reversed(turns):
        if turn.author is Author.USER:
            yield "\n".join(_texts(turn))


def _texts(turn: Turn) -> Iterator[str]:
    for part in turn.parts:
        if isinstance(part, Text):
            yield part.text
        elif isinstance(part, File) and (text := _attached(part)):
            yield text


def _attached(file: File) -> str:
    """The text of a document; empty where it is none."""
    blob = file.blob
    kind, name = blob.media_type, (file.filename or "").lower()
    textual = kind.startswith(_TEXTUAL) or (not kind and name.endswith(_TEXT_NAMES))
    return text_of(blob.data) if textual and blob.data is not None else ""


def text_of(data: str) -> str:
    """What base64 text holds; empty where it is no text."""
    # Four letters hold three bytes; of a long document the beginning is enough.
    try:
        return msgspec.convert(data[: _MOST_TEXT * 4], bytes).decode("utf-8", "ignore")
    except msgspec.ValidationError:
        return ""
