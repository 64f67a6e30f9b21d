"""What no section can see alone: names that must exist elsewhere, or only once.

A check reports a finding with the members that it depends on; where one of those is itself
mistaken, the finding says nothing new and is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from antiphon.config.allowances import mistaken_limits
from antiphon.config.degrading import mistaken_ladders
from antiphon.config.retiring import retiring
from antiphon.config.server import is_loopback
from antiphon.config.settings import Settings
from antiphon.config.unpriced import unpriced
from antiphon.config.words import did_you_mean, one_of, quoted
from antiphon.dialects.base import Dialect
from antiphon.notices.config import unreachable
from antiphon.pipeline.config import ANY, WILD, RouteSettings, Target
from antiphon.pipeline.pools import PoolCycle, Pools, UnknownPool
from antiphon.providers.catalog import Catalog
from antiphon.providers.provider import mistakes
from antiphon.routing.checks import mistakes as impossible
from antiphon.yamlfile.places import Path

SHORTEST_KEY = 16
"""Characters under which a key can be guessed."""


class Finding(NamedTuple):
    """Something wrong at a member.

    Attributes:
        path: The member.
        message: What is wrong.
        depends: Other members that it follows from.
        rival: The member that the message ends with the name of, where there is one.
    """

    path: Path
    message: str
    depends: tuple[Path, ...] = ()
    rival: Path | None = None


def findings(
    settings: Settings, *, catalog: Catalog, dialects: Mapping[str, Dialect]
) -> Iterator[Finding]:
    """What makes the configuration unusable."""
    yield from _exposure(settings)
    yield from _keys(settings)
    for name, entry in settings.providers.items():
        for member, message in mistakes(name, entry, catalog=catalog, dialects=dialects):
            path = tuple(member.removeprefix(name).lstrip(".").split(".", 1)) if member else ()
            yield Finding(("providers", name, *(step for step in path if step)), message)
    yield from _names(settings)
    for name, route in settings.models.items():
        yield from _route(name, route, settings, catalog)
    yield from _denied(settings, catalog)
    for path, message, depends in mistaken_limits(settings):
        yield Finding(path, message, (depends,))
    for path, message, others in mistaken_ladders(settings):
        yield Finding(path, message, others)
    for name, message in unreachable(settings.notices, settings.egress).items():
        yield Finding(("notices", "webhooks", name, "url"), message, (("egress",),))


def advice(settings: Settings, *, catalog: Catalog, now: float) -> Iterator[Finding]:
    """What can be used, but is probably not meant."""
    auth = settings.auth
    if auth.keys and not auth.required:
        message = "is false although keys are listed: callers without a key are served too"
        yield Finding(("auth", "required"), message)
    for index, each in enumerate(auth.keys):
        if len(each.key.reveal()) < SHORTEST_KEY:
            message = f"is shorter than {SHORTEST_KEY} characters and can be guessed"
            yield Finding(("auth", "keys", index, "key"), message)
    if auth.admin_key is not None and len(auth.admin_key.reveal()) < SHORTEST_KEY:
        message = f"is shorter than {SHORTEST_KEY} characters and can be guessed"
        yield Finding(("auth", "admin_key"), message)
    for each in unpriced(settings, catalog):
        yield Finding(each.path, each.message)
    for path, message in retiring(settings, catalog, now=now):
        yield Finding(path, message)


def _exposure(settings: Settings) -> Iterator[Finding]:
    if not settings.auth.required and not is_loopback(settings.server.host):
        yield Finding(
            ("server", "host"),
            "is reachable from other machines, which needs auth.required: true",
            (("auth", "required"),),
        )


def _keys(settings: Settings) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    if settings.auth.admin_key is not None:
        seen[settings.auth.admin_key.reveal()] = ("auth", "admin_key")
    for index, each in enumerate(settings.auth.keys):
        text = each.key.reveal()
        path: Path = ("auth", "keys", index)
        if text in seen:
            yield Finding((*path, "key"), "is the same key as", rival=seen[text])
        seen.setdefault(text, path)
        for model in sorted(each.models):
            if not _is_known(model, settings):
                hint = did_you_mean(model, _all_names(settings))
                message = f"no model is called {quoted(model)}{hint}"
                yield Finding((*path, "models"), message, (("models",),))


def _names(settings: Settings) -> Iterator[Finding]:
    """Names of models: without spaces, and each only once."""
    taken = {name: f"models.{name}" for name in settings.models}
    for name, route in settings.models.items():
        if not name or name != "".join(name.split()):
            yield Finding(("models", name), "a model's name must not be empty or have spaces")
        for index, alias in enumerate(route.aliases):
            path: Path = ("models", name, "aliases", index)
            if not alias or alias != "".join(alias.split()):
                yield Finding(path, "a model's name must not be empty or have spaces")
            elif alias in taken:
                yield Finding(path, f"the name {quoted(alias)} is taken by {taken[alias]}")
            taken.setdefault(alias, f"models.{name}")


def _route(
    name: str, route: RouteSettings, settings: Settings, catalog: Catalog
) -> Iterator[Finding]:
    path: Path = ("models", name)
    deployments: Path = (*path, "deployments")
    if name == ANY:
        if not route.passthrough:
            yield Finding(path, 'the name "*" takes passthrough: true', ((*path, "passthrough"),))
        if route.deployments or route.aliases:
            yield Finding(path, 'the name "*" takes no deployments or aliases')
    elif route.passthrough:
        yield Finding((*path, "passthrough"), 'belongs to the name "*" alone')
    elif not route.deployments:
        yield Finding(path, "needs deployments", (deployments,))
    for place, target in route.targets:
        if target.provider not in settings.providers:
            message = _unknown(target, settings, catalog)
            yield Finding((*path, *place), message, (("providers", target.provider),))
    yield from _pool(name, route, settings)
    if any(each.nearest for each in route.strategy) and not settings.server.region:
        message = "nearest needs to know where this gateway runs: set server.region"
        yield Finding((*path, "strategy"), message, (("server", "region"),))
    for each in impossible(route.rules):
        yield Finding((*path, "rules", *each.path), each.message)


def _pool(name: str, route: RouteSettings, settings: Settings) -> Iterator[Finding]:
    """Entries that name other models, or many at once."""
    pools = Pools(settings.models)
    if name.count(WILD) > 1:
        yield Finding(("models", name), 'a model\'s name may have one "*"')
    for place, entry in route.entries:
        path: Path = ("models", name, *place)
        if WILD in entry.model and (WILD not in name or name == ANY):
            yield Finding(path, 'takes a "*" only where the name of the model has one')
        elif WILD in entry.model.partition("/")[0]:
            yield Finding(path, 'a "*" stands for a model, not for a provider or another name')
        try:
            pools.of(name, [entry])
        except UnknownPool as error:
            hint = did_you_mean(error.name, _all_names(settings))
            what = f"no model is called {quoted(error.name)}{hint}"
            yield Finding(path, f"must be PROVIDER/MODEL or another model's name; {what}")
        except PoolCycle as error:
            yield Finding(path, f"leads back to itself: {error}")


def _denied(settings: Settings, catalog: Catalog) -> Iterator[Finding]:
    """Deployments that have no price, where that is a reason to refuse them."""
    policies = {settings.prices.unknown}
    policies |= {entry.unknown_prices for entry in settings.providers.values()}
    if "deny" not in policies:
        return
    for each in unpriced(settings, catalog):
        if each.is_denied:
            depends = (("providers", each.target.provider), ("prices",))
            yield Finding(each.path, each.message, depends)


def _unknown(target: Target, settings: Settings, catalog: Catalog) -> str:
    name = target.provider
    hint = did_you_mean(name, settings.providers)
    if name in catalog:
        return f"the provider {quoted(name)} is not listed; add {name}: {{}} to providers"
    if not hint and settings.providers:
        hint = f"; there is {one_of(sorted(settings.providers)[:5])}"
    return f"no provider is called {quoted(name)}{hint}"


def _is_known(model: str, settings: Settings) -> bool:
    provider = model.partition("/")[0]
    return model in _all_names(settings) or (
        ANY in settings.models and provider in settings.providers and "/" in model
    )


def _all_names(settings: Settings) -> set[str]:
    aliases = {alias for route in settings.models.values() for alias in route.aliases}
    return aliases | (set(settings.models) - {ANY})
