"""What another configuration means for those who call, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from antiphon.access.keys import static_id
from antiphon.config.settings import Settings
from antiphon.pipeline.config import ANY, RouteSettings


def effects_of(before: Settings, after: Settings) -> Iterator[str]:
    """The sentences."""
    olds, news = _routes(before), _routes(after)
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


def _of_route(
    name: str, before: RouteSettings | None, after: RouteSettings | None
) -> Iterator[str]:
    if before is None:
        yield f"callers can ask for {name}"
        return
    if after is None:
        yield f"{name} is not found any more"
        return
    olds, news = _pool(before), _pool(after)
    if olds and news and olds[0] != news[0] and _in_order(before) and _in_order(after):
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


def _routes(settings: Settings) -> Mapping[str, RouteSettings]:
    return {
        name: route
        for own, route in settings.models.items()
        if own != ANY
        for name in (own, *route.aliases)
    }


def _passes(settings: Settings) -> bool:
    return ANY in settings.models and settings.models[ANY].passthrough


def _pool(route: RouteSettings) -> Sequence[str]:
    return [str(each) for each in route.deployments]


def _in_order(route: RouteSettings) -> bool:
    return route.strategy == "priority"
