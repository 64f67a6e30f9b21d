"""Replacing the configuration in force: read, check, build, and swap at once.

Whatever can fail is done before the swap, beside the configuration in force; the swap itself is
one step of the event loop, in which nothing fails and nothing waits. So there is the old one or
the new one, never a part of each, and a mistake in the file leaves the old one as it was.

Requests that are under way finish on the snapshot that they began with. What is known of who and
what stays goes on: health, keys that are set aside, calibrations, counts of limits, budgets, stored
answers. What cannot change in a running process (`config.pinned`) stays, and is named.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

import msgspec

from antiphon.access.admin import FILE as ADMIN_KEY
from antiphon.access.admin import AdminKey
from antiphon.access.audit import Act, enter
from antiphon.access.walls import Actor
from antiphon.clock import Clock
from antiphon.config.checks import findings
from antiphon.config.draft import Said
from antiphon.config.load import Loaded, Origin, Source
from antiphon.config.pinned import keep, kept
from antiphon.config.settings import Settings
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import (
    AntiphonError,
    ConfigurationError,
    Draining,
    Mistake,
    Overloaded,
    StorageFailed,
)
from antiphon.gateway.books import Books
from antiphon.gateway.build import Build
from antiphon.gateway.changes import Changes, changes_between
from antiphon.gateway.generations import Generations
from antiphon.gateway.health import ConfigurationHealth
from antiphon.gateway.in_force import InForce, Made
from antiphon.model.principal import HOME
from antiphon.pipeline.config import ANY
from antiphon.providers.catalog import load_catalog
from antiphon.yamlfile.places import Path, dotted

_log = logging.getLogger("antiphon.configuration")
_ADMIN_KEY: Path = ("auth", "admin_key")


class Built(NamedTuple):
    """A configuration that can be used, beside the one in force; nothing was touched for it.

    Attributes:
        loaded: As it was read.
        settings: It, but what is pinned as it was.
        build: What it is compiled to.
        admin: The admin key.
        changes: What would become different.
    """

    loaded: Loaded
    settings: Settings
    build: Build
    admin: AdminKey | None
    changes: Changes


class Reloaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a reload came to.

    Attributes:
        generation: The one in force now.
        changes: What is different, and what waits for a restart.
        pending_restart: Settings that wait for one.
        warnings: What can be used but is probably not meant.
    """

    generation: int
    changes: Changes
    pending_restart: tuple[str, ...]
    warnings: tuple[str, ...]


class Reloadable(Protocol):
    """A gateway, as far as it is looked at here."""

    clock: Clock
    settings: Settings
    draining: bool
    admin_key: AdminKey | None
    books: Books | None
    build: Build
    in_force: InForce | None
    generations: Generations
    lists: bool
    source: str
    warnings: Sequence[str]

    @property
    def generation(self) -> int:
        """Of the configuration in force."""
        ...

    def put(self, settings: Settings, build: Build, admin: AdminKey | None) -> None:
        """Have another configuration in force from now on."""
        ...

    async def ask_for_models(self, names: Collection[str]) -> None:
        """Ask providers for their models."""
        ...


class Reloading:
    """Reloads one gateway; one reload after the other.

    Args:
        gateway: Whose configuration it is.
        loaded: What it began with.

    Attributes:
        origin: Where the configuration is from.
        hidden: Members of the one in force that are not to be shown.
        beside: Files whose content it goes by, as they were then.
        loaded_at: When the one in force was put there, in seconds since 1970.
        error: Why the last attempt failed; empty where it did not.
        mistakes: All that was wrong then.
        pending: Settings that wait for a restart.
        outcomes: How often each came: `changed`, `same`, `refused`.
    """

    def __init__(self, gateway: Reloadable, loaded: Loaded) -> None:
        self.origin: Origin = loaded.origin
        self.hidden = loaded.hidden
        self.beside = loaded.beside
        self.loaded_at = gateway.clock.now()
        self.error = ""
        self.mistakes: tuple[Mistake, ...] = ()
        self.pending: tuple[str, ...] = ()
        self.outcomes = {"changed": 0, "same": 0, "refused": 0}
        self._gateway = gateway
        self._turn = asyncio.Lock()

    async def reload(self, source: Source = None, *, actor: Actor) -> Reloaded:
        """Read the configuration again, and put it into force.

        Args:
            source: Another one, which is read again from then on.
            actor: Who wants it; stands in the audit if anything changes.

        Raises:
            ConfigurationError: It cannot be used; what was in force stays.
            StorageFailed: The database did not do what it was asked; the same.
            Overloaded: The gateway does not run, or not any more.
        """
        former, clock = self._gateway.settings, self._gateway.clock
        async with self._turn:
            self._check()
            origin = self.origin if source is None else self.origin.of(source)
            try:
                built = await self._built(await asyncio.to_thread(origin.load, clock))
                made = await self._made(built) if built.changes.at_once else None
                self._check()
                if made is not None:
                    await asyncio.to_thread(self._note, built, actor)
            except (ConfigurationError, StorageFailed) as error:
                self._refused(error)
                raise
            self.origin = origin
            done = self._put(built, made)
        if self._gateway.lists:
            await self._gateway.ask_for_models(_to_be_asked(former, self._gateway.settings))
        return done

    async def plan(self, said: Said | None = None) -> Built:
        """What a reload would change; nothing is.

        Args:
            said: What to read as if it stood in the file.

        Raises:
            ConfigurationError: It cannot be used.
            Overloaded: The gateway does not run, or not any more.
        """
        self._check()
        # An origin of its own: what is watched is what a reload has read.
        origin = self.origin.again()
        loaded = await asyncio.to_thread(origin.load, self._gateway.clock, said=said)
        return await self._built(loaded)

    @property
    def health(self) -> ConfigurationHealth:
        """How it stands."""
        gateway = self._gateway
        return ConfigurationHealth(
            generation=gateway.generation,
            source=gateway.source,
            loaded_at=self.loaded_at,
            generations=gateway.generations.alive,
            error=self.error,
            mistakes=tuple(map(str, self.mistakes)),
            pending_restart=self.pending,
        )

    async def _built(self, loaded: Loaded) -> Built:
        """Compile it, beside what is in force."""
        gateway = self._gateway
        before = gateway.settings
        if before.providers and not loaded.settings.providers:
            # A file that is about to be written is empty, and that is no mistake of YAML's.
            raise ConfigurationError([Mistake(loaded.source, "providers", "there is none")])
        settings, pending = kept(before, loaded.settings)
        if self._lacks_admin_key(settings):
            settings, pending = keep(_ADMIN_KEY, before, settings), [*pending, _ADMIN_KEY]
        if pending:
            await asyncio.to_thread(_check_together, settings, pending)
        past = gateway.build.past()
        build = await asyncio.to_thread(Build, settings, clock=gateway.clock, past=past)
        admin = None if gateway.admin_key is None else build.admin_key()
        await asyncio.to_thread(build.snapshot, admin)
        hidden = self.hidden | loaded.hidden
        changes = changes_between(
            before,
            loaded.settings,
            hidden=hidden,
            pending=pending,
            rewritten=[
                path for path, trace in loaded.beside.items() if self.beside.get(path) != trace
            ],
        )
        return Built(loaded, settings, build, admin, changes)

    async def _made(self, built: Built) -> Made:
        """Open what it needs, so that nothing is left that could fail."""
        books, in_force = self._gateway.books, self._gateway.in_force
        if books is None or in_force is None:
            raise Overloaded("The gateway is shutting down.")
        users = sorted({key.user for key in built.settings.auth.keys})
        built.build.subjects = await asyncio.to_thread(books.ledger.subject_ids, users)
        await asyncio.to_thread(books.ready, built.settings)
        return await in_force.ready(built.settings)

    def _lacks_admin_key(self, settings: Settings) -> bool:
        """Whether one would have to be made: a start does, which can show it, and no log."""
        if self._gateway.admin_key is None or settings.auth.admin_key is not None:
            return False
        return not (settings.storage.data_dir / ADMIN_KEY).exists()

    def _note(self, built: Built, actor: Actor) -> None:
        """Enter into the audit what is about to be done; names of sections alone.

        Raises:
            StorageFailed: It cannot be entered, so it must not be done.
        """
        gateway = self._gateway
        if gateway.books is None:
            return
        sections = {each.path.partition(".")[0] for each in built.changes.changes}
        act = Act(
            "configuration.reload",
            f"generation {gateway.generation + 1}",
            HOME,
            details={"sections": sorted(sections)},
        )
        with gateway.books.database.writing() as connection:
            enter(connection, actor, act, at=int(gateway.clock.now() * 1e6))

    def _check(self) -> None:
        if self._gateway.draining:
            raise Draining("The gateway is shutting down, and loads no configuration any more.")
        if self._gateway.books is None:
            raise Overloaded("The gateway does not run (yet): it loads no other configuration.")

    def _put(self, built: Built, made: Made | None) -> Reloaded:
        gateway, changes = self._gateway, built.changes
        self.hidden, self.beside = built.loaded.hidden, built.loaded.beside
        self.error, self.mistakes = "", ()
        self.pending = changes.pending
        if made is not None:
            gateway.put(built.settings, built.build, built.admin)
            if gateway.in_force is not None:
                gateway.in_force.adopt(made)
            gateway.source, gateway.warnings = built.loaded.source, built.loaded.warnings
            self.loaded_at = gateway.clock.now()
            self.outcomes["changed"] += 1
        else:
            self.outcomes["same"] += 1
        self._tell(built)
        return Reloaded(
            generation=gateway.generation,
            changes=changes,
            pending_restart=self.pending,
            warnings=built.loaded.warnings,
        )

    def _tell(self, built: Built) -> None:
        number, source = self._gateway.generation, built.loaded.source
        if built.changes.at_once:
            _log.info("Generation %d of the configuration is in force (%s)", number, source)
        else:
            _log.info("Nothing changed in %s: generation %d stays in force", source, number)
        for each in built.changes.changes:
            if each.restart:
                _log.warning("%s needs a restart: %s", each.path, each.restart)
        for warning in built.loaded.warnings:
            _log.warning("%s", warning)

    def _refused(self, error: AntiphonError) -> None:
        self.outcomes["refused"] += 1
        if isinstance(error, ConfigurationError):
            self.mistakes = error.mistakes
            number = len(self.mistakes)
            self.error = f"The file has {number} mistake{'' if number == 1 else 's'}."
        else:
            self.mistakes = ()
            self.error = error.message
        stays = f"generation {self._gateway.generation} stays in force"
        _log.error("The configuration was not loaded, %s: %s", stays, self.error)
        for mistake in self.mistakes:
            _log.error("%s", mistake)


def _to_be_asked(before: Settings, after: Settings) -> Collection[str]:
    """The providers whose lists of models are not known."""
    anew = ANY not in before.models
    return [
        name
        for name, entry in after.providers.items()
        if anew or before.providers.get(name) != entry
    ]


def _check_together(settings: Settings, pending: Sequence[Path]) -> None:
    """Refuse what does not go with what needs a restart.

    Raises:
        ConfigurationError: It does not.
    """
    waits = ", ".join(dotted(path) for path in pending)
    mistakes = [
        Mistake("configuration", dotted(path), f"{message}; {waits} changes with a restart only")
        for path, message, *_ in findings(settings, catalog=load_catalog(), dialects=DIALECTS)
    ]
    if mistakes:
        raise ConfigurationError(mistakes)
