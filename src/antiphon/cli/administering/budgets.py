"""`antiphon budgets`: how much of whose money may be spent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from antiphon.cli.administering.allowances import (
    NameArgument,
    ScopeArgument,
    WhichArgument,
    app_of,
    change,
    make,
    used,
    whose,
)
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import reaching

_KIND = "budgets"
_COLUMNS = ("id", "source", "scope", "name", "limit", "per", "spent", "used")

_PerOption = Annotated[str | None, typer.Option(help="day, month or total; by default month.")]
_ShortOption = Annotated[
    str | None,
    typer.Option(help="Where it is short: refuse (by default), or cap, for shorter answers."),
]
_BoundOption = Annotated[
    str | None, typer.Option(help="hard (by default), or soft: the last answers may exceed it.")
]
_WarnOption = Annotated[
    list[float] | None, typer.Option(help="Warn at this share, such as 0.8; again for more.")
]
_AskOption = Annotated[str | None, typer.Option(help="Whom to ask for more.")]


def _cells(budget: Mapping[str, object]) -> Mapping[str, object]:
    use = used(budget)
    spent = use.spent_usd.rstrip("0").rstrip(".")
    return {**budget, "name": whose(budget), "spent": spent, "used": f"{use.share:.1%}"}


budgets = app_of(_KIND, "Make, list, change and remove budgets.", _COLUMNS, _cells)


@budgets.command("create")
@reaching
def create_budget(  # noqa: PLR0913  each is an option
    reach: Reach,
    scope: ScopeArgument,
    name: NameArgument = "",
    *,
    limit: Annotated[str, typer.Option(help="Dollars.")],
    per: _PerOption = None,
    when_short: _ShortOption = None,
    bound: _BoundOption = None,
    warn_at: _WarnOption = None,
    ask: _AskOption = None,
) -> None:
    """Make a budget; it holds within a second. The id is printed."""
    terms = _terms(limit, per, when_short, bound, warn_at, ask)
    make(reach, _KIND, {"scope": scope, "name": name, **terms})


@budgets.command("change")
@reaching
def change_budget(  # noqa: PLR0913  each is an option
    reach: Reach,
    which: WhichArgument,
    *,
    limit: Annotated[str | None, typer.Option(help="Dollars.")] = None,
    per: _PerOption = None,
    when_short: _ShortOption = None,
    bound: _BoundOption = None,
    warn_at: _WarnOption = None,
    ask: _AskOption = None,
) -> None:
    """Change what is given of a budget; what was spent stays spent."""
    change(reach, _KIND, which, _terms(limit, per, when_short, bound, warn_at, ask))


def _terms(
    limit: str | None,
    per: str | None,
    when_short: str | None,
    bound: str | None,
    warn_at: list[float] | None,
    ask: str | None,
) -> dict[str, object | None]:
    return {
        "limit": limit,
        "per": per,
        "when_short": when_short,
        "bound": bound,
        "warn_at": warn_at or None,
        "ask": ask,
    }
