"""From the `models` section to plans: who may answer each name, and how they are chosen."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from antiphon.cache.policy import CachePolicy
from antiphon.cache.statistics import Tally
from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.errors import ConfigurationError, Mistake, ModelUnpriced
from antiphon.gateway.breaking import Breakers
from antiphon.pipeline.choosing import Chooser
from antiphon.pipeline.config import ANY, WILD, PoolEntry, RouteSettings, Target
from antiphon.pipeline.digest import digest_of_plan
from antiphon.pipeline.ladder import Degrade, compiled
from antiphon.pipeline.passing import STORED
from antiphon.pipeline.plan import Plan, Shelf
from antiphon.pipeline.pools import Member, Pools, Wild
from antiphon.providers.deployment import Deployment, Past
from antiphon.providers.provider import Provider
from antiphon.rendering.values import TemplateMistake
from antiphon.resilience.help_lines import HelpLines
from antiphon.resilience.retry import RetrySettings
from antiphon.routing.candidate import Candidate
from antiphon.routing.chance import chance
from antiphon.routing.privacy import Privacy
from antiphon.routing.rules import Rule, Rules
from antiphon.routing.strategies.config import order_of
from antiphon.routing.strategies.order import AS_GIVEN
from antiphon.routing.strategies.strategy import Surroundings
from antiphon.usage.captures.taking import Captures

_ONCE = RouteSettings(retry=RetrySettings(attempts=1, calls=1))
"""To store something twice is no way to try again."""
_MADE_ON_DEMAND = 1_000
"""Plans of names that callers choose: what is made for them is bounded."""


class Known(NamedTuple):
    """What is known of the deployments of a configuration, for the one that takes its place.

    Attributes:
        deployments: By name.
        asked: Of them, those that callers have named, and no route.
        usual: How long answers usually are, by the names of routes.
    """

    deployments: Mapping[str, Past]
    asked: AbstractSet[str]
    usual: Mapping[str, float]


class Routes:
    """Makes plans; a deployment that stands in two routes is one.

    Args:
        settings: Of the whole gateway.
        providers: By the names of the configuration.
        captures: What waits to be kept of the content of requests.
        tallies: What became of the requests of each route with a cache; outlives the routes.
        known: What was known of deployments under the configuration before.
        clock: For what is measured.
    """

    def __init__(
        self,
        settings: Settings,
        providers: Mapping[str, Provider],
        *,
        captures: Captures,
        tallies: MutableMapping[str, Tally],
        known: Known,
        clock: Clock,
    ) -> None:
        self._models = settings.models
        self._capture = settings.capture
        self._past = dict(known.deployments)
        self._asked = known.asked
        self._usual = known.usual
        self._providers = providers
        self._captures = captures
        self._tallies = tallies
        self._pools = Pools(settings.models)
        self._wild = Wild(settings.models)
        self._privacy = Privacy(settings.privacy)
        self._help_lines = HelpLines(settings.help_lines)
        self._ladders: dict[str, Degrade] = {}
        self._around = Surroundings(chance(), clock, settings.server.region)
        self._deployments: dict[str, Deployment] = {}
        self._passed: dict[str, Plan] = {}
        self._breakers = Breakers()
        self._written: frozenset[str] = frozenset()
        self._plans: dict[str, Plan] = {}
        self.shelves = {name: self._shelf(each) for name, each in providers.items()}

    @property
    def passes_through(self) -> bool:
        """Whether `provider/model` names reach their provider without a route."""
        route = self._models.get(ANY)
        return route is not None and route.passthrough

    @property
    def makes_more(self) -> bool:
        """Whether there are names beyond those that are written down."""
        return self.passes_through or bool(self._wild)

    def plans(self) -> dict[str, Plan]:
        """The plans of all names that are written down; made once.

        Raises:
            ConfigurationError: A route names a model that cannot be one, or that has no price
                where such models are denied.
        """
        plans = self._plans
        if plans:
            return plans
        for name, route in self._models.items():
            if WILD in name:
                continue
            plan = self._plan(name, route)
            for alias in (name, *route.aliases):
                plans[alias] = plan
        self._written = frozenset(each.name for plan in plans.values() for each in plan.deployments)
        self._past = {
            name: past
            for name, past in self._past.items()
            if name in self._asked and name.partition("/")[0] in self._providers
        }
        return plans

    def known(self) -> Known:
        """What is known of its deployments now."""
        there = {name: each.past for name, each in self._deployments.items()}
        room = max(_MADE_ON_DEMAND - len(there), 0)
        waiting = dict(list(self._past.items())[-room:]) if room else {}
        usual = {plan.alias: plan.chooser.usual for plan in self._plans.values()}
        return Known({**waiting, **there}, {*waiting, *there} - self._written, usual)

    def further(self, name: str) -> Plan | None:
        """The plan of a name that no route has: one that fits a pattern, or a provider's model.

        Raises:
            ModelUnpriced: It has no price, and such models are denied.
        """
        plan = self._passed.get(name)
        if plan is not None:
            return plan
        try:
            plan = self._fitting(name) or self._passing(name)
        except ConfigurationError:
            # Not a name that any model can have: the caller is told that it does not exist.
            return None
        if plan is None:
            return None
        if len(self._passed) >= _MADE_ON_DEMAND:
            oldest = self._passed.pop(next(iter(self._passed)))
            for each in oldest.deployments:
                if each.name not in self._written:
                    self._deployments.pop(each.name, None)
        self._passed[name] = plan
        return plan

    def _fitting(self, name: str) -> Plan | None:
        found = self._wild.find(name)
        if found is None:
            return None
        route = self._models[found[0]]
        name, wild = found
        return self._made(name, route, self._pools.of(name, route.deployments, wild), wild)

    def _passing(self, name: str) -> Plan | None:
        provider, _, model = name.partition("/")
        if not self.passes_through or provider not in self._providers or not model:
            return None
        return self._made(ANY, self._models[ANY], [Member(Target(provider, model), 1.0)])

    def _plan(self, name: str, route: RouteSettings) -> Plan:
        try:
            return self._made(name, route, self._pools.of(name, route.deployments))
        except ModelUnpriced as error:
            mistake = Mistake("models", name, f"{error.message} ({error.reason})")
            raise ConfigurationError([mistake]) from error

    def _made(
        self, name: str, route: RouteSettings, members: Sequence[Member], wild: str = ""
    ) -> Plan:
        pool = self._pool(members)
        order = order_of(route.strategy, self._around)
        rules = self._rules(name, route, wild) if route.rules else None
        chooser = Chooser(name, pool, route, privacy=self._privacy, order=order, rules=rules)
        self._breakers.set(name, route, chooser.deployments)
        chooser.usual = self._usual.get(name, chooser.usual)
        tap = self._captures.tap(route.capture, self._capture)
        cache = self._cache(name, route, chooser.deployments)
        return Plan(name, chooser, route, tap, cache, self._degrade(name, route))

    def _pool(self, members: Sequence[Member]) -> list[Candidate]:
        return [Candidate(self._deployment(each.target), each.weight) for each in members]

    def _rules(self, name: str, route: RouteSettings, wild: str) -> Rules:
        rules: list[Rule] = []
        for each in route.rules:
            entries = [PoolEntry(model=text) for text in each.use]
            rules.append(Rule(each, self._pool(self._pools.of(name, entries, wild))))
        return Rules(rules, route.language)

    def _cache(
        self, name: str, route: RouteSettings, deployments: Sequence[Deployment]
    ) -> CachePolicy | None:
        """What a route does with answers; its counts outlive the snapshot."""
        kept = route.keeps
        if kept is None:
            return None
        entries = [self._providers[each.provider].settings for each in deployments]
        tally = self._tallies.setdefault(name, Tally())
        digest = digest_of_plan(route, deployments, entries)
        return CachePolicy(kept, alias=name, plan=digest, stale_for=route.stale_for, tally=tally)

    def _degrade(self, name: str, route: RouteSettings) -> Degrade | None:
        """What stands in for an answer of a route, compiled once.

        Raises:
            ConfigurationError: A canned text cannot be used.
        """
        if route.degrade is None:
            return None
        made = self._ladders.get(name)
        if made is None:
            try:
                made = self._ladders[name] = compiled(
                    route.degrade, self._help_lines, route.language
                )
            except TemplateMistake as error:
                path = f"models.{name}.degrade.canned"
                raise ConfigurationError([Mistake("models", path, error.message)]) from error
        return made

    def _deployment(self, target: Target) -> Deployment:
        name = f"{target.provider}/{target.model}"
        made = self._deployments.get(name)
        if made is None:
            made = self._providers[target.provider].deployment(target.model)
            past = self._past.pop(name, None)
            if past is not None:
                made.go_on_with(past)
            self._deployments[name] = made
        return made

    def _alone(self, name: str, deployment: Deployment) -> Chooser:
        pool = [Candidate(deployment)]
        return Chooser(name, pool, _ONCE, privacy=self._privacy, order=AS_GIVEN)

    def _shelf(self, provider: Provider) -> Shelf:
        if not provider.settings.stored_objects:
            return Shelf(provider.speaks, {})
        stored = {
            each: Plan(each, self._alone(each, provider.store(each)), _ONCE) for each in STORED
        }
        return Shelf(provider.speaks, stored)
