"""What owners and the store say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from antiphon.errors import AntiphonError


class OwnerClosed(AntiphonError):
    """The store knows no such owner: it was adopted or written off, and may spend nothing."""


class Pot(NamedTuple):
    """Which money: a budget in one of its periods.

    Attributes:
        scope: `organisation`, `team` and so on.
        name: Of the organisation, or of that and the team, the user, the key: `org_default/web`;
            never what a caller typed.
        period: `2026-11-26`, `2026-11` or `total`.
        ends: When it is over, in microseconds since 1970.
    """

    scope: str
    name: str
    period: str
    ends: int


class Wish(NamedTuple):
    """What an owner says of one pot.

    Attributes:
        pot: Which one.
        number: Of the pot; 0 where the owner does not know it yet.
        limit: What all owners together may spend.
        spent: What the owner spent, since it began; it never shrinks.
        keep: What it goes on holding, spent money included; what it took beyond that comes back.
        need: Without which it cannot go on; 0 where it can.
        want: What it would like to have.
        steps: Shares of the limit, per mille, at which somebody is to be warned.
        done: The owner is done with it: what it spent stays spent, and it begins anew at nothing.
    """

    pot: Pot
    number: int
    limit: int
    spent: int
    keep: int
    need: int = 0
    want: int = 0
    steps: tuple[int, ...] = ()
    done: bool = False


class Mark(NamedTuple):
    """How far a segment of the owner's journal is contained in what it said to have spent.

    Attributes:
        upto: The place behind the last record that is.
        whole: Nothing comes after it.
    """

    segment: int
    upto: int
    whole: bool


class Standing(NamedTuple):
    """How an owner stands with one pot.

    Attributes:
        pot: Which one.
        number: Of the pot.
        taken: What it holds, spent money included.
        others: What is spent of the pot, as far as it was reported, by all but the owner.
        best: What is left if everything comes back that is not known to be spent; may be negative.
        asked: Somebody waits for what the owner has and does not use.
        crossed: The share, per mille, that somebody is to be warned of now; 0 for none.
    """

    pot: Pot
    number: int
    taken: int
    others: int
    best: int
    asked: bool
    crossed: int


class Estate(NamedTuple):
    """What is known of how far an owner's journal is reported.

    Attributes:
        through: All segments up to this one are, whole.
        marks: Of segments after it: how far, and whether whole.
    """

    through: int
    marks: Mapping[int, Mark]


class Orphan(NamedTuple):
    """Money of which nobody can say whether it was spent.

    Attributes:
        owner: Who took it.
        amount: Billionths of a dollar.
        reason: Why nobody can.
    """

    owner: str
    pot: Pot
    amount: int
    reason: str


class Balance(NamedTuple):
    """What has become of a pot.

    Attributes:
        spent: What is known to be spent.
        held: What owners hold beyond that: reserved, or not used yet.
        written_off: What was counted as spent by a person's decision; not in `spent`.
        limit: As it was said last; 0 where nobody did.
    """

    pot: Pot
    spent: int
    held: int
    written_off: int
    limit: int = 0

    @property
    def used(self) -> int:
        """What is gone of the pot."""
        return self.spent + self.written_off

    @property
    def share(self) -> float:
        """What is gone of its limit, from 0 to 1 and beyond."""
        return self.used / self.limit if self.limit else 1.0
