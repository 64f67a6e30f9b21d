"""From the configuration to a snapshot that the road can use.

Everything that can be decided once is decided here: which deployments stand behind a name, their
addresses, keys, quirks and prices. A request finds it by one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from antiphon.access.admin import AdminKey, admin_key
from antiphon.access.callers import Callers, Proxy
from antiphon.access.keys import StaticKeys, digest_of
from antiphon.access.proxy import TrustedProxy
from antiphon.cache.statistics import Tally
from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import ConfigurationError
from antiphon.gateway.routes import Routes
from antiphon.pipeline.plan import Snapshot
from antiphon.providers.catalog import Catalog, load_catalog
from antiphon.providers.provider import Provider
from antiphon.usage.captures.taking import Captures


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

    def __init__(self, settings: Settings, *, clock: Clock, catalog: Catalog | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self.providers: dict[str, Provider] = {}
        self.subjects: Mapping[str, str] = {}
        self.tallies: dict[str, Tally] = {}
        self.captures = Captures(settings.capture, clock=clock)
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
                )
            except ConfigurationError as error:
                errors.append(error)
        if errors:
            raise ConfigurationError([each for error in errors for each in error.mistakes])
        self._routes = Routes(
            settings, self.providers, captures=self.captures, tallies=self.tallies, clock=clock
        )

    @property
    def passes_through(self) -> bool:
        """Whether `provider/model` names reach their provider without a route."""
        return self._routes.passes_through

    def admin_key(self) -> AdminKey:
        """The admin key: the configured one, else the one made at the first start.

        Raises:
            ConfigurationError: Its file cannot be kept.
        """
        configured = self._settings.auth.admin_key
        if configured is not None:
            return AdminKey(digest_of(configured.reveal()), None)
        return admin_key(self._settings.storage.data_dir)

    def callers(self) -> Callers:
        """Who may call, but for the keys of the configuration, which the snapshot has."""
        auth, clock = self._settings.auth, self._clock
        proxies = [
            Proxy(TrustedProxy(each.secrets, clock=clock), each.keys) for each in auth.proxies
        ]
        return Callers(required=auth.required, proxies=proxies, clock=clock)

    def snapshot(self, admin: AdminKey | None = None, found: Sequence[str] = ()) -> Snapshot:
        """The configuration in force, compiled.

        Args:
            admin: Opens management, where there is any.
            found: `provider/model` names that providers have listed.

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
        )
