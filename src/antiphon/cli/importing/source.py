"""A file of LiteLLM's, with those that it includes, as plain data that knows its lines.

`include` names further files: a list in one of them is added to the list of the same name, all
else takes the place of what the including file says. Nothing is replaced inside a text here:
`os.environ/NAME` is read by whoever needs the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath

from antiphon.config.tree import is_list, is_mapping
from antiphon.errors import ConfigurationError, Mistake
from antiphon.yamlfile.document import LARGEST, parse
from antiphon.yamlfile.places import Path, Places, dotted

INCLUDE = "include"
_MOST_FILES = 32


class Source:
    """What the files say together.

    Attributes:
        file: The first one, for people.
        data: Their content.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.data: dict[str, object] = {}
        self._origins: dict[Path, tuple[Places, Path]] = {}

    def where(self, path: Path) -> str:
        """`FILE:LINE:COLUMN` of a member, or of what holds it."""
        for length in range(len(path), 0, -1):
            origin = self._origins.get(path[:length])
            if origin is not None:
                places, first = origin
                return places.where((*first, *path[length:]))
        return self.file

    def add(self, data: dict[str, object], places: Places) -> None:
        """Put a further file over what is there."""
        for name, value in data.items():
            there = self.data.get(name)
            if is_list(value) and is_list(there):
                for index, each in enumerate(value):
                    self._origins[name, len(there)] = (places, (name, index))
                    there.append(each)
            else:
                self.data[name] = value
                self._forget(name)
                self._origins[name,] = (places, (name,))

    def _forget(self, name: str) -> None:
        for path in [path for path in self._origins if path[0] == name]:
            del self._origins[path]


def read_source(path: FilePath) -> Source:
    """Read a file and what it includes.

    Raises:
        ConfigurationError: One of them cannot be read, is not YAML, holds no mapping or says
            something twice; all mistakes at once.
    """
    source = Source(str(path))
    mistakes: list[Mistake] = []
    _read(path, source, mistakes, ())
    if mistakes:
        raise ConfigurationError(mistakes)
    return source


def _read(
    path: FilePath, source: Source, mistakes: list[Mistake], above: Sequence[FilePath]
) -> None:
    document = parse(_bytes_of(path), str(path), None)
    mistakes += document.mistakes.values()
    data: object = document.data
    if not is_mapping(data):
        message = "must hold a mapping, such as `model_list: [...]`"
        raise ConfigurationError([document.places.mistake((), message)])
    source.add({name: each for name, each in data.items() if name != INCLUDE}, document.places)
    for where, name in _included(data, document.places):
        inner = path.parent / name
        if inner.resolve() in {each.resolve() for each in (*above, path)}:
            raise ConfigurationError([Mistake(where, INCLUDE, f"{inner} includes itself")])
        if len(above) >= _MOST_FILES:
            raise ConfigurationError([Mistake(where, INCLUDE, "too many files include files")])
        _read(inner, source, mistakes, (*above, path))


def _included(data: dict[str, object], places: Places) -> Iterator[tuple[str, str]]:
    """Where a file is named, and its name."""
    names = data.get(INCLUDE, [])
    if isinstance(names, str):
        names = [names]
    if not is_list(names) or len(names) > _MOST_FILES:
        message = f"must be a list of at most {_MOST_FILES} files"
        raise ConfigurationError([places.mistake((INCLUDE,), message)])
    for index, name in enumerate(names):
        path: Path = (INCLUDE, index)
        if not isinstance(name, str) or not name or "\0" in name:
            raise ConfigurationError([places.mistake(path, "must be the name of a file")])
        yield places.where(path), name


def _bytes_of(path: FilePath) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise ConfigurationError([Mistake(str(path), "", message)]) from error


def shown_path(path: Path) -> str:
    """A path for people, cut where a name is longer than any name."""
    return dotted(tuple(step if isinstance(step, int) else step[:60] for step in path))
