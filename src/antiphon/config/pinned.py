"""Settings that a running gateway keeps as they were: they need a restart.

Everything else takes effect with a reload. What is pinned is pinned whole: a section of which one
member cannot change while others depend on it stays as a whole as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pydantic import BaseModel

from antiphon.config.settings import Settings
from antiphon.yamlfile.places import Path

PINNED: Mapping[Path, str] = MappingProxyType(
    {
        ("server", "host"): "the listener is open",
        ("server", "port"): "the listener is open",
        ("server", "root_path"): "clients were told the paths",
        ("server", "trusted_proxies"): "the server was made with them",
        ("storage",): "the database and the journal are open",
        ("logging", "requests"): "the log is open",
        ("logging", "format"): "the log is open",
        ("logging", "file"): "the log is open",
        ("telemetry",): "the collector is connected to",
    }
)
"""What needs a restart, and why."""


class Kept(NamedTuple):
    """Settings that a running gateway can have.

    Attributes:
        settings: The new ones, but what is pinned as it was.
        pending: The members that wait for a restart, as far as they differ.
    """

    settings: Settings
    pending: Sequence[Path]


def kept(before: Settings, after: Settings) -> Kept:
    """What a gateway that runs with `before` can take of `after`."""
    pending = [path for path in PINNED if _at(before, path) != _at(after, path)]
    settings = after
    for path in pending:
        settings = keep(path, before, settings)
    return Kept(settings, pending)


def keep(path: Path, before: Settings, settings: Settings) -> Settings:
    """The settings, but for one member, which is as it was before."""
    value, (first, *rest) = _at(before, path), map(str, path)
    if rest:
        section = getattr(settings, first)
        assert isinstance(section, BaseModel)
        value = section.model_copy(update={rest[0]: value})
    return settings.model_copy(update={first: value})


def is_pinned(path: Path) -> bool:
    """Whether a member, or what it stands in, needs a restart."""
    return any(path[:length] in PINNED for length in range(1, len(path) + 1))


def _at(settings: BaseModel, path: Path) -> object:
    found: object = settings
    for step in path:
        found = getattr(found, str(step))
    return found
