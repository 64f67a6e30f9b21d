"""A limit, compiled: how much of one measure may be taken, by whom, and in which time."""

from __future__ import annotations

import enum

import msgspec

from antiphon.model.principal import Principal


class Scope(enum.StrEnum):
    """Whose limit it is: a caller's, the name that is asked for, or that of who is asked."""

    KEY = "key"
    USER = "user"
    TEAM = "team"
    DEPARTMENT = "department"
    ORGANISATION = "organisation"
    ALIAS = "alias"
    DEPLOYMENT = "deployment"
    PROVIDER = "provider"
    PROVIDER_KEY = "provider_key"


CALLERS = (Scope.KEY, Scope.USER, Scope.TEAM, Scope.DEPARTMENT, Scope.ORGANISATION)
"""Scopes of which names are walled: each organisation has its own."""
ADMITTED = (*CALLERS, Scope.ALIAS)
"""Scopes that are looked at once a request; the others at each attempt."""


class Measure(enum.IntEnum):
    """What is counted; its number is its place among the amounts of a demand."""

    REQUESTS = 0
    TOKENS = 1
    DOLLARS = 2
    CONCURRENCY = 3
    PROMPT = 4
    """Tokens of one request's prompt: nothing is counted, a longer one is refused."""
    BODY = 5
    """Bytes of one request's body, likewise."""


class QueueBounds(msgspec.Struct, frozen=True):
    """How long a queue may be.

    Attributes:
        length: Requests that wait at once.
        seconds: For which one of them waits.
        step: Seconds that one step of priority is worth: who came so much later is behind.
    """

    length: int
    seconds: float
    step: float


class Limit(msgspec.Struct, frozen=True):
    """One limit of one measure.

    Attributes:
        scope: Whose it is.
        organisation: Whose names these are; empty for all organisations.
        name: Of the one whose it is; empty where it is that of each, or of all together.
        total: All of the scope share it; else each has its own.
        measure: What is counted.
        bound: The most: of requests, tokens, billionths of a dollar.
        seconds: Length of the window; 0 where nothing is counted over time.
        shadow: What is over it is told, and nobody is refused.
        queue: How long what is over it may wait; None where it is refused at once.
        most: The most that a request can take is reserved, not what it is likely to take.
        layer: Who made it: empty for the operator, else the id of the organisation. A limit by
            name takes the place of those of each of its own layer only, so that no organisation
            can lift what the operator set.
        provider: Of a limit of provider keys, the entry whose keys they are; empty for all.
    """

    scope: Scope
    measure: Measure
    bound: int
    seconds: float = 0.0
    organisation: str = ""
    name: str = ""
    total: bool = False
    shadow: bool = False
    queue: QueueBounds | None = None
    most: bool = False
    layer: str = ""
    provider: str = ""

    @property
    def identity(self) -> tuple[object, ...]:
        """What two limits may not have in common."""
        return (
            *(self.scope, self.organisation, self.name, self.total, self.measure),
            *(self.seconds, self.shadow, self.layer, self.provider),
        )


def name_of(scope: Scope, principal: Principal) -> str:
    """What a principal goes by in a scope of callers; empty where it has no such name."""
    match scope:
        case Scope.KEY:
            return principal.key_id
        case Scope.USER:
            return principal.user
        case Scope.TEAM:
            return principal.team
        case Scope.DEPARTMENT:
            return principal.department
        case _:
            return principal.tenant


_WINDOWS = {1: "a second", 60: "a minute", 3_600: "an hour", 86_400: "a day"}
_BILLION = 1_000_000_000


def in_words(limit: Limit) -> str:
    """What a limit allows, such as `60 requests a minute`."""
    match limit.measure:
        case Measure.REQUESTS:
            what = f"{limit.bound} requests"
        case Measure.TOKENS:
            what = f"{limit.bound} tokens"
        case Measure.DOLLARS:
            whole, part = divmod(limit.bound, _BILLION)
            what = f"{whole}.{part:09d}".rstrip("0").rstrip(".") + " dollars"
        case Measure.CONCURRENCY:
            return f"{limit.bound} requests at once"
        case Measure.PROMPT:
            return f"{limit.bound} tokens in a prompt"
        case Measure.BODY:
            return f"{limit.bound} bytes in a body"
    window = _WINDOWS.get(int(limit.seconds))
    return f"{what} {window}" if window else f"{what} in {limit.seconds:g} seconds"


def whose(limit: Limit) -> str:
    """Whose limit it is, for whoever meets it: `this key`."""
    scope = limit.scope.value.replace("_", " ")
    return f"all {scope}s together" if limit.total else f"this {scope}"


def reached(limit: Limit) -> str:
    """A sentence for whoever is refused."""
    return f"The limit of {in_words(limit)} of {whose(limit)} is reached."
