"""The form of an answer, where the target has no member for it: asked for in words.

The words stand at the end of the instructions that the conversation begins with. A model that was
asked in words answers in its own manner: prose before, a code fence around, a remark behind. All
that is taken off again, so that the caller has the JSON alone, whole or while it is written.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.model.parts import Author, Part, Text, Turn
from antiphon.model.request import ChatRequest, Output, OutputForm

ONE_OBJECT: Final = (
    "Answer with one JSON object and nothing else: no prose before or behind it, no code fence."
)
"""What is said for JSON of any shape."""
ONE_VALUE: Final = (
    "Answer with one JSON value that is valid against this JSON Schema, and with nothing else: "
    "no prose before or behind it, no code fence, not the schema itself."
)
"""What is said before a schema."""
IN_JSON: Final = "Answer in JSON."
"""What is said where a provider wants the word beside its own member."""

_INSTRUCTIONS: Final = (Author.SYSTEM, Author.DEVELOPER)
_SPLIT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OPENERS: Final = {b'"object"': "{", b'"array"': "["}
_SCALARS: Final = frozenset({b'"string"', b'"number"', b'"integer"', b'"boolean"', b'"null"'})


def instructed(request: ChatRequest, *, json_mode: bool = False) -> ChatRequest:
    """A request that asks for its form in words.

    Args:
        request: It asks for a form.
        json_mode: The target has a member for JSON as such: it helps an object to be one.
    """
    output = request.output
    assert output is not None
    first = next(
        (at for at, turn in enumerate(request.turns) if turn.author not in _INSTRUCTIONS),
        len(request.turns),
    )
    words = _words(output)
    if first:
        last = _with_words(request.turns[first - 1], words)
        turns = (*request.turns[: first - 1], last, *request.turns[first:])
    else:
        turns = (Turn(Author.SYSTEM, (Text(words),)), *request.turns)
    kept = json_mode and output.form is OutputForm.SCHEMA and opener_of(output) == "{"
    form = Output(OutputForm.JSON) if kept else None
    return msgspec.structs.replace(request, turns=turns, output=form)


def _words(output: Output) -> str:
    if output.form is OutputForm.JSON or not output.schema:
        return ONE_OBJECT
    told = [ONE_VALUE, output.description or "", bytes(output.schema).decode()]
    return "\n\n".join(each for each in told if each)


def _with_words(turn: Turn, words: str) -> Turn:
    """An instruction with more words at its end: in its last text, since some take only one."""
    parts: tuple[Part, ...] = turn.parts
    if parts and isinstance(last := parts[-1], Text):
        text = f"{last.text}\n\n{words}" if last.text else words
        parts = (*parts[:-1], msgspec.structs.replace(last, text=text))
    else:
        parts = (*parts, Text(words))
    return msgspec.structs.replace(turn, parts=parts)


def with_the_word(request: ChatRequest) -> ChatRequest:
    """A request for JSON as such, that says so to the model too; the same one where it does.

    Instructions do not count: one of the dialects writes them where nobody looks for the word.
    """
    last = -1
    for at, turn in enumerate(request.turns):
        if turn.author in _INSTRUCTIONS:
            continue
        if any(isinstance(part, Text) and "json" in part.text.lower() for part in turn.parts):
            return request
        if turn.author is Author.USER:
            last = at
    if last < 0:
        turns = (*request.turns, Turn(Author.USER, (Text(IN_JSON),)))
    else:
        asked = _with_words(request.turns[last], IN_JSON)
        turns = (*request.turns[:last], asked, *request.turns[last + 1 :])
    return msgspec.structs.replace(request, turns=turns)


# ------------------------------------------------------------------ the way back


def opener_of(output: Output) -> str:
    """What the JSON that is asked for can begin with: `{`, `[`, either, or neither."""
    if output.form is OutputForm.JSON:
        return "{"
    try:
        kind = bytes(_SPLIT.decode(output.schema).get("type", b"")) if output.schema else b""
    except UNREADABLE:
        kind = b""
    if kind in _SCALARS:
        return ""
    return _OPENERS.get(kind, "{[")


_BLANK: Final = " \t\r\n"
_MOST_HELD: Final = 16 * 1024
"""Characters of prose before any JSON: who says so much will not come to it."""
_MOST_TRIES: Final = 8
_FENCE: Final = "```"
_OBJECT: Final = r'\{[ \t\r\n]*["}]'
_ARRAY: Final = r'\[[ \t\r\n]*[\[{"\]0-9tfn-]'
_BEGINS: Final = {
    "{": re.compile(_OBJECT),
    "[": re.compile(_ARRAY),
    "{[": re.compile(f"{_OBJECT}|{_ARRAY}"),
}
_IN_TEXT: Final = re.compile(r'["\\]')
_OUTSIDE: Final = re.compile(r'["{}\[\]]')


class Unwrapping:
    """Takes the JSON out of what a model says, while it is being said.

    What stands before the JSON is held back, and so is a beginning of it that may be none; what
    stands behind it is dropped. Where no JSON comes, all is given out as it was.

    Hot path: one `feed` for each piece of text of an instructed stream.

    Args:
        opener: What the JSON can begin with (`opener_of`).
    """

    __slots__ = (
        "_begins",
        "_depth",
        "_held",
        "_inside",
        "_opener",
        "_over",
        "_raw",
        "_seen",
        "_string",
    )

    def __init__(self, opener: str) -> None:
        self._opener = opener
        self._begins = _BEGINS.get(opener)
        self._held = ""
        self._seen = 0
        self._inside = False
        self._over = False
        self._raw = False
        self._depth = 0
        # Inside a string: True, or None where the next letter is escaped.
        self._string: bool | None = False

    @property
    def over(self) -> bool:
        """Whether the JSON has ended."""
        return self._over

    def feed(self, piece: str) -> str:
        """The text that may go out."""
        if self._raw:
            return piece
        if self._over:
            return ""
        if self._inside:
            return self._value(piece)
        text = self._held + piece
        begin = self._begin(text)
        if begin >= 0:
            self._held, self._inside = "", True
            return self._value(text[begin:])
        if len(text) > _MOST_HELD:
            # Whatever comes is given out: the caller shall not wait any longer.
            self._held, self._raw = "", True
            return text
        self._held = text
        return ""

    def flush(self) -> str:
        """What was held back: nothing more will come of this text."""
        held, self._held, self._seen = self._held, "", 0
        return _unfenced(held)

    def _begin(self, text: str) -> int:
        """Where the JSON begins; -1 where that is not to be seen yet."""
        if self._begins is None:
            return -1
        found = self._begins.search(text, self._seen)
        if found is not None:
            return found.start()
        last = max(text.rfind(each) for each in self._opener)
        open_end = last >= self._seen and not text[last + 1 :].strip(_BLANK)
        self._seen = last if open_end else len(text)
        return -1

    def _value(self, piece: str) -> str:
        """The part of a piece that belongs to the JSON."""
        at = 0
        while at < len(piece):
            if self._string is None:
                self._string = True
                at += 1
                continue
            found = (_IN_TEXT if self._string else _OUTSIDE).search(piece, at)
            if found is None:
                break
            at = found.end()
            if self._ends(found[0]):
                self._over = True
                return piece[:at]
        return piece

    def _ends(self, letter: str) -> bool:
        """Take a letter that means something; True where it is the last one of the JSON."""
        if letter == "\\":
            self._string = None
        elif letter == '"':
            self._string = not self._string
        elif letter in "{[":
            self._depth += 1
        else:
            self._depth -= 1
            return self._depth <= 0
        return False


def _unfenced(text: str) -> str:
    """A text without the code fence around all of it; the same one where there is none."""
    bare = text.strip()
    if len(bare) <= 2 * len(_FENCE) or not (bare.startswith(_FENCE) and bare.endswith(_FENCE)):
        return text if bare else ""
    inner = bare[len(_FENCE) : -len(_FENCE)]
    language, line_end, body = inner.partition("\n")
    is_named = bool(line_end) and (not language.strip() or language.strip().isalnum())
    return (body if is_named else inner).strip()


def unwrapped(text: str, opener: str) -> str:
    """The JSON of a whole text; the text itself where there is none."""
    if is_json(text):
        return text.strip()
    first: str | None = None
    rest = text
    for _ in range(_MOST_TRIES):
        reader = Unwrapping(opener)
        found = reader.feed(rest) + reader.flush()
        first = found if first is None else first
        if not reader.over or is_json(found):
            return found if is_json(found) else first
        # What began there was none: perhaps what stands behind its beginning.
        rest = rest[rest.index(found) + 1 :]
    return first or text


def is_json(text: str) -> bool:
    """Whether a text is JSON, and nothing else."""
    try:
        msgspec.json.decode(text.encode())
    except (*UNREADABLE, UnicodeError):
        return False
    return True
