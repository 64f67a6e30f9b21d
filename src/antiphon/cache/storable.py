"""Which answers may be given again.

Stored is what the route would answer on its best day, and nothing else: an answer of a fallback,
one that was cut short, or a refusal would hide for the life of an entry that things are well again.

An answer that asks for tools is stored only where the route says so: what the caller runs for it
may have effects, and whoever asks twice to have a mail sent may mean it. A route for one-shot
questions with a tool as form of its answer can switch it on.
"""

from __future__ import annotations

import enum

import msgspec

from antiphon.cache.directives import Wishes
from antiphon.cache.policy import CachePolicy
from antiphon.model.reply import StopReason


class WhyNot(enum.StrEnum):
    """Why an answer is not stored."""

    CALLER = "caller"
    """The caller said `no-store`."""
    SWITCHED_OFF = "switched_off"
    """The route shares calls, but keeps nothing."""
    INCOMPLETE = "incomplete"
    """It failed, or its end was not seen."""
    FALLBACK = "fallback"
    """Another deployment than the first choice gave it."""
    CONTINUED = "continued"
    """Its stream broke, and another call went on with it."""
    DEGRADED = "degraded"
    """It is canned, or itself a stored one."""
    CAPPED = "capped"
    """It was given less room than its caller asked for, to fit a budget."""
    TRUNCATED = "truncated"
    """The model ran out of tokens."""
    REFUSED = "refused"
    """The model, or a filter, refused."""
    INVALID = "invalid"
    """It has not the form that was asked for."""
    TOOLS = "tools"
    """It asks for tools."""
    UNFINISHED = "unfinished"
    """The provider did not say that it is done, or said that there is more to come."""
    TOO_LARGE = "too_large"
    """It is longer than an entry may be."""


class Ending(msgspec.Struct, frozen=True, gc=False):
    """How an answer came about.

    Attributes:
        stop: Why the model stopped; None where none was told.
        complete: All of it came: a success status, the terminal event, no failure.
        fallback: Another deployment gave it than the one that was chosen first.
        continued: Several calls gave it, one going on where another broke.
        degraded: It is canned or stale.
        capped: A budget made its bound of output less than what the caller asked for.
        vectors: It consists of vectors: there is no reason to stop.
        invalid: It was looked at, and has not the form that was asked for.
    """

    stop: StopReason | None
    complete: bool = True
    fallback: bool = False
    continued: bool = False
    degraded: bool = False
    capped: bool = False
    vectors: bool = False
    invalid: bool = False

    @property
    def is_flawed(self) -> bool:
        """Whether it is not what the route would answer on its best day."""
        spoilt = self.degraded or self.capped or self.invalid
        return not self.complete or self.fallback or self.continued or spoilt


_STOPS: dict[StopReason | None, WhyNot] = {
    None: WhyNot.UNFINISHED,
    StopReason.PAUSE: WhyNot.UNFINISHED,
    StopReason.ERROR: WhyNot.INCOMPLETE,
    StopReason.LENGTH: WhyNot.TRUNCATED,
    StopReason.CONTEXT: WhyNot.TRUNCATED,
    StopReason.FILTER: WhyNot.REFUSED,
    StopReason.REFUSAL: WhyNot.REFUSED,
}


def why_not(ending: Ending, policy: CachePolicy, wishes: Wishes) -> WhyNot | None:
    """Why an answer is not to be stored; None where it is."""
    stop = ending.stop
    if not ending.is_flawed and wishes.stores and policy.keeps:
        if ending.vectors:
            return None
        if stop is StopReason.TOOL:
            return None if policy.tool_calls else WhyNot.TOOLS
        return _STOPS.get(stop)
    flaws = (
        (not wishes.stores, WhyNot.CALLER),
        (not policy.keeps, WhyNot.SWITCHED_OFF),
        (not ending.complete, WhyNot.INCOMPLETE),
        (ending.continued, WhyNot.CONTINUED),
        (ending.fallback, WhyNot.FALLBACK),
        (ending.degraded, WhyNot.DEGRADED),
        (ending.capped, WhyNot.CAPPED),
        (ending.invalid, WhyNot.INVALID),
    )
    return next(reason for flawed, reason in flaws if flawed)
