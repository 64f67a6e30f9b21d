"""A decision on paper: who was asked first, who after it, who not, and why."""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.cli.table import table
from antiphon.routing.decision import Decision, Fate

_LABEL = 10


def decision_lines(decision: Decision) -> Iterator[str]:
    """The lines."""
    yield f"  {'decision':<{_LABEL}}{_summary(decision)}"
    for rule in decision.rules:
        verdict = "matches" if rule.matched else f"does not match: {rule.reason}"
        yield f"  {'':<{_LABEL}}rule {rule.rule}: {verdict}"
    rows = [_cells(number, each) for number, each in enumerate(decision.candidates, 1)]
    if rows:
        yield from (f"  {'':<{_LABEL}}{line}" for line in table(rows, names=4))


def _summary(decision: Decision) -> str:
    told = [f"sensitivity {decision.sensitivity}", f"configuration {decision.generation}"]
    if decision.strategies:
        told.append(f"strategy {', '.join(decision.strategies)}")
    if decision.active:
        told.append(f"active {decision.active}")
    told += [f"{name} {text}" for name, text in decision.facts.items()]
    return "; ".join(told)


def _cells(number: int, fate: Fate) -> list[str]:
    scores = " ".join(f"{each:g}" for each in fate.scores)
    state = fate.state.value.replace("_", " ")
    return [f"{number}", fate.deployment, state, fate.reason, scores]
