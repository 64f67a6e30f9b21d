"""Find the configuration, read it, and give back settings or every mistake at once.

What is said nearer to the start of the process wins: arguments, then the environment, then the
`.env` beside the file, then the file. With no file at all, the providers whose keys or addresses
stand in the environment are found, and an Ollama that runs here; each of their models is reachable
as `PROVIDER/MODEL`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import TypeAlias

import msgspec

from antiphon.clock import Clock, SystemClock
from antiphon.config.beside import named_files
from antiphon.config.checks import advice
from antiphon.config.draft import Draft, Said, file_draft, given_draft, text_draft
from antiphon.config.local import Listens, find_local, listens
from antiphon.config.settings import Settings
from antiphon.config.tree import in_data
from antiphon.config.validate import validate
from antiphon.config.words import nearest
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import ConfigurationError, Mistake
from antiphon.pipeline.config import PoolEntry, RouteSettings
from antiphon.providers.catalog import GENERIC, Catalog, load_catalog
from antiphon.providers.config import ProviderSettings
from antiphon.providers.environment import find_providers, from_environment
from antiphon.yamlfile.environment import FILE as DOTENV
from antiphon.yamlfile.environment import environment, process_environment
from antiphon.yamlfile.places import Path
from antiphon.yamlfile.trace import Seen, Trace, trace_of

_PREFIX = "ANTIPHON_"
CONFIG_VARIABLE = "ANTIPHON_CONFIG"
FILES = ("antiphon.yaml", "antiphon.yml")
"""Looked for in the working folder, in this order."""

VARIABLES: Mapping[str, Path] = {
    "ANTIPHON_HOST": ("server", "host"),
    "ANTIPHON_PORT": ("server", "port"),
    "ANTIPHON_ROOT_PATH": ("server", "root_path"),
    "ANTIPHON_AUTH_REQUIRED": ("auth", "required"),
    "ANTIPHON_ADMIN_KEY": ("auth", "admin_key"),
    "ANTIPHON_DATA": ("storage", "data_dir"),
    "ANTIPHON_LOG_LEVEL": ("logging", "level"),
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("telemetry", "otlp", "endpoint"),
}
"""Environment variables that beat the file."""

DEFAULT = "default"
"""The name under which the model of `LLM_MODEL` is reached when there is no file."""


Source: TypeAlias = str | FilePath | Mapping[str, object] | None
"""A file; its content; or None, to look for the file."""


class Loaded(msgspec.Struct, frozen=True):
    """A configuration that can be used.

    Attributes:
        settings: All of it, with what was found in the environment.
        source: Where it came from, for people.
        path: The file, where there is one.
        warnings: What can be used but is probably not meant.
        hidden: Members that came through `${...}`: what they hold is not to be shown.
        beside: Files whose content it goes by, as they were, by the members that name them.
        origin: Reads it again.
    """

    settings: Settings
    source: str
    path: FilePath | None
    warnings: tuple[str, ...]
    hidden: frozenset[Path]
    beside: Mapping[Path, Trace | None]
    origin: Origin


def load(
    source: Source = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
    catalog: Catalog | None = None,
    clock: Clock | None = None,
    listening: Listens | None = None,
) -> Loaded:
    """The configuration.

    Args:
        source: The file; or its content, in which nothing is replaced and which no environment
            variable beats; or None, to look for the file.
        environ: In place of the environment of the process.
        overrides: Arguments of a command, in the shape of the file.
        catalog: In place of the catalog that ships with the package.
        clock: Where time comes from: some models have a last day.
        listening: Whether something listens somewhere, for servers that nobody has named; by
            default only asked where the environment is the process's own.

    Raises:
        ConfigurationError: It cannot be used; all mistakes at once.
    """
    origin = Origin(
        source, environ=environ, overrides=overrides, catalog=catalog, listening=listening
    )
    return origin.load(clock or SystemClock())


class Origin:
    """Where a configuration is from, and what beats it: it can be read again and again.

    A file that was found once is the file from then on: where it is gone, that is a mistake.

    Args:
        source: As for `load`.
        environ: As for `load`.
        overrides: As for `load`.
        catalog: As for `load`.
        listening: As for `load`.

    Attributes:
        seen: The files that the last reading looked at, as they were then, the absent ones too,
            whatever it came to.
    """

    def __init__(
        self,
        source: Source,
        *,
        environ: Mapping[str, str] | None,
        overrides: Mapping[str, object] | None = None,
        catalog: Catalog | None = None,
        listening: Listens | None = None,
    ) -> None:
        self.seen: Seen = {}
        self._source = source
        self._environ = environ
        self._overrides = overrides or {}
        self._catalog = catalog
        self._listening = listening or (listens if environ is None else None)

    def of(self, source: Source) -> Origin:
        """Another source, in the same surroundings."""
        return Origin(
            source,
            environ=self._environ,
            overrides=self._overrides,
            catalog=self._catalog,
            listening=self._listening,
        )

    def again(self) -> Origin:
        """The same one, for somebody else to read."""
        return self.of(self._source)

    def load(self, clock: Clock, *, said: Said | None = None) -> Loaded:
        """Read it.

        Args:
            clock: Where time comes from.
            said: What to read as if it stood in the file.

        Raises:
            ConfigurationError: It cannot be used; all mistakes at once.
        """
        files: Seen = {}
        try:
            draft, environ = self._drafted(said, files)
        finally:
            self.seen = files
        draft.override(self._overrides, "argument")
        found = _Found(environ, self._catalog or load_catalog(), self._listening)
        try:
            loaded = _settled(draft, found, clock.now(), self)
        finally:
            # Also those that keep it from being used: once they are mended, it is read again.
            files |= {path: trace_of(path) for path in draft.texts}
        named = named_files(loaded.settings)
        self.seen = {**files, **{each: loaded.beside[path] for path, each in named.items()}}
        return loaded

    def _drafted(self, said: Said | None, files: Seen) -> tuple[Draft, Mapping[str, str]]:
        source = self._source
        process = process_environment() if self._environ is None else self._environ
        if isinstance(source, Mapping):
            if said is None:
                return given_draft(source), process
            source = None
        elif source is None:
            self._source = source = find_file(process)
        path = None if source is None else FilePath(source)
        folder = FilePath() if path is None else path.parent
        for each in (folder / DOTENV, path):
            if each is not None:
                files[each] = trace_of(each)
        environ = environment(folder, process)
        if said is not None:
            draft = text_draft(said, path, environ, files)
        elif path is not None:
            draft = file_draft(path, environ, files)
        else:
            draft = given_draft({}, "the environment")
        for name, member in VARIABLES.items():
            if environ.get(name, "").strip():
                draft.put(member, environ[name].strip(), f"environment: {name}")
        return draft, environ


def find_file(environ: Mapping[str, str], folder: FilePath | None = None) -> FilePath | None:
    """The file that `ANTIPHON_CONFIG` names, else the one in the folder, else None."""
    named = environ.get(CONFIG_VARIABLE, "").strip()
    if named:
        return FilePath(named)
    candidates = [(folder or FilePath()) / name for name in FILES]
    return next((path for path in candidates if path.is_file()), None)


def _settled(draft: Draft, found: _Found, now: float, origin: Origin) -> Loaded:
    """Check the draft, and fill in what the environment knows."""
    environ, catalog = found.environ, found.catalog
    data = draft.settled(environ)
    verdict = validate(
        data,
        spoiled=draft.mistakes.keys(),
        hidden=draft.hidden,
        catalog=catalog,
        dialects=DIALECTS,
        complete=found.complete,
    )
    mistakes = [*draft.mistakes.values(), *found.mistakes]
    mistakes += [draft.mistake(each.path, each.message) for each in verdict.findings]
    if mistakes or verdict.settings is None:
        raise ConfigurationError(sorted(mistakes, key=_position))
    warnings = [
        draft.mistake(in_data(data, each.path, whole=True), each.message)
        for each in advice(verdict.settings, catalog=catalog, now=now)
    ]
    return Loaded(
        verdict.settings,
        draft.source,
        draft.path,
        (*(str(each) for each in warnings), *_unknown_variables(environ)),
        frozenset(draft.hidden),
        {path: trace_of(each) for path, each in named_files(verdict.settings).items()},
        origin,
    )


class _Found:
    """Adds what stands in the environment: keys, addresses, or all the providers."""

    def __init__(
        self, environ: Mapping[str, str], catalog: Catalog, listening: Listens | None
    ) -> None:
        self.environ = environ
        self.catalog = catalog
        self._listening = listening
        self.mistakes: list[Mistake] = []

    def complete(self, settings: Settings) -> Settings:
        """The settings with what the file leaves to the environment."""
        if "providers" not in settings.model_fields_set:
            return self._without_file(settings)
        providers = {name: self._entry(name, each) for name, each in settings.providers.items()}
        return settings.model_copy(update={"providers": providers})

    def _entry(self, name: str, entry: ProviderSettings) -> ProviderSettings:
        try:
            return from_environment(name, entry, self.environ, self.catalog)
        except ConfigurationError as error:
            self.mistakes += error.mistakes
        except KeyError:
            pass  # `catalog` names no row: `providers` reports it, with the nearest one
        return entry

    def _without_file(self, settings: Settings) -> Settings:
        try:
            providers = dict(find_providers(self.environ, self.catalog))
        except ConfigurationError as error:
            self.mistakes += error.mistakes
            return settings
        if self._listening is not None:
            here = find_local(providers, self.catalog, self._listening)
            providers |= {name: ProviderSettings() for name in here}
        models = dict(settings.models)
        generic = providers.get(GENERIC)
        if "models" not in settings.model_fields_set and generic is not None:
            for model in list(generic.models)[:1]:
                entry = PoolEntry(model=f"{GENERIC}/{model}")
                models[DEFAULT] = RouteSettings(deployments=(entry,))
        return settings.model_copy(update={"providers": providers, "models": models})


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and are misspelt."""
    known = [
        name.removeprefix(_PREFIX)
        for name in (*VARIABLES, CONFIG_VARIABLE)
        if name.startswith(_PREFIX)
    ]
    named = [name.removeprefix(_PREFIX) for name in sorted(environ) if name.startswith(_PREFIX)]
    return [
        f"environment: {_PREFIX}{name}: is not read here; did you mean {_PREFIX}{meant}?"
        for name in named
        if name not in known and (meant := nearest(name, known)) is not None
    ]


def _position(mistake: Mistake) -> tuple[str, Sequence[int]]:
    file, _, rest = mistake.where.partition(":")
    return (file, [int(part) for part in rest.split(":") if part.isdigit()])
