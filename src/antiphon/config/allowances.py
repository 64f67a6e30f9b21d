"""What is wrong with limits that each of them cannot see alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from antiphon.config.settings import Settings
from antiphon.config.words import did_you_mean, quoted
from antiphon.limits.limit import Scope
from antiphon.pipeline.config import ANY
from antiphon.yamlfile.places import Path


def mistaken_limits(settings: Settings) -> Iterator[tuple[Path, str, Path]]:
    """Limits that are there twice, or that nothing goes by the name of.

    The member, what is wrong, and what that depends on. Keys, users, teams and departments may live
    in the database, so their names are not known here.
    """
    for number, message in settings.limits.twins():
        yield ("limits", "rules", number), message, ("limits", "rules", number)
    for index, rule in enumerate(settings.limits.rules):
        if not rule.name:
            continue
        names: Sequence[str]
        match rule.scope:
            case Scope.ALIAS:
                names, what, depends = list(settings.models), "model", "models"
                of = _route_of(rule.name, settings)
                if of is not None:
                    message = f"is another name of {quoted(of)}: give that one"
                    yield ("limits", "rules", index, "name"), message, ("models",)
                    continue
            case Scope.PROVIDER:
                names, what, depends = list(settings.providers), "provider", "providers"
            case Scope.DEPLOYMENT:
                names, what, depends = _deployments(settings), "deployment", "models"
                if _passes(rule.name, settings):
                    continue
            case _:
                continue
        if rule.name not in names:
            hint = did_you_mean(rule.name, names)
            message = f"no {what} is called {quoted(rule.name)}{hint}"
            yield ("limits", "rules", index, "name"), message, (depends,)


def _route_of(alias: str, settings: Settings) -> str | None:
    return next((name for name, each in settings.models.items() if alias in each.aliases), None)


def _deployments(settings: Settings) -> list[str]:
    return [
        f"{target.provider}/{target.model}"
        for route in settings.models.values()
        for _, target in route.targets
    ]


def _passes(name: str, settings: Settings) -> bool:
    """Whether it is reached without a route."""
    provider, _, model = name.partition("/")
    return ANY in settings.models and provider in settings.providers and bool(model)
