"""How hard to think, both ways.

What a caller of this dialect said is kept as it was said, and is written so unless the model
takes another form. The rest is translated by the table below: a model that decides itself how
long to think (`Target.adaptive`) is told an effort, every other one a budget, which all of them
and the servers that are like them read. Three things make the API refuse thought, and then it is
not asked for: a forced tool, an open tool call whose turn does not begin with signed thought, and
a bound of the answer that leaves no room for a budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from antiphon.dialects.anthropic_messages.blocks import Block
from antiphon.dialects.anthropic_messages.fields import DIALECT, Fields, is_own, own
from antiphon.dialects.anthropic_messages.messages import begins_with_thought
from antiphon.dialects.anthropic_messages.tools import forces
from antiphon.dialects.contract import Target
from antiphon.dialects.fields import Written
from antiphon.model.parts import Author, Extra, Turn
from antiphon.model.request import ChatRequest, ReasoningAsk

LEAST_BUDGET: Final = 1024
BUDGETS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 2048,
    "high": 4096,
    "xhigh": 8192,
    "max": 16384,
}
"""Tokens of thought for each effort."""

_EFFORTS: Final = (("low", 1024), ("medium", 2048), ("high", 4096), ("xhigh", 8192))
_OWN_EFFORT: Final = "effort"
"""Where an effort beside switched-off thought is kept."""

_USUAL_ANSWER: Final = 8192
_MOST_UNASKED: Final = 16384


class Asked(NamedTuple):
    """What is written.

    Attributes:
        thinking: The member of that name.
        effort: The member of `output_config`.
        max_tokens: The bound of the answer, thought included.
        translated: Thought is on, and was asked for in another dialect's words.
    """

    thinking: Block | None
    effort: str | None
    max_tokens: int
    translated: bool = False


def read_thinking(fields: Fields, config: Fields | None) -> ReasoningAsk | None:
    """Take `thinking`, and the `effort` of `output_config`."""
    effort = config.text("effort") if config is not None else None
    raw = fields.raw_object("thinking")
    if not raw:
        return None if effort is None else ReasoningAsk(effort, extra=Extra(DIALECT, {}))
    inner = Fields.parse(raw, "thinking")
    kept = {"thinking": raw}
    kind, budget = inner.text("type"), inner.integer("budget_tokens")
    summary = {"summarized": "auto"}.get(shown := inner.text("display") or "", shown or None)
    if kind == "disabled":
        if effort is not None:
            kept[_OWN_EFFORT] = msgspec.Raw(msgspec.json.encode(effort))
        effort, budget = "none", 0
    elif kind != "enabled" or budget is None:
        budget = -1
    binding = inner.object("block_binding")
    bound = binding is not None and binding.text("prefix_mismatch_behavior") == "error"
    return ReasoningAsk(effort, budget, summary, bound, Extra(DIALECT, kept))


def write_thinking(request: ChatRequest, target: Target) -> Asked:
    """What is written of a request's ask for thought, and the bound that it needs."""
    asked, given, most = request.reasoning, request.max_output_tokens, target.max_output
    bound = given
    if bound is None:
        bound = min(most or _USUAL_ANSWER, _MOST_UNASKED)
    elif most is not None:
        bound = min(bound, most)
    if asked is None:
        return Asked(None, None, bound)
    kept = own(asked.extra)
    if asked.effort == "none" or asked.budget == 0:
        effort = kept.get(_OWN_EFFORT)
        return Asked(
            _write_off(kept, target),
            msgspec.json.decode(effort, type=str) if effort is not None else None,
            bound,
        )
    if is_own(asked.extra):
        said = _write_own(request, asked, target, bound)
        if said is not None:
            return said
    return _write_foreign(request, asked, target, bound)


# ------------------------------------------------------------------ writing


def _write_off(kept: Mapping[str, msgspec.Raw], target: Target) -> Block | None:
    if "thinking" in kept:
        return kept["thinking"]
    # Thought is off by itself in the models that take a budget.
    return None if target.adaptive is False else {"type": "disabled"}


def _write_own(
    request: ChatRequest, asked: ReasoningAsk, target: Target, bound: int
) -> Asked | None:
    """What a caller of this dialect said; None where the model takes another form."""
    whole = own(asked.extra).get("thinking")
    budget = asked.budget or 0
    if whole is None:
        return Asked(None, asked.effort, bound)
    if target.adaptive is not None and target.adaptive is (budget > 0):
        return None
    if budget <= 0:
        return Asked(whole, asked.effort, bound)
    if _is_open_without_thought(request.turns, target.scope):
        return Asked({"type": "disabled"}, asked.effort, bound)
    cut = bound < (request.max_output_tokens or 0) and budget >= bound
    if cut:
        return _write_budget(request, budget, target, bound)
    return Asked(whole, asked.effort, bound)


def _write_foreign(request: ChatRequest, asked: ReasoningAsk, target: Target, bound: int) -> Asked:
    """What another dialect's caller asked for, in the form that the model takes."""
    undecided = asked.effort is None and (asked.budget or -1) < 0
    adaptive = target.adaptive is True or (target.adaptive is None and undecided)
    effort = _effort_of(asked) if adaptive else None
    if forces(request.tool_choice):
        return Asked(None, effort, bound)
    if adaptive:
        return Asked(_write_adaptive(asked), effort, bound, translated=True)
    if _is_open_without_thought(request.turns, target.scope):
        return Asked({"type": "disabled"}, None, bound)
    budget = asked.budget or -1
    if budget < 0:
        budget = BUDGETS.get(asked.effort or "medium", BUDGETS["medium"])
    return _write_budget(request, max(budget, LEAST_BUDGET), target, bound)


def _write_budget(request: ChatRequest, budget: int, target: Target, bound: int) -> Asked:
    """A budget below the bound: the bound is raised where nobody gave it, else the budget cut."""
    if request.max_output_tokens is None:
        bound = min(bound + budget, target.max_output or bound + budget)
    if budget >= bound:
        budget = max(LEAST_BUDGET, bound // 2)
    if budget >= bound:
        return Asked(None, None, bound)
    thinking: Written = {"type": "enabled", "budget_tokens": budget}
    return Asked(thinking, None, bound, translated=True)


def _write_adaptive(asked: ReasoningAsk) -> Written:
    out: Written = {"type": "adaptive"}
    if asked.summary is not None:
        out["display"] = "omitted" if asked.summary == "omitted" else "summarized"
    return out


def _effort_of(asked: ReasoningAsk) -> str | None:
    if asked.effort is not None:
        return "low" if asked.effort == "minimal" else asked.effort
    budget = asked.budget or -1
    if budget < 0:
        return None
    return next((name for name, most in _EFFORTS if budget <= most), "max")


def _is_open_without_thought(turns: Sequence[Turn], scope: str) -> bool:
    """Whether the last answer called tools, and is written without thought before the calls."""
    last = next((turn for turn in reversed(turns) if turn.author is Author.ASSISTANT), None)
    return last is not None and bool(last.tool_calls) and not begins_with_thought(last, scope)
