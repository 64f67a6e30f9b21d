"""`${...}` inside a text.

* `${NAME}` is the environment variable, which must be set;
* `${NAME:-text}` falls back to the text where it is unset or empty, `${NAME-text}` where unset;
* `${NAME:?text}` is refused with the text where it is unset or empty, `${NAME?text}` where unset;
* `${file:PATH}` is what the file holds, without the line break at its end; a relative path
  starts at the configuration's folder;
* `$$` is a dollar sign, and a dollar sign before anything else is itself.

Fallbacks and paths may hold `${...}` again; messages are shown as they stand. What
comes out of the environment or a file is never expanded again, and never shown in a message.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from antiphon.yamlfile.trace import Seen, trace_of

_MARK = re.compile(r"\$\$|\$\{")
_EDGE = re.compile(r"\$\$|\$\{|\}")
_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<how>:?[-?])(?P<rest>.*))?", re.DOTALL)
_DEEPEST = 8
_LARGEST_FILE = 1 << 20


class FileBacked(str):
    """A text that was read from a file, which a key ring may read again."""

    __slots__ = ("path",)

    path: Path

    @classmethod
    def read(cls, path: Path) -> FileBacked:
        """Read it now.

        Raises:
            CannotExpand: The file cannot be read or is empty.
        """
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST_FILE + 1)
            if len(content) > _LARGEST_FILE:
                raise CannotExpand(f"the file {path} is larger than 1 MiB")
            text = cls(content.decode("utf-8-sig").rstrip("\r\n"))
        except (OSError, ValueError) as error:
            why = (isinstance(error, OSError) and error.strerror) or "it is not UTF-8 text"
            raise CannotExpand(f"the file {path} cannot be read: {why}") from error
        if not text:
            raise CannotExpand(f"the file {path} is empty")
        text.path = path
        return text


class CannotExpand(Exception):
    """What `${...}` names cannot be had; the text says why and holds no value."""


class Expansion:
    """Replaces `${...}` in texts.

    Args:
        environ: Where names are looked up.
        folder: Where relative paths of `${file:...}` start.
        files: Gets the files that are read, whether they can be or not, as they were then.
        readable: The only files that are read, besides those in the folder; None reads any.
    """

    __slots__ = ("_environ", "_files", "_folder", "_readable")

    def __init__(
        self,
        environ: Mapping[str, str],
        folder: Path,
        files: Seen | None = None,
        readable: Collection[Path] | None = None,
    ) -> None:
        self._environ = environ
        self._folder = folder
        self._files: Seen = {} if files is None else files
        self._readable = readable

    def expand(self, text: str) -> str:
        """The text with everything replaced; `FileBacked` if a file is all there is.

        Raises:
            CannotExpand: Something is missing, unreadable or not closed.
        """
        return self._expand(text, 0) if "$" in text else text

    def _expand(self, text: str, depth: int) -> str:
        if depth > _DEEPEST:
            raise CannotExpand(f"${{...}} is nested more than {_DEEPEST} deep")
        pieces: list[str] = []
        end = 0
        while (mark := _MARK.search(text, end)) is not None:
            pieces.append(text[end : mark.start()])
            if mark[0] == "$$":
                pieces.append("$")
                end = mark.end()
            else:
                close = _closing(text, mark.end())
                pieces.append(self._value(text[mark.end() : close], depth))
                end = close + 1
        pieces.append(text[end:])
        spoken = [piece for piece in pieces if piece]
        return spoken[0] if len(spoken) == 1 else "".join(spoken)

    def _check(self, path: Path) -> None:
        readable = self._readable
        if readable is None or path in readable:
            return
        if not path.resolve().is_relative_to(self._folder.resolve()):
            raise CannotExpand(f"the file {path} is not read for a text that comes from elsewhere")

    def _value(self, body: str, depth: int) -> str:
        if body.startswith("file:"):
            path = Path(self._expand(body.removeprefix("file:"), depth + 1).strip())
            path = self._folder / path
            self._check(path)
            self._files[path] = trace_of(path)
            return FileBacked.read(path)
        found = _BODY.fullmatch(body)
        if found is None:
            raise CannotExpand(
                "${...} must hold NAME, NAME:-text, NAME:?message or file:PATH; "
                "write $${ for the characters themselves"
            )
        name, how, rest = found["name"], found["how"] or "", found["rest"] or ""
        value = self._environ.get(name)
        if value is not None and (value or not how.startswith(":")):
            return value
        if how.endswith("-"):
            return self._expand(rest, depth + 1)
        state = "not set" if value is None else "empty"
        because = f": {rest}" if rest else ""
        raise CannotExpand(f"the environment variable {name} is {state}{because}")


def _closing(text: str, start: int) -> int:
    """Where the brace that was opened before `start` is closed."""
    depth = 1
    for edge in _EDGE.finditer(text, start):
        if edge[0] == "${":
            depth += 1
        elif edge[0] == "}":
            depth -= 1
            if depth == 0:
                return edge.start()
    raise CannotExpand("${ is not closed; write $${ for the characters themselves")
