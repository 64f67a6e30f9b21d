"""What another configuration means for those who call, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from antiphon.access.keys import static_id
from antiphon.config.settings import Settings
from antiphon.config.tree import touches
from antiphon.pipeline.config import ANY, WILD
from antiphon.pipeline.pools import Pools
from antiphon.yamlfile.places import Path


def effects_of(before: Settings, after: Settings, *, hidden: AbstractSet[Path]) -> Iterator[str]:
    """The sentences; of members that are hidden they tell only that they are others."""
    olds, news = _routes(before, hidden), _routes(after, hidden)
    for name in [*olds, *(name for name in news if name not in olds)]:
        yield from _of_route(name, olds.get(name), news.get(name))
    for name in before.providers:
        if name not in after.providers and _passes(before):
            yield f"names that begin with {name}/ are not found any more"
    for name in after.providers:
        if name not in before.providers and _passes(after):
            yield f"its models can be asked for as {name}/MODEL"
    if _passes(before) != _passes(after):
        yield (
            "names as PROVIDER/MODEL reach their provider now"
            if _passes(after)
            else "names as PROVIDER/MODEL are not found any more"
        )
    yield from _of_keys(before, after)


def _of_route(name: str, before: _Route | None, after: _Route | None) -> Iterator[str]:
    if before is None:
        yield f"callers can ask for {name}"
        return
    if after is None:
        yield f"{name} is not found any more"
        return
    olds, news = before.pool, after.pool
    if before.hidden or after.hidden:
        if olds != news:
            yield f"callers of {name} get other deployments"
        return
    if olds[0] != news[0] and before.in_order and after.in_order:
        yield f"callers of {name} now get {news[0]} first"
    gone = [each for each in olds if each not in news]
    if gone:
        yield f"callers of {name} do not get {' or '.join(gone)} any more"
    come = [each for each in news if each not in olds and each != news[0]]
    if come:
        yield f"callers of {name} can also get {' or '.join(come)}"


def _of_keys(before: Settings, after: Settings) -> Iterator[str]:
    olds, news = (
        {static_id(each): each for each in settings.auth.keys} for settings in (before, after)
    )
    for key in olds:
        if key not in news:
            yield f"the key {key} opens nothing any more"
    for key in news:
        if key not in olds:
            yield f"the key {key} is taken"
    if before.auth.required != after.auth.required:
        required = after.auth.required
        yield f"callers without a key are {'refused' if required else 'served'}"


class _Route(NamedTuple):
    """Who may answer, whether they are asked in this order, and whether that is shown."""

    pool: Sequence[str]
    in_order: bool
    hidden: bool


def _routes(settings: Settings, hidden: AbstractSet[Path]) -> Mapping[str, _Route]:
    pools = Pools(settings.models)
    found: dict[str, _Route] = {}
    for own, route in settings.models.items():
        if own != ANY:
            # A name with a star stands as it is written.
            members = pools.of(own, route.deployments, WILD if WILD in own else "")
            pool = [f"{each.target.provider}/{each.target.model}" for each in members]
            order = [each.name for each in route.strategy]
            made = _Route(pool, order == ["priority"], touches(("models", own), hidden))
            found |= dict.fromkeys((own, *route.aliases), made)
    return found


def _passes(settings: Settings) -> bool:
    return ANY in settings.models and settings.models[ANY].passthrough
