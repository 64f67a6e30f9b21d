"""How hard to think, both ways.

Gemini 2.5 takes a budget of tokens (`thinkingBudget`), later models a level (`thinkingLevel`).
What a caller of this dialect said is written as it was said, unless the model has no word for it;
what others asked for is written in the form that the model takes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from antiphon.dialects.contract import Target
from antiphon.dialects.fields import Written
from antiphon.dialects.gemini.fields import DIALECT, Fields, is_own, own
from antiphon.model.parts import Extra
from antiphon.model.request import ReasoningAsk

BUDGETS: Final[Mapping[str, int]] = {
    "minimal": 128,
    "low": 1024,
    "medium": 2048,
    "high": 4096,
    "xhigh": 8192,
    "max": 16384,
}
"""Tokens of thought for each effort, where a model takes a budget."""
LEVELS: Final[Mapping[str, str]] = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "XHIGH",
    "max": "XHIGH",
}
"""Levels for each effort, where a model takes them; none of these models can be kept from it."""
_NEAREST: Final = ((512, "MINIMAL"), (4096, "LOW"), (16384, "MEDIUM"))
"""Budgets up to which a level is near; more is HIGH."""

_THOUGHTLESS: Final = re.compile(r"gemini-(?:pro|1|2\.0)(?![0-9])|gemma|learnlm")
_BUDGETED: Final = re.compile(r"gemini-2\.")
_BOUNDS: Final = (("flash-lite", 512, 24576), ("pro", 128, 32768), ("", 1, 24576))
"""Least and most budget of Gemini 2.5, by what the name holds; its Pro always thinks."""


def read_thinking(config: Fields) -> ReasoningAsk | None:
    """Take `thinkingConfig` of `generationConfig`."""
    inner = config.object("thinkingConfig")
    if inner is None:
        return None
    budget, level = inner.count("thinkingBudget"), inner.text("thinkingLevel")
    effort: str | None = None
    if level is not None and level.upper() in LEVELS.values():
        effort = level.lower()
    elif level is not None:
        inner.keep("thinkingLevel", msgspec.json.encode(level))
    shown = inner.flag("includeThoughts")
    summary = None if shown is None else ("auto" if shown else "omitted")
    return ReasoningAsk(effort, budget, summary, extra=Extra(DIALECT, inner.left()))


def write_thinking(asked: ReasoningAsk | None, target: Target) -> Written | None:
    """The `thinkingConfig`; None where there is nothing to say."""
    if asked is None:
        return None
    name = target.model.rpartition("/")[2]
    if is_own(asked.extra):
        out = _write_own(asked, name)
    elif _THOUGHTLESS.match(name):
        return None
    else:
        out = _write_foreign(asked, target, name)
    if asked.summary == "omitted":
        out["includeThoughts"] = False
    elif asked.summary is not None or (not is_own(asked.extra) and not _is_off(asked)):
        # Whoever asks for thought sees it in other dialects.
        out["includeThoughts"] = True
    out |= own(asked.extra)
    return out or None


def _write_own(asked: ReasoningAsk, name: str) -> Written:
    if asked.effort is not None and asked.budget is None and _BUDGETED.match(name):
        return {"thinkingBudget": _bounded(BUDGETS.get(asked.effort, BUDGETS["medium"]), name)}
    out: Written = {}
    if asked.budget is not None:
        out["thinkingBudget"] = asked.budget
    if asked.effort is not None:
        out["thinkingLevel"] = asked.effort.upper()
    return out


def _write_foreign(asked: ReasoningAsk, target: Target, name: str) -> Written:
    budgeted = _BUDGETED.match(name) is not None
    if target.adaptive is not None:
        budgeted = not target.adaptive
    if budgeted:
        budget = _budget_of(asked, name)
        return {} if budget is None else {"thinkingBudget": budget}
    level = _level_of(asked)
    return {} if level is None else {"thinkingLevel": level}


def _budget_of(asked: ReasoningAsk, name: str) -> int | None:
    effort, budget = asked.effort, asked.budget
    if _is_off(asked):
        return _least(name)
    if effort is not None:
        return _bounded(BUDGETS.get(effort, BUDGETS["medium"]), name)
    if budget is None:
        return None
    return _bounded(budget, name) if budget > 0 else -1


def _level_of(asked: ReasoningAsk) -> str | None:
    effort, budget = asked.effort, asked.budget
    if effort is not None:
        return LEVELS.get(effort, LEVELS["medium"])
    if budget is None or budget < 0:
        return None
    if budget == 0:
        return LEVELS["none"]
    return next((level for most, level in _NEAREST if budget <= most), LEVELS["high"])


def _is_off(asked: ReasoningAsk) -> bool:
    return asked.effort == "none" or (asked.effort is None and asked.budget == 0)


def _least(name: str) -> int:
    return 128 if "pro" in name else 0


def _bounded(budget: int, name: str) -> int:
    _, least, most = next(each for each in _BOUNDS if each[0] in name)
    return max(least, min(budget, most))
