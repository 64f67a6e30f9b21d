"""What is wrong with the ladders of routes: names of pools, circles of them, and canned texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from antiphon.config.settings import Settings
from antiphon.config.words import did_you_mean, quoted
from antiphon.pipeline.config import ANY, RouteSettings
from antiphon.pipeline.degrade_config import DegradeSettings
from antiphon.rendering.values import TemplateMistake
from antiphon.resilience.canned import Canned, renderer
from antiphon.resilience.help_lines import HelpLines
from antiphon.routing.config import WhenSettings
from antiphon.yamlfile.places import Path

_ALWAYS = WhenSettings()


def mistaken_ladders(settings: Settings) -> Iterator[tuple[Path, str, tuple[Path, ...]]]:
    """Each mistake: its member, what it is, and the members that it depends on."""
    names = _names(settings)
    lines = HelpLines(settings.help_lines)
    for name, route in settings.models.items():
        if route.degrade is None:
            continue
        path: Path = ("models", name, "degrade")
        wrong = _pool(name, route.degrade.pool, names, settings)
        if wrong:
            yield (*path, "pool"), wrong, (("models",),)
        for at, message in _canned(route.degrade, lines):
            yield (*path, "canned", *at), message, (("help_lines",),)


def _names(settings: Settings) -> Mapping[str, str]:
    """Every name of a route, and the route that has it."""
    names = {name: name for name in settings.models if name != ANY}
    for name, route in settings.models.items():
        names |= dict.fromkeys(route.aliases, name)
    return names


def _pool(name: str, pool: str | None, names: Mapping[str, str], settings: Settings) -> str:
    """What is wrong with the pool of a route; empty for nothing."""
    if pool is None:
        return ""
    if pool not in names:
        return f"no model is called {quoted(pool)}{did_you_mean(pool, names)}"
    way = [name]
    at: str | None = pool
    while at is not None and at in names:
        way.append(names[at])
        if way[-1] == name:
            return f"goes round in a circle: {' -> '.join(way)}"
        if way[-1] in way[:-1]:
            # Told where it begins.
            return ""
        at = _pool_of(settings.models[names[at]])
    return ""


def _pool_of(route: RouteSettings) -> str | None:
    return route.degrade.pool if route.degrade is not None else None


def _canned(degrade: DegradeSettings, lines: HelpLines) -> Iterator[tuple[Path, str]]:
    if not degrade.canned:
        return
    reads = renderer()
    always = False
    for index, each in enumerate(degrade.canned):
        if always:
            yield (index,), "is never given: one before it has no `when`, and is always given"
        always = always or each.when == _ALWAYS
        try:
            Canned(each, reads, lines)
        except TemplateMistake as error:
            yield (index, "file" if each.file is not None else "text"), error.message
