"""Configured models that their makers have switched off, or are about to."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from antiphon.config.settings import Settings
from antiphon.config.words import quoted
from antiphon.pipeline.config import Target
from antiphon.providers.catalog import Catalog
from antiphon.providers.provider import row_of
from antiphon.providers.retirement import Retirement, retirement
from antiphon.yamlfile.places import Path


def retiring(settings: Settings, catalog: Catalog, *, now: float) -> Iterator[tuple[Path, str]]:
    """Where a model that is due stands first, and what to say of it.

    Routes come before the lists of models of the providers. Models on one's own machines are left
    out: nobody switches those off.
    """
    hosted = {
        name
        for name, entry in settings.providers.items()
        if not row_of(name, entry, catalog).self_hosted
    }
    seen: set[Target] = set()
    for path, target in _configured(settings):
        if target in seen or target.provider not in hosted:
            continue
        seen.add(target)
        due = _due(settings, catalog, target, now)
        if due is not None:
            yield path, f"{quoted(f'{target.provider}/{target.model}')} {due.message}"


def _configured(settings: Settings) -> Iterator[tuple[Path, Target]]:
    for name, route in settings.models.items():
        for place, target in route.targets:
            yield ("models", name, *place), target
    for provider, entry in settings.providers.items():
        for model in entry.models:
            yield ("providers", provider, "models", model), Target(provider, model)


def _due(settings: Settings, catalog: Catalog, target: Target, now: float) -> Retirement | None:
    facts = catalog.models.row(target.model)
    own = settings.providers[target.provider].models.get(target.model)
    if own is not None and own.retires is not None:
        facts = msgspec.structs.replace(facts, retires=own.retires)
    if own is not None and own.successor is not None:
        facts = msgspec.structs.replace(facts, successor=own.successor)
    found = retirement(facts, now=now)
    return found if found is not None and found.is_due else None
