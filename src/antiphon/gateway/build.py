"""From the configuration to a snapshot that the road can use.

Everything that can be decided once is decided here: which deployments stand behind a name, their
addresses, keys, quirks and prices. A request finds it by one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from antiphon.access.admin import AdminKey, admin_key
from antiphon.access.callers import Proxy
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
from antiphon.pipeline.passing import STORED
from antiphon.pipeline.plan import Plan, Shelf, Snapshot
from antiphon.providers.catalog import Catalog, load_catalog
from antiphon.providers.deployment import Deployment, Past
from antiphon.providers.provider import Provider
from antiphon.usage.captures.taking import Captures

_ONCE = RouteSettings(retry=RetrySettings(attempts=1))
"""To store something twice is no way to try again."""
_PASSTHROUGH_PLANS = 1_000
"""Callers choose these names, so what is made for them is bounded."""


class Heritage(NamedTuple):
    """What outlives a configuration.

    Attributes:
        providers: Whose key rings go on.
        deployments: What is known of each, by name.
        asked: Of them, those that callers have named, and no route.
        tallies: Of the routes with a cache.
        captures: What waits to be kept.
    """

    providers: Mapping[str, Provider]
    deployments: Mapping[str, Past]
    asked: AbstractSet[str]
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
        past = past or Heritage({}, {}, frozenset(), {}, Captures(settings.capture, clock=clock))
        self._past = dict(past.deployments)
        self._asked = past.asked
        self._deployments: dict[str, Deployment] = {}
        self._passed: dict[str, Plan] = {}
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
        self._shelves = {name: _shelf(each) for name, each in self.providers.items()}

    @property
    def passes_through(self) -> bool:
        """Whether `provider/model` names reach their provider without a route."""
        route = self._settings.models.get(ANY)
        return route is not None and route.passthrough

    def past(self) -> Heritage:
        """What outlives this one, for the next; on the event loop."""
        made = {name: each.past for name, each in self._deployments.items()}
        known = dict([*self._past.items(), *made.items()][-_PASSTHROUGH_PLANS:]) | made
        asked = frozenset(self._past) | frozenset(self._passed)
        return Heritage({**self.providers}, known, asked, {**self.tallies}, self.captures)

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
        clock = self._clock
        return [
            Proxy(TrustedProxy(each.secrets, clock=clock), each.keys)
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
        plans: dict[str, Plan] = {}
        for name, route in self._settings.models.items():
            if name == ANY:
                continue
            plan = self._plan(name, route)
            for alias in (name, *route.aliases):
                plans[alias] = plan
        self._forget()
        return Snapshot(
            plans,
            passthrough=self._pass if self.passes_through else None,
            keys=StaticKeys(
                self._settings.auth.keys, admin=admin and admin.digest, subjects=self.subjects
            ),
            found=[name for name in found if name not in plans],
            shelves=self._shelves,
            generation=generation,
        )

    def _forget(self) -> None:
        """Forget what is known of deployments that nobody can ask any more."""
        self._past = {
            name: past
            for name, past in self._past.items()
            if name in self._asked and name.partition("/")[0] in self.providers
        }

    def _plan(self, name: str, route: RouteSettings) -> Plan:
        try:
            deployments = [self._deployment(target) for target in route.targets]
            tap = self.captures.tap(route.capture, self._settings.capture)
            return Plan(name, deployments, route, tap, self._cache(name, route, deployments))
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
        tap = self.captures.tap(self._route.capture, self._settings.capture)
        cache = self._cache(ANY, self._route, [deployment])
        plan = self._passed[name] = Plan(ANY, [deployment], self._route, tap, cache)
        return plan

    def _cache(
        self, name: str, route: RouteSettings, deployments: Sequence[Deployment]
    ) -> CachePolicy | None:
        """What a route does with answers; its counts outlive the snapshot."""
        if route.cache is None:
            return None
        entries = [self.providers[each.provider].settings for each in deployments]
        tally = self.tallies.setdefault(name, Tally())
        digest = digest_of_plan(route, deployments, entries)
        return CachePolicy(route.cache, alias=name, plan=digest, tally=tally)

    @property
    def _route(self) -> RouteSettings:
        return self._settings.models[ANY]

    def _deployment(self, target: Target) -> Deployment:
        name = f"{target.provider}/{target.model}"
        if name not in self._deployments:
            made = self.providers[target.provider].deployment(target.model)
            past = self._past.pop(name, None)
            if past is not None:
                made.go_on_with(past)
            self._deployments[name] = made
        return self._deployments[name]


def _shelf(provider: Provider) -> Shelf:
    if not provider.settings.stored_objects:
        return Shelf(provider.speaks, {})
    stored = {each: Plan(each, [provider.store(each)], _ONCE) for each in STORED}
    return Shelf(provider.speaks, stored)
