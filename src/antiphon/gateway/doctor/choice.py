"""Whom to visit: the names that were given, else everything that is configured."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import msgspec

from antiphon.errors import ConfigurationError, ModelNotFound, ModelUnpriced
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.listing import list_models, to_try
from antiphon.pipeline.config import ANY
from antiphon.providers.deployment import Deployment
from antiphon.providers.provider import Provider


class Place(msgspec.Struct, frozen=True):
    """A provider, and one of its models where one is known."""

    provider: Provider
    deployment: Deployment | None

    @property
    def name(self) -> str:
        """As it is shown."""
        return self.provider.name if self.deployment is None else self.deployment.name


async def choose(gateway: Antiphon, names: Sequence[str]) -> list[Place]:
    """The places behind these names; without one, every deployment that is configured.

    A name is one that callers use, `PROVIDER/MODEL` whether it is configured or not, or a provider
    alone. A provider without a model is asked for its list, and the first that seems to chat is
    taken.

    Raises:
        ModelNotFound: Nothing goes by a name; the nearest ones are listed.
    """
    places: dict[str, Place] = {}
    alone: dict[str, Provider] = {}
    for found in [_named(gateway, name) for name in names] if names else [_all(gateway)]:
        for each in found:
            if isinstance(each, Provider):
                alone[each.name] = each
            else:
                places[each.name] = Place(gateway.providers[each.provider], each)
    listed, _ = await list_models(alone.values(), gateway.transport)
    for provider in alone.values():
        place = Place(provider, _first(provider, listed))
        places.setdefault(place.name, place)
    return list(places.values())


def _all(gateway: Antiphon) -> Sequence[Deployment | Provider]:
    """Each deployment of a route; and of the passthrough, each provider that no route names."""
    deployments = gateway.deployments()
    route = gateway.settings.models.get(ANY)
    if route is None or not route.passthrough:
        return deployments
    seen = {each.provider for each in deployments}
    return [*deployments, *(each for name, each in gateway.providers.items() if name not in seen)]


def _named(gateway: Antiphon, name: str) -> Sequence[Deployment | Provider]:
    plan = gateway.snapshot.plans.get(name)
    if plan is not None:
        return plan.deployments
    if name in gateway.providers:
        return [gateway.providers[name]]
    known = {each.name: each for each in gateway.deployments()}
    if name in known:
        return [known[name]]
    provider, _, model = name.partition("/")
    if provider in gateway.providers and model:
        try:
            return [gateway.providers[provider].deployment(model)]
        except ConfigurationError:
            pass  # not a name that any model can have
    names = [*gateway.snapshot.plans, *known, *gateway.providers]
    raise ModelNotFound(name, difflib.get_close_matches(name[:200], names, n=3))


def _first(provider: Provider, listed: Sequence[str]) -> Deployment | None:
    stem = f"{provider.name}/"
    models = [name.removeprefix(stem) for name in listed if name.startswith(stem)]
    while models:
        model = to_try(models)
        try:
            return provider.deployment(model)
        except ModelUnpriced:
            # Not served without a price; perhaps another one has one.
            models.remove(model)
    return None
