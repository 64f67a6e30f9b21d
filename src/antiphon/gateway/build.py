"""From the configuration to a snapshot that the road can use.

Everything that can be decided once is decided here: which deployments stand behind a name, their
addresses, keys, quirks and prices. A request finds it by one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from antiphon.access.admin import AdminKey, admin_key
from antiphon.access.callers import Proxy
from antiphon.access.keys import StaticKeys, digest_of
from antiphon.access.proxy import TrustedProxy
from antiphon.cache.statistics import Tally
from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import ConfigurationError
from antiphon.gateway.routes import Known, Routes
from antiphon.pipeline.plan import Snapshot
from antiphon.providers.catalog import Catalog, load_catalog
from antiphon.providers.provider import Provider
from antiphon.usage.captures.taking import Captures


class Heritage(NamedTuple):
    """What outlives a configuration.

    Attributes:
        providers: Whose key rings go on.
        known: What is known of deployments.
        tallies: Of the routes with a cache.
        captures: What waits to be kept.
    """

    providers: Mapping[str, Provider]
    known: Known
    tallies: Mapping[str, Tally]
    captures: Captures


class Build:
    """Makes deployments and plans of settings; a deployment that stands in two routes is one.

    Attributes:
        providers: By the names of the configuration.
        subjects: The ids under which the ledger knows the users of keys.
        captures: What waits to be kept of the content of requests.
        tallies: What became of the requests of each route with a cache.

    Raises:
        ConfigurationError: Entries that cannot be built, all at once.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        catalog: Catalog | None = None,
        past: Heritage | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        past = past or Heritage(
            {}, Known({}, frozenset(), {}), {}, Captures(settings.capture, clock=clock)
        )
        self.providers: dict[str, Provider] = {}
        self.subjects: Mapping[str, str] = {}
        self.tallies = {
            name: each for name, each in past.tallies.items() if name in settings.models
        }
        self.captures = past.captures
        catalog = catalog or load_catalog()
        errors: list[ConfigurationError] = []
        for name, entry in settings.providers.items():
            try:
                self.providers[name] = Provider(
                    name,
                    entry,
                    catalog=catalog,
                    dialects=DIALECTS,
                    clock=clock,
                    prices=settings.prices,
                    before=past.providers.get(name),
                )
            except ConfigurationError as error:
                errors.append(error)
        if errors:
            raise ConfigurationError([each for error in errors for each in error.mistakes])
        self._routes = Routes(
            settings,
            self.providers,
            captures=self.captures,
            tallies=self.tallies,
            known=past.known,
            clock=clock,
        )

    @property
    def passes_through(self) -> bool:
        """Whether `provider/model` names reach their provider without a route."""
        return self._routes.passes_through

    def past(self) -> Heritage:
        """What outlives this one, for the next; on the event loop."""
        return Heritage({**self.providers}, self._routes.known(), {**self.tallies}, self.captures)

    def take_place(self) -> None:
        """Take the place of the one before, whose past this one has; on the event loop."""
        for provider in self.providers.values():
            provider.take_place()

    def admin_key(self) -> AdminKey:
        """The admin key: the configured one, else the one made at the first start.

        Raises:
            ConfigurationError: Its file cannot be kept.
        """
        configured = self._settings.auth.admin_key
        if configured is not None:
            return AdminKey(digest_of(configured.reveal()), None)
        return admin_key(self._settings.storage.data_dir)

    def proxies(self) -> Sequence[Proxy]:
        """Who may say for whom they ask."""
        return [
            Proxy(TrustedProxy(each.secrets, clock=self._clock), each.keys)
            for each in self._settings.auth.proxies
        ]

    def snapshot(
        self, admin: AdminKey | None = None, found: Sequence[str] = (), *, generation: int = 1
    ) -> Snapshot:
        """The configuration in force, compiled.

        Args:
            admin: Opens management, where there is any.
            found: `provider/model` names that providers have listed.
            generation: Its number.

        Raises:
            ConfigurationError: A route names a model that cannot be one, or that has no price
                where such models are denied.
        """
        plans = self._routes.plans()
        return Snapshot(
            plans,
            further=self._routes.further if self._routes.makes_more else None,
            keys=StaticKeys(
                self._settings.auth.keys, admin=admin and admin.digest, subjects=self.subjects
            ),
            found=[name for name in found if name not in plans],
            shelves=self._routes.shelves,
            generation=generation,
        )
