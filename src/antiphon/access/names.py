"""Names that people give: any script, and nothing that deceives the eye.

A name is kept in Unicode's composed form (NFC). Two names are the same where they differ only in
case, width or letters that are not seen: that is what `folded` compares, and what is unique.
Letters of two scripts that look alike are two names; nobody can tell them apart for every script.
"""

from __future__ import annotations

import re
import unicodedata

from antiphon.errors import InvalidRequest

LONGEST = 100
"""Characters of a name."""
LONGEST_MODEL = 200
MOST_MODELS = 1000
_MOST_MARKS = 4
"""Marks on one letter; more are no script's, but climb over the lines around."""
_JOINERS = "\u200c\u200d"
"""Persian and the scripts of India cannot be written without them, nor can many emoji."""
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U000e0000-\U000e0fff]"
)
"""What Unicode says is not drawn."""
_REFUSED = {
    "Cc": "control characters",
    "Cf": "characters that are not seen or turn the direction of the text",
    "Cs": "halves of characters (lone surrogates)",
    "Co": "characters of private use",
    "Cn": "characters that Unicode does not have",
    "Zl": "line breaks",
    "Zp": "line breaks",
    "Zs": "spaces other than the plain one",
}
_TAGS = range(0xE0020, 0xE0080)
"""They spell the flags of England, Scotland and Wales, and would else hide text."""


def name_of(text: object, what: str = "name") -> str:
    """A name as it is kept.

    Args:
        text: As it was given.
        what: The member that it stands in, for the error.

    Raises:
        InvalidRequest: It cannot be a name; the message says why, without the name.
    """
    if not isinstance(text, str):
        raise InvalidRequest(f"{what} must be a text.", param=what)
    # Before it is composed: what is far too long is not worth the work.
    if not text or len(text) > LONGEST * 4:
        raise _wrong(what, f"must have 1 to {LONGEST} characters")
    _check_categories(text, what)
    name = unicodedata.normalize("NFC", text)
    if len(name) > LONGEST:
        raise _wrong(what, f"must have 1 to {LONGEST} characters")
    if name != name.strip() or "  " in name:
        raise _wrong(what, "must not begin or end with a space, nor have two in a row")
    _check_marks(name, what)
    if not folded(name):
        raise _wrong(what, "must have a character that is seen")
    return name


def label_of(text: object, what: str = "name") -> str:
    """As `name_of`, but it may be empty.

    Raises:
        InvalidRequest: It cannot be a name.
    """
    return "" if text == "" else name_of(text, what)


def folded(name: str) -> str:
    """What two names have in common that are the same."""
    seen = _UNSEEN.sub("", unicodedata.normalize("NFKD", name).casefold())
    again = unicodedata.normalize("NFKC", _UNSEEN.sub("", seen)).casefold()
    return unicodedata.normalize("NFKC", again).strip()


def model_names(names: object, what: str = "models") -> frozenset[str]:
    """The names of models that a key may ask for; empty means all.

    Raises:
        InvalidRequest: They are too many, or one cannot be the name of a model.
    """
    if not isinstance(names, (list, tuple, set, frozenset)):
        raise InvalidRequest(f"{what} must be a list of names.", param=what)
    found: list[object] = [*names]
    if len(found) > MOST_MODELS:
        raise _wrong(what, f"must have at most {MOST_MODELS} names")
    for name in found:
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_MODEL:
            raise _wrong(what, f"must be names of 1 to {LONGEST_MODEL} characters")
        if not name.isprintable():
            raise _wrong(what, "must be names without control characters")
    return frozenset(name for name in found if isinstance(name, str))


def _check_categories(text: str, what: str) -> None:
    for place, character in enumerate(text):
        category = unicodedata.category(character)
        if category not in _REFUSED or character == " ":
            continue
        if character in _JOINERS and 0 < place < len(text) - 1:
            continue
        if ord(character) in _TAGS and "\U0001f3f4" in text:
            continue
        raise _wrong(what, f"must not have {_REFUSED[category]}")


def _check_marks(name: str, what: str) -> None:
    marks = 0
    for character in name:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks > _MOST_MARKS:
            raise _wrong(what, f"must not have more than {_MOST_MARKS} marks on one letter")


def _wrong(what: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{what} {why}.", param=what)
