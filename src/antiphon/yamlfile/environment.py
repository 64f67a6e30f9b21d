"""The process environment, and the `.env` file beside a configuration.

What the process was given beats what the file says: who starts the process decides.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from antiphon.errors import ConfigurationError, Mistake

FILE = ".env"
_LINE = re.compile(r"(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(?P<rest>.*)")
_SINGLE = re.compile(r"'(?P<text>[^']*)'[ \t]*(?:#.*)?")
_DOUBLE = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"[ \t]*(?:#.*)?')
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def process_environment() -> Mapping[str, str]:
    """The environment of this process: the one place where it is read."""
    return dict(os.environ)  # noqa: TID251  this is the place


def environment(folder: Path, process: Mapping[str, str]) -> Mapping[str, str]:
    """The process environment over the `.env` of a folder, where there is one.

    Raises:
        ConfigurationError: The `.env` cannot be read or understood; all mistakes at once.
    """
    path = folder / FILE
    if not path.is_file():
        return process
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError([Mistake(str(path), "", f"cannot be read: {why}")]) from error
    return {**parse_dotenv(text, str(path)), **process}


def parse_dotenv(text: str, file: str) -> Mapping[str, str]:
    """The variables of a `.env` file.

    `NAME=value`, `export NAME=value`, `# comment`. In single quotes everything is literal, in
    double quotes a backslash escapes; without quotes a ` #` starts a comment. Nothing else is
    replaced, and a value is one line.

    Raises:
        ConfigurationError: Lines that are none of these; none of their text is shown.
    """
    variables: dict[str, str] = {}
    mistakes: list[Mistake] = []
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        found = _LINE.fullmatch(stripped)
        value = None if found is None else _value(found["rest"])
        column = len(line) - len(line.lstrip()) + 1
        if found is None:
            mistakes.append(Mistake(f"{file}:{number}:{column}", "", "must be NAME=value"))
        elif value is None:
            message = "the quote is not closed on this line, or text follows it"
            mistakes.append(Mistake(f"{file}:{number}:{column}", found["name"], message))
        else:
            variables[found["name"]] = value
    if mistakes:
        raise ConfigurationError(mistakes)
    return variables


def _value(rest: str) -> str | None:
    if rest.startswith("'"):
        single = _SINGLE.fullmatch(rest)
        return None if single is None else single["text"]
    if rest.startswith('"'):
        double = _DOUBLE.fullmatch(rest)
        return None if double is None else _ESCAPE.sub(_unescape, double["text"])
    return _COMMENT.sub("", rest).strip()


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPED.get(found[1], found[1])
