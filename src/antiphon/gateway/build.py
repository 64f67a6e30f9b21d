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
from antiphon.cache.policy import CachePolicy
from antiphon.cache.statistics import Tally
from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import ConfigurationError, Mistake, ModelUnpriced
from antiphon.pipeline.config import ANY, RetrySettings, RouteSettings, Target
from antiphon.pipeline.digest import digest_of_plan
from antiphon.pipeline.ladder import Degrade, compiled
from antiphon.pipeline.passing import STORED
from antiphon.pipeline.plan import Plan, Shelf, Snapshot
from antiphon.providers.catalog import Catalog, load_catalog
from antiphon.providers.deployment import Deployment
from antiphon.providers.provider import Provider
from antiphon.rendering.values import TemplateMistake
from antiphon.resilience.help_lines import HelpLines
from antiphon.usage.captures.taking import Captures

_ONCE = RouteSettings(retry=RetrySettings(attempts=1))
"""To store something twice is no way to try again."""
_PASSTHROUGH_PLANS = 1_000
"""Callers choose these names, so what is made for them is bounded."""


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
        self._deployments: dict[str, Deployment] = {}
        self._passed: dict[str, Plan] = {}
        self._ladders: dict[str, Degrade] = {}
        self._help_lines = HelpLines(settings.help_lines)
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
        self._shelves = {name: _shelf(each) for name, each in self.providers.items()}

    @property
    def passes_through(self) -> bool:
        """Whether `provider/model` names reach their provider without a route."""
        route = self._settings.models.get(ANY)
        return route is not None and route.passthrough

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
        plans: dict[str, Plan] = {}
        for name, route in self._settings.models.items():
            if name == ANY:
                continue
            plan = self._plan(name, route)
            for alias in (name, *route.aliases):
                plans[alias] = plan
        return Snapshot(
            plans,
            passthrough=self._pass if self.passes_through else None,
            keys=StaticKeys(
                self._settings.auth.keys, admin=admin and admin.digest, subjects=self.subjects
            ),
            found=[name for name in found if name not in plans],
            shelves=self._shelves,
        )

    def _plan(self, name: str, route: RouteSettings) -> Plan:
        try:
            deployments = [self._deployment(target) for target in route.targets]
            tap = self.captures.tap(route.capture)
            cache = self._cache(name, route, deployments)
            return Plan(name, deployments, route, tap, cache, self._degrade(name, route))
        except ModelUnpriced as error:
            mistake = Mistake("models", name, f"{error.message} ({error.reason})")
            raise ConfigurationError([mistake]) from error

    def _pass(self, name: str) -> Plan | None:
        """The plan of a `provider/model` name that no route has.

        Raises:
            ModelUnpriced: It has no price, and such models are denied.
        """
        plan = self._passed.get(name)
        if plan is not None:
            return plan
        provider, _, model = name.partition("/")
        if provider not in self.providers or not model:
            return None
        try:
            deployment = self._deployment(Target(provider, model))
        except ConfigurationError:
            # Not a name that any model can have: the caller is told that it does not exist.
            return None
        if len(self._passed) >= _PASSTHROUGH_PLANS:
            oldest = next(iter(self._passed))
            del self._passed[oldest]
            self._deployments.pop(oldest, None)
        tap = self.captures.tap(self._route.capture)
        cache = self._cache(ANY, self._route, [deployment])
        degrade = self._degrade(ANY, self._route)
        plan = self._passed[name] = Plan(ANY, [deployment], self._route, tap, cache, degrade)
        return plan

    def _cache(
        self, name: str, route: RouteSettings, deployments: Sequence[Deployment]
    ) -> CachePolicy | None:
        """What a route does with answers; its counts outlive the snapshot."""
        settings = route.keeps
        if settings is None:
            return None
        entries = [self.providers[each.provider].settings for each in deployments]
        tally = self.tallies.setdefault(name, Tally())
        digest = digest_of_plan(route, deployments, entries)
        return CachePolicy(
            settings, alias=name, plan=digest, stale_for=route.stale_for, tally=tally
        )

    def _degrade(self, name: str, route: RouteSettings) -> Degrade | None:
        """What stands in for an answer of a route, compiled once.

        Raises:
            ConfigurationError: A canned text cannot be used.
        """
        settings = route.degrade
        if settings is None:
            return None
        made = self._ladders.get(name)
        if made is None:
            try:
                made = self._ladders[name] = compiled(settings, self._help_lines)
            except TemplateMistake as error:
                path = f"models.{name}.degrade.canned"
                raise ConfigurationError([Mistake("models", path, error.message)]) from error
        return made

    @property
    def _route(self) -> RouteSettings:
        return self._settings.models[ANY]

    def _deployment(self, target: Target) -> Deployment:
        name = f"{target.provider}/{target.model}"
        if name not in self._deployments:
            self._deployments[name] = self.providers[target.provider].deployment(target.model)
        return self._deployments[name]


def _shelf(provider: Provider) -> Shelf:
    if not provider.settings.stored_objects:
        return Shelf(provider.speaks, {})
    stored = {each: Plan(each, [provider.store(each)], _ONCE) for each in STORED}
    return Shelf(provider.speaks, stored)
