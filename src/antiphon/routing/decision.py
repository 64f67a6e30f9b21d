"""Why a deployment was chosen, as it is kept and shown; holds no content."""

from __future__ import annotations

import enum
from collections.abc import Sequence

import msgspec


class State(enum.StrEnum):
    """What became of a candidate."""

    CHOSEN = "chosen"
    """It comes first."""
    NEXT = "next"
    """It comes after those before it."""
    LEFT_OUT = "left_out"
    """It cannot, or may not, be asked."""
    NOT_LOOKED_AT = "not_looked_at"
    """One before it answered, so nobody looked."""


class Fate(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one candidate, and why.

    Attributes:
        deployment: `provider/model`.
        reason: Why it was left out, or what put it where it stands; empty if nothing did.
        scores: What the strategies gave it, in their order; less is better.
    """

    deployment: str
    state: State
    reason: str = ""
    scores: Sequence[float] = ()


class RuleFate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule that was looked at: whether it matched, and if not, why."""

    rule: str
    matched: bool
    reason: str = ""


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the candidates of one request came to their order.

    Attributes:
        route: The name that was asked for, as the configuration has it.
        generation: Of the configuration that decided.
        sensitivity: Of the request.
        facts: What rules and strategies knew, as text; never what was said.
        rules: Those that were looked at, in their order.
        strategies: By name, in their order.
        active: The deployment that somebody put first; empty if nobody did.
        candidates: In the order in which they are asked, then those that are left out.
    """

    route: str
    generation: int
    sensitivity: str = "public"
    facts: dict[str, str] = {}
    rules: Sequence[RuleFate] = ()
    strategies: Sequence[str] = ()
    active: str = ""
    candidates: Sequence[Fate] = ()
