"""What is different between two configurations, for people.

Members are compared as they are, so a secret that is another one is told of; what is shown of it
is only that. What came through `${...}` is not shown either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal

import msgspec
from pydantic import BaseModel

from antiphon.access.config import KeySettings
from antiphon.access.keys import static_id
from antiphon.config.pinned import PINNED
from antiphon.config.settings import Settings
from antiphon.config.tree import is_any_list, is_any_mapping, is_any_set, touches
from antiphon.gateway.effects import effects_of
from antiphon.pipeline.config import PoolEntry
from antiphon.providers.keys import KeyFile
from antiphon.secret import Secret
from antiphon.yamlfile.places import Path, dotted

Kind = Literal["added", "removed", "changed"]
_SECRET, _EXPANDED = "(not shown)", "(from ${...}, not shown)"
_REWRITTEN = "(the content of its file)"
_NAMES = ("scope", "organisation", "name", "per")
"""Members that tell the entries of a list apart, as far as they have any."""
_SHORT = (["deployments"], ["model"])
"""Members that may be left out where they stand alone."""
_LONGEST = 200
_NO_ADMIN_KEY = "none was made yet, and a start can show it"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A member that is different.

    Attributes:
        path: The member, as `models.fast.deployments`.
        kind: What became of it.
        before: What it was, as text; empty where it was not there.
        after: What it is; empty where it is not there any more.
        restart: Why it needs a restart; empty where it takes effect at once.
    """

    path: str
    kind: Kind
    before: str = ""
    after: str = ""
    restart: str = ""


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """All that is different.

    Attributes:
        changes: By section, in the order of the settings.
        effects: What that means for callers, in words.
    """

    changes: tuple[Change, ...]
    effects: tuple[str, ...]

    @property
    def at_once(self) -> bool:
        """Whether any of it takes effect without a restart."""
        return any(not each.restart for each in self.changes)

    @property
    def pending(self) -> tuple[str, ...]:
        """The members that wait for a restart."""
        return tuple(each.path for each in self.changes if each.restart)


NOTHING = Changes(changes=(), effects=())


def changes_between(
    before: Settings,
    after: Settings,
    *,
    hidden: AbstractSet[Path],
    pending: Sequence[Path] = (),
    rewritten: Sequence[Path] = (),
) -> Changes:
    """What is different.

    Args:
        before: What is in force.
        after: What is to be.
        hidden: Members that are not to be shown.
        pending: Members that need a restart.
        rewritten: Members that name a file whose content is another one.
    """
    walk = _Walk(hidden, {*pending})
    found = list(walk.between(before, after, ()))
    known = {each.path for each in found}
    found += [
        Change(path=dotted(path), kind="changed", before=_REWRITTEN, after=_REWRITTEN)
        for path in rewritten
        if dotted(path) not in known
    ]
    effects = effects_of(before, after, hidden=hidden)
    return Changes(changes=tuple(found), effects=tuple(effects))


class _Walk:
    """Goes through two values of one type side by side."""

    def __init__(self, hidden: AbstractSet[Path], pending: AbstractSet[Path]) -> None:
        self._hidden = hidden
        self._pending = pending

    def between(self, before: object, after: object, path: Path) -> Iterator[Change]:
        """The members that are different, the innermost that can be told apart."""
        if before == after:
            return
        if isinstance(before, BaseModel) and isinstance(after, type(before)):
            for name in type(before).model_fields:
                yield from self.between(getattr(before, name), getattr(after, name), (*path, name))
            return
        olds, news = _entries(before), _entries(after)
        if olds is None or news is None:
            yield self._changed(before, after, path)
            return
        for name, value in olds.items():
            if name in news:
                yield from self.between(value, news[name], (*path, name))
            else:
                yield self._change("removed", (*path, name), before=value)
        for name, value in news.items():
            if name not in olds:
                yield self._change("added", (*path, name), after=value)
        common = [name for name in olds if name in news]
        moved = [name for name in news if name in olds]
        if common != moved and not is_any_mapping(before):
            order = (", ".join(common), ", ".join(moved))
            yield Change(
                path=dotted(path),
                kind="changed",
                before=f"in the order {order[0]}",
                after=order[1],
                restart=self._restart(path),
            )

    def _changed(self, before: object, after: object, path: Path) -> Change:
        if before is None:
            return self._change("added", path, after=after)
        if after is None:
            return self._change("removed", path, before=before)
        return self._change("changed", path, before=before, after=after)

    def _change(
        self, kind: Kind, path: Path, *, before: object = None, after: object = None
    ) -> Change:
        hidden = touches(path, self._hidden)
        old, new = (_EXPANDED if hidden else _cut(shown(each)) for each in (before, after))
        return Change(
            path=dotted(path),
            kind=kind,
            before="" if kind == "added" else old,
            after="" if kind == "removed" else new,
            restart=self._restart(path),
        )

    def _restart(self, path: Path) -> str:
        for length in range(1, len(path) + 1):
            if path[:length] in self._pending:
                return PINNED.get(path[:length], _NO_ADMIN_KEY)
        return ""


def shown(value: object) -> str:
    """A value as it may stand in a line; never a secret."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in sorted(value.model_fields_set)}
    if is_any_mapping(value):
        return _flow({str(name): shown(each) for name, each in value.items()})
    if is_any_list(value):
        return ", ".join(shown(each) for each in value) or "none"
    if is_any_set(value):
        return ", ".join(sorted(map(str, value))) or "none"
    match value:
        case None:
            text = "none"
        case bool():
            text = str(value).lower()
        case float():
            text = f"{value:.15g}"
        case Secret():
            text = _SECRET
        case KeyFile():
            text = f"${{file:{value.path}}}"
        case _:
            text = str(value) or '""'
    return text


def _flow(members: Mapping[str, str]) -> str:
    if list(members) in _SHORT:
        return next(iter(members.values()))
    return "{" + ", ".join(f"{name}: {each}" for name, each in members.items()) + "}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _entries(value: object) -> Mapping[str, object] | None:
    """The entries of a mapping, or of a list whose entries have names; else None."""
    if is_any_mapping(value):
        return {str(name): each for name, each in value.items()}
    if not is_any_list(value) or not all(isinstance(each, BaseModel) for each in value):
        return None
    if any(isinstance(each, PoolEntry) for each in value):
        return None  # their order is what matters
    names = [_name_of(each, index) for index, each in enumerate(value)]
    if len({*names}) < len(names):
        names = [str(index) for index in range(len(names))]
    return dict(zip(names, value, strict=True))


def _name_of(entry: object, index: int) -> str:
    if isinstance(entry, KeySettings):
        return static_id(entry)
    found = (str(getattr(entry, name, "") or "") for name in _NAMES)
    return " ".join(part for part in found if part) or str(index)
