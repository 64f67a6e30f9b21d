"""The configuration before it is checked: data in layers, each member knowing where it is from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path as FilePath
from typing import NamedTuple

from antiphon.config.fields import is_mapping_at, names_at
from antiphon.config.settings import Settings
from antiphon.config.storage import DATA_DIR
from antiphon.config.tree import is_any_list, is_any_mapping, is_list, is_mapping
from antiphon.errors import ConfigurationError, Mistake
from antiphon.resilience.canned import is_file
from antiphon.storage.address import SQLITE
from antiphon.yamlfile.places import Path, Places, dotted
from antiphon.yamlfile.trace import Seen

_EACH = "*"
_PATHS = (
    ("storage", "data_dir"),
    ("storage", "journal"),
    ("storage", "database"),
    ("logging", "file"),
    ("egress", "ca_file"),
    ("providers", _EACH, "ca_file"),
    ("providers", _EACH, "api_key_file"),
)
"""Members that are paths: a relative one starts at the configuration's folder."""

_TEXTS = (
    ("models", _EACH, "degrade", "canned", "file"),
    ("models", _EACH, "degrade", "canned", _EACH, "file"),
)
"""Paths too, of files that are read with the configuration."""
_TEXTS_OR_PATHS = (("models", _EACH, "degrade", "canned"),)
"""Members that are texts, or the paths of files with texts."""
_TELLING = 6
"""Characters from which on a text can be a secret; shorter ones are parts of other words."""


class Draft:
    """What was said, by whom.

    Attributes:
        source: Where it comes from, for people.
        path: The file, where there is one.
        mistakes: What is wrong already, by member.
        hidden: Members whose value is never shown.
        texts: Files with texts that members name, once it is settled.
        readable: The only ones that are read, besides those beside the configuration; None reads
            any.
    """

    def __init__(
        self,
        data: dict[str, object],
        places: Places,
        *,
        source: str,
        path: FilePath | None = None,
        mistakes: Mapping[Path, Mistake],
        hidden: AbstractSet[Path],
    ) -> None:
        self.source = source
        self.path = path
        self.mistakes = dict(mistakes)
        self.hidden = hidden
        self.texts: list[FilePath] = []
        self.readable: Collection[FilePath] | None = None
        self._data = data
        self._places = places
        self._origins: dict[Path, str] = {}
        self._values = [value for path in hidden if len(value := _text_at(data, path)) >= _TELLING]

    def put(self, path: Path, value: object, origin: str) -> None:
        """Set a member, whatever was said of it before."""
        holder = self._data
        for step in path[:-1]:
            inner = holder.get(str(step))
            if not is_mapping(inner):
                # A section that is no mapping is reported, and not replaced.
                if inner is not None:
                    return
                inner = holder[str(step)] = {}
            holder = inner
        holder[str(path[-1])] = value
        self._origins[path] = origin
        self.mistakes.pop(path, None)

    def override(self, values: Mapping[str, object], origin: str, path: Path = ()) -> None:
        """Set all members of a mapping in the shape of the file."""
        for name, value in values.items():
            if is_mapping(value):
                self.override(value, origin, (*path, name))
            else:
                self.put((*path, name), value, origin)

    def mistake(self, path: Path, message: str) -> Mistake:
        """A mistake at a member, with whoever said it; what came through `${...}` is masked."""
        for value in self._values:
            message = message.replace(value, "${...}")
        origin = self._origins.get(path)
        if origin is not None:
            return Mistake(origin, dotted(path), message)
        return self._places.mistake(path, message)

    def settled(self, environ: Mapping[str, str]) -> dict[str, object]:
        """The data, ready to be checked: nothing where nothing was said, and paths made whole.

        Raises:
            ConfigurationError: It names the file of a text that is not to be read.
        """
        folder = FilePath() if self.path is None else self.path.parent
        home = environ.get("HOME") or str(FilePath.home())
        settled = _without_nothing(self._data, ())
        storage = settled.setdefault("storage", {})
        if is_mapping(storage):
            storage.setdefault("data_dir", str(DATA_DIR))
        for pattern in _PATHS:
            _change(settled, pattern, lambda text: _anchored(text, folder, home))
        for pattern in _TEXTS:
            _change(settled, pattern, lambda text: self._noted(_anchored(text, folder, home)))
        for pattern in _TEXTS_OR_PATHS:
            _change(
                settled,
                pattern,
                lambda text: self._noted(_anchored(text, folder, home)) if is_file(text) else text,
            )
        return settled

    def _noted(self, text: str) -> str:
        path = FilePath(text)
        if self.readable is not None and path not in self.readable:
            folder = FilePath() if self.path is None else self.path.parent
            if not path.resolve().is_relative_to(folder.resolve()):
                message = f"the file {path} is not read for a text that comes from elsewhere"
                raise ConfigurationError([Mistake(self.source, "models", message)])
        self.texts.append(path)
        return text


def file_draft(path: FilePath, environ: Mapping[str, str], files: Seen) -> Draft:
    """What a file says.

    Args:
        path: The file.
        environ: What `${...}` is replaced from.
        files: Gets the files that are read for `${file:...}`.

    Raises:
        ConfigurationError: It cannot be read or is not YAML.
    """
    # Here, because a start without a file needs no YAML library.
    from antiphon.yamlfile.document import content_of  # noqa: PLC0415

    return _drafted(content_of(path), path, environ, files)


class Said(NamedTuple):
    """A configuration that stands nowhere yet.

    Attributes:
        name: How mistakes call it.
        text: What it says.
        readable: The files that it may name as `${file:...}`, besides those beside the
            configuration: who sends a text need not be who may read this machine's files.
    """

    name: str
    text: str
    readable: Collection[FilePath] = ()


def text_draft(said: Said, path: FilePath | None, environ: Mapping[str, str], files: Seen) -> Draft:
    """What a file would say if it held this text."""
    content = said.text.encode(errors="surrogatepass")
    return _drafted(content, path or FilePath("antiphon.yaml"), environ, files, said)


def _drafted(
    content: bytes,
    path: FilePath,
    environ: Mapping[str, str],
    files: Seen,
    said: Said | None = None,
) -> Draft:
    from antiphon.yamlfile.document import parse  # noqa: PLC0415
    from antiphon.yamlfile.expand import Expansion  # noqa: PLC0415

    name, readable = (str(path), None) if said is None else (said.name, said.readable)
    document = parse(content, name, Expansion(environ, path.parent, files, readable))
    data: object = {} if document.data is None else document.data
    if not is_mapping(data):
        message = "must hold a mapping, such as `providers: {...}`"
        raise ConfigurationError([document.places.mistake((), message)])
    draft = Draft(
        data,
        document.places,
        source=name,
        path=path,
        mistakes=document.mistakes,
        hidden=document.expanded,
    )
    draft.readable = readable
    return draft


def given_draft(values: Mapping[str, object], source: str = "configuration") -> Draft:
    """What a program says, in the shape of the file."""
    data = {name: _copied(value) for name, value in values.items()}
    return Draft(data, Places(source, {}), source=source, mistakes={}, hidden=frozenset())


def _copied(value: object) -> object:
    """Mappings and lists of any kind as those of a file."""
    if is_any_mapping(value):
        return {str(name): _copied(each) for name, each in value.items()}
    if is_any_list(value):
        return [_copied(each) for each in value]
    return value


def _without_nothing(data: Mapping[str, object], path: Path) -> dict[str, object]:
    """Without members that have no value; an entry of a list of names is an empty mapping.

    So a section whose lines are all commented out is as good as none, and `anthropic:` is a
    provider of which nothing has to be said.
    """
    settings = names_at(Settings, path)
    settled: dict[str, object] = {}
    for name, value in data.items():
        here = (*path, name)
        if is_mapping(value):
            settled[name] = _without_nothing(value, here)
        elif is_list(value):
            settled[name] = [
                _without_nothing(each, (*here, index)) if is_mapping(each) else each
                for index, each in enumerate(value)
            ]
        elif value is not None:
            settled[name] = value
        elif name not in settings:
            settled[name] = {} if is_mapping_at(Settings, here) else None
    return settled


def _change(data: dict[str, object], pattern: Path, change: Callable[[str], object]) -> None:
    """Change the texts at a pattern of paths, also where they stand in a list."""
    first, rest = pattern[0], pattern[1:]
    for name in list(data) if first == _EACH else [str(first)]:
        value = data.get(name)
        if rest:
            if is_mapping(value):
                _change(value, rest, change)
            elif is_list(value) and rest[0] == _EACH:
                for each in value:
                    if is_mapping(each):
                        _change(each, rest[1:], change)
        elif isinstance(value, str):
            data[name] = change(value)
        elif is_list(value):
            data[name] = [change(each) if isinstance(each, str) else each for each in value]


def _anchored(text: str, folder: FilePath, home: str | None) -> str:
    if text.startswith(SQLITE) and text != SQLITE:
        return SQLITE + _anchored(text.removeprefix(SQLITE), folder, home)
    if home and (text == "~" or text.startswith("~/")):
        return home + text[1:]
    return str(folder / text)


def _text_at(data: object, path: Path) -> str:
    for step in path:
        if is_mapping(data):
            data = data.get(str(step))
        elif is_list(data) and isinstance(step, int):
            data = data[step]
    return data if isinstance(data, str) else ""
