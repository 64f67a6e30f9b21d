"""`antiphon config plan` and `antiphon config reload`: what would change, and having it changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from antiphon.cli.output import describe, fail, remark, say, show_json
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office
from antiphon.config.load import Loaded, load
from antiphon.config.pinned import kept
from antiphon.errors import ConfigurationError
from antiphon.gateway.changes import Change, changes_between

_PLAN, _RELOAD = "/api/v1/config/plan", "/api/v1/config/reload"
_DIFFERENT, _MISTAKEN = 1, 2
_SERVED = "a gateway that runs is asked what is in force; --against compares two files"
_RELOADED = "a gateway that runs loads it"
_MARKS = {"added": "+", "removed": "-", "changed": "~"}
_NAMED = frozenset({"models", "providers"})
"""Sections whose entries have names of people's choice."""


class _Mistake(msgspec.Struct):
    where: str
    path: str
    message: str


class _Plan(msgspec.Struct, kw_only=True):
    source: str = ""
    generation: int = 0
    changes: list[Change]
    effects: list[str]
    mistakes: list[_Mistake] = []
    warnings: list[str] = []


def plan_command(reach: Reach, file: Path | None, against: Path | None) -> None:
    """Say what would change."""
    plan = _asked(reach, file) if against is None else _compared(reach, file, against)
    if reach.as_json:
        show_json(plan)
    elif plan.mistakes:
        for each in plan.mistakes:
            place = f"{each.where}: {each.path}" if each.path else each.where
            remark(f"{place}: {each.message}")
        remark(f"antiphon: {plan.source} cannot be loaded: what is in force would stay")
    else:
        _show(plan, what="would change")
    if plan.mistakes:
        raise SystemExit(_MISTAKEN)
    if plan.changes:
        raise SystemExit(_DIFFERENT)


def reload_command(reach: Reach) -> None:
    """Have the configuration loaded again, and say what became of it."""
    with office(reach, served=_RELOADED) as asked:
        told = asked.post(_RELOAD)
    if reach.as_json:
        show_json(told)
        return
    plan = msgspec.convert(told, _Plan)
    number = plan.generation
    if not any(not each.restart for each in plan.changes):
        say(f"nothing changed: generation {number} stays in force")
    else:
        say(f"generation {number} is in force")
    _show(plan, what="changed")


def _asked(reach: Reach, file: Path | None) -> _Plan:
    body = None if file is None else {"name": str(file), "text": _text_of(file)}
    try:
        with office(reach, served=_SERVED) as asked:
            return msgspec.convert(asked.post(_PLAN, body), _Plan)
    except ConfigurationError as error:
        return _mistaken(str(reach.config or "the configuration"), error)


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        fail(f"{file}: cannot be read: {error.strerror}", _MISTAKEN)
    except UnicodeDecodeError:
        fail(f"{file}: is not UTF-8", _MISTAKEN)


def _compared(reach: Reach, file: Path | None, against: Path) -> _Plan:
    """What a file says otherwise than another one."""
    before = _loaded(against)
    try:
        after = load(file or reach.config)
    except ConfigurationError as error:
        return _mistaken(str(file or reach.config or "the configuration"), error)
    changes = changes_between(
        before.settings,
        after.settings,
        hidden=before.hidden | after.hidden,
        pending=kept(before.settings, after.settings).pending,
    )
    return _Plan(
        source=after.source,
        changes=[*changes.changes],
        effects=[*changes.effects],
        warnings=[*after.warnings],
    )


def _mistaken(source: str, error: ConfigurationError) -> _Plan:
    mistakes = [_Mistake(each.where, each.path, each.message) for each in error.mistakes]
    return _Plan(source=source, changes=[], effects=[], mistakes=mistakes)


def _loaded(file: Path) -> Loaded:
    try:
        return load(file)
    except ConfigurationError as error:
        fail(describe(error), _MISTAKEN)


def _show(plan: _Plan, *, what: str) -> None:
    """The changes by section, and what they mean."""
    for warning in plan.warnings:
        say(f"warning: {warning}")
    for section, changes in groupby(plan.changes, key=_section_of):
        say(section)
        for each in changes:
            say(f"  {_line(each, section)}")
    if plan.effects:
        say("so")
        for effect in plan.effects:
            say(f"  {effect}")
    if not plan.changes:
        say(f"nothing {what}")
        return
    say(_summary(plan.changes))


def _section_of(change: Change) -> str:
    """The section, and in those with names of one's own the entry."""
    parts = change.path.split(".")
    return ".".join(parts[: 2 if parts[0] in _NAMED and len(parts) > 2 else 1])  # noqa: PLR2004


def _line(change: Change, section: str) -> str:
    name = change.path.removeprefix(f"{section}.")
    told = f"{_MARKS[change.kind]} {name}: {_values(change)}"
    return f"{told}  (needs a restart: {change.restart})" if change.restart else told


def _values(change: Change) -> str:
    if change.kind != "changed":
        return change.before or change.after
    if change.before == change.after:
        return f"changed {change.after}"
    return f"{change.before} -> {change.after}"


def _summary(changes: Sequence[Change]) -> str:
    waiting = sum(1 for each in changes if each.restart)
    at_once = len(changes) - waiting
    told = [f"{at_once} at once"] if at_once else []
    told += [f"{waiting} after a restart"] if waiting else []
    return f"{len(changes)} change{'' if len(changes) == 1 else 's'}: {', '.join(told)}"
