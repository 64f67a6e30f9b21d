"""How much of pots is spent and held, for whoever asks; nothing is leased by asking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, case, func, select

from antiphon.leases.tables import portions, pots

_held = portions.c.taken - portions.c.spent


class Figures(NamedTuple):
    """One pot, as far as it was reported.

    Attributes:
        name: Of the pot.
        spent: Billionths of a dollar that are gone: spent, or written off.
        held: Billionths that owners hold and have not spent.
    """

    name: str
    spent: int
    held: int


def figures(
    connection: Connection,
    scope: str,
    period: str,
    *,
    names: Sequence[str] = (),
    beginning: str = "",
    but_for: str = "",
    most: int = 100,
) -> list[Figures]:
    """Pots of one scope in one period, those first of which the most is spent.

    Args:
        connection: Inside a transaction.
        scope: Of the pots.
        period: Of the pots.
        names: Only these; empty for all.
        beginning: Only those whose names begin so.
        but_for: An owner whose portion is not counted, since it tells of it itself.
        most: How many.
    """
    others = and_(portions.c.pot == pots.c.number, portions.c.owner != but_for)
    spent = pots.c.closed + pots.c.written_off + func.coalesce(func.sum(portions.c.spent), 0)
    held = func.coalesce(func.sum(case((_held > 0, _held), else_=0)), 0)
    query = (
        select(pots.c.name, spent.label("spent"), held)
        .outerjoin(portions, others)
        .where(pots.c.scope == scope, pots.c.period == period)
        .group_by(pots.c.number)
        .order_by(spent.desc(), pots.c.name)
        .limit(most)
    )
    if names:
        query = query.where(pots.c.name.in_(names))
    if beginning:
        query = query.where(pots.c.name.startswith(beginning, autoescape=True))
    return [Figures(*row) for row in connection.execute(query)]
