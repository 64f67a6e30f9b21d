"""The `limits` section, and what entries of `providers` say of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from antiphon.limits.limit import CALLERS, Limit, Measure, QueueBounds, Scope
from antiphon.providers.config import ProviderLimitSettings, ProviderSettings

MOST = 1_000_000_000_000_000
"""Of requests and tokens; sums of them fit into 64 bits."""
MOST_DOLLARS = 1_000_000_000
LONGEST_WINDOW = 31 * 86_400
_BILLION = 1_000_000_000
_SECONDS: Mapping[str, float] = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


def _no_flag(value: object) -> object:
    """YAML's `yes` is no number, though Python takes it for 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004  pydantic takes ValueError
    return value


Amount = Annotated[int, Field(ge=0, le=MOST), BeforeValidator(_no_flag)]
Dollars = Annotated[
    Decimal, Field(ge=0, le=MOST_DOLLARS, allow_inf_nan=False), BeforeValidator(_no_flag)
]
Per = (
    Literal["second", "minute", "hour", "day"]
    | Annotated[int, Field(ge=1, le=LONGEST_WINDOW), BeforeValidator(_no_flag)]
)
Priority = Literal["low", "normal", "high"]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QueueSettings(_Settings):
    """How long requests may wait where a limit is reached."""

    length: int = Field(
        default=100, ge=1, le=100_000, description="Requests that wait at once for one limit."
    )
    seconds: float = Field(
        default=30.0,
        gt=0,
        le=600,
        allow_inf_nan=False,
        description="For which one of them waits; then it gets 429.",
    )
    step: float = Field(
        default=5.0,
        ge=0,
        le=600,
        allow_inf_nan=False,
        description="Seconds that one step of priority is worth: a request goes before those of "
        "the next lower priority that came up to so much earlier, and before no others. So the low "
        "ones never starve.",
    )

    def compiled(self) -> QueueBounds:
        """As the road has it."""
        return QueueBounds(self.length, self.seconds, self.step)


class LimitSettings(_Settings):
    """How much one caller, or all of them, may ask for; or how much one provider is asked."""

    scope: Scope = Field(
        description="Whose limit it is: of a `key`, a `user`, a `team`, a `department` or an "
        "`organisation`; of the name that is asked for (`alias`); or of who is asked: a "
        "`deployment`, a `provider` or a `provider_key`. A request has to fit into every limit "
        "that it meets."
    )
    name: str = Field(
        default="",
        max_length=256,
        description="Which key (the id that logs and usage show), user and so on; of a deployment, "
        "`PROVIDER/MODEL`; of a provider key, the fingerprint that health shows. Without it, each "
        "has as much of its own, but for those that have a limit of the same measure by name.",
    )
    organisation: str = Field(
        default="",
        max_length=256,
        description="Whose keys, users, teams and departments are meant, by its id. Without it, "
        "each limit is that of every organisation, and a name is one of the home organisation.",
    )
    share: Literal["each", "total"] = Field(
        default="each",
        description="`each` has its own count; in a `total` all of the scope are counted together, "
        "in each organisation for itself.",
    )
    requests: Amount | None = Field(default=None, description="Requests in a window.")
    tokens: Amount | None = Field(
        default=None,
        description="Tokens in a window, of prompts and answers: estimated before a call, "
        "corrected after it.",
    )
    dollars: Dollars | None = Field(default=None, description="Dollars in a window, likewise.")
    per: Per = Field(
        default="minute",
        description="The window: `second`, `minute`, `hour`, `day`, or a number of seconds. It "
        "slides: at no time were there more in the last so many seconds.",
    )
    concurrency: Amount | None = Field(default=None, description="Requests under way at once.")
    tokens_per_request: Amount | None = Field(
        default=None,
        description="Tokens that a prompt may have, as they are estimated; a longer one is refused "
        "as too long for the model would be.",
    )
    bytes_per_request: Amount | None = Field(
        default=None, description="Bytes that the body of a request may have; else it gets 413."
    )
    mode: Literal["enforce", "shadow"] = Field(
        default="enforce",
        description="`shadow` counts and tells what would be refused, in a header and a metric, "
        "and refuses nobody.",
    )
    when_full: Literal["refuse", "queue"] = Field(
        default="refuse",
        description="What is done where it is reached: `refuse` answers 429 at once; `queue` lets "
        "requests wait, the most urgent first. Where other deployments could answer, these are "
        "asked before anybody waits.",
    )
    queue: QueueSettings | None = Field(
        default=None, description="Bounds of its queue; by default those of `limits.queue`."
    )
    reserve: Literal["likely", "most"] = Field(
        default="likely",
        description="What is counted of tokens and dollars while a call is under way: `likely` is "
        "an estimate, which the last answers may exceed; `most` is the most that is possible, so "
        "that the limit holds whatever comes. Both are corrected when the call has ended.",
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        given = (self.requests, self.tokens, self.dollars, self.concurrency)
        if all(each is None for each in (*given, self.tokens_per_request, self.bytes_per_request)):
            raise ValueError(
                "limits nothing: give requests, tokens, dollars, concurrency, tokens_per_request "
                "or bytes_per_request"
            )
        if self.share == "total" and self.name:
            raise ValueError("a limit by name is that one's own: leave out share, or name")
        if self.organisation and self.scope not in CALLERS:
            raise ValueError(f"the scope {self.scope} is no organisation's: leave out organisation")
        if self.organisation and self.scope is Scope.ORGANISATION:
            raise ValueError("the organisation is told by name")
        single = self.tokens_per_request is not None or self.bytes_per_request is not None
        if single and self.scope not in (*CALLERS, Scope.ALIAS):
            raise ValueError(
                f"tokens_per_request and bytes_per_request are not for a {self.scope}: what a "
                "model takes is known of it"
            )
        if self.queue is not None and self.when_full != "queue":
            raise ValueError("queue is for when_full: queue")
        return self


class PrioritySettings(_Settings):
    """How urgent the requests of somebody may be."""

    scope: Literal["key", "user", "team", "department", "organisation"] = Field(
        description="Who is named: a `key`, `user`, `team`, `department` or `organisation`."
    )
    name: str = Field(min_length=1, max_length=256, description="Of the key, user and so on.")
    organisation: str = Field(
        default="",
        max_length=256,
        description="Whose key, user, team or department, by its id; by default the home "
        "organisation's.",
    )
    usual: Priority = Field(default="normal", description="Where a request says nothing.")
    most: Priority = Field(
        default="normal", description="What it may say in `x-antiphon-priority` at most."
    )


class LimitsSettings(_Settings):
    """How much may be under way, in this process and by whom."""

    concurrency: int = Field(
        default=1000,
        ge=1,
        description="Requests under way at once; one more is refused with 503 and `retry-after`.",
    )
    rules: tuple[LimitSettings, ...] = Field(
        default=(), max_length=10_000, description="The limits, in any order: all of them hold."
    )
    queue: QueueSettings = Field(
        default_factory=QueueSettings,
        description="Bounds of queues, for limits that say nothing of theirs.",
    )
    priorities: tuple[PrioritySettings, ...] = Field(
        default=(),
        max_length=10_000,
        description="Whose requests may be more or less urgent than usual. The first that fits a "
        "caller holds; whoever is in none of them may say `normal` and `low`.",
    )
    most_counts: int = Field(
        default=100_000,
        ge=100,
        le=10_000_000,
        description="Counts that are kept at once, one for each key, user and so on that was "
        "active in its window. Beyond that, newcomers are counted together, as strictly as one.",
    )

    def twins(self) -> Iterator[tuple[int, str]]:
        """Rules that limit what an earlier one limits: their numbers, and what is wrong."""
        known: set[object] = set()
        for number, each in enumerate(self.rules):
            for limit in compiled(each, queue=self.queue):
                if limit.identity in known:
                    what = f"a limit of {limit.measure.name.lower()} in the same window"
                    yield number, f"{_whose(limit)} has {what} already"
                known.add(limit.identity)


def compiled(
    settings: LimitSettings, *, queue: QueueSettings, layer: str = ""
) -> tuple[Limit, ...]:
    """A limit as the road has it: one for each measure.

    Args:
        settings: As somebody wrote them.
        queue: Bounds for a queue that has none of its own.
        layer: The id of the organisation that made it, where it is not the operator: the limit is
            then that organisation's, whatever it says.

    Raises:
        ValueError: The organisation may not have a limit of that scope.
    """
    scope, name, organisation = settings.scope, settings.name, settings.organisation
    if layer:
        if scope not in CALLERS:
            raise ValueError(f"an organisation sets no limits of a {scope}")
        if organisation not in {"", layer} or (
            scope is Scope.ORGANISATION and name not in {"", layer}
        ):
            raise ValueError("the limit is another organisation's")
        organisation = layer
        if scope is Scope.ORGANISATION:
            organisation, name = "", layer
    amounts = {
        Measure.REQUESTS: settings.requests,
        Measure.TOKENS: settings.tokens,
        # Down to a billionth, so that a limit is never exceeded by rounding.
        Measure.DOLLARS: None if settings.dollars is None else int(settings.dollars * _BILLION),
        Measure.CONCURRENCY: settings.concurrency,
        Measure.PROMPT: settings.tokens_per_request,
        Measure.BODY: settings.bytes_per_request,
    }
    per = settings.per
    seconds = _SECONDS[per] if isinstance(per, str) else float(per)
    waits = settings.when_full == "queue" and settings.mode == "enforce"
    return tuple(
        Limit(
            scope=scope,
            measure=measure,
            bound=bound,
            seconds=seconds if measure <= Measure.DOLLARS else 0.0,
            organisation=organisation,
            name=name,
            total=settings.share == "total" and not name,
            shadow=settings.mode == "shadow",
            queue=(settings.queue or queue).compiled()
            if waits and measure <= Measure.CONCURRENCY
            else None,
            most=settings.reserve == "most",
            layer=layer,
        )
        for measure, bound in amounts.items()
        if bound is not None
    )


def of_section(
    settings: LimitsSettings, providers: Mapping[str, ProviderSettings]
) -> tuple[Limit, ...]:
    """All limits of a configuration."""
    found = [limit for each in settings.rules for limit in compiled(each, queue=settings.queue)]
    for name, entry in providers.items():
        found += _of_provider(entry.limits, Scope.PROVIDER, name, settings.queue)
        found += _of_provider(entry.key_limits, Scope.PROVIDER_KEY, name, settings.queue)
    return tuple(found)


def _of_provider(
    settings: ProviderLimitSettings | None, scope: Scope, provider: str, queue: QueueSettings
) -> list[Limit]:
    if settings is None:
        return []
    waits = queue.compiled() if settings.when_full == "queue" else None
    amounts = (
        (Measure.REQUESTS, settings.requests_per_minute, 60.0),
        (Measure.TOKENS, settings.tokens_per_minute, 60.0),
        (Measure.CONCURRENCY, settings.concurrency, 0.0),
    )
    named = scope is Scope.PROVIDER
    return [
        Limit(
            scope=scope,
            measure=measure,
            bound=bound,
            seconds=seconds,
            name=provider if named else "",
            queue=waits,
            provider="" if named else provider,
        )
        for measure, bound, seconds in amounts
        if bound is not None
    ]


def _whose(limit: Limit) -> str:
    if limit.name:
        return f"{limit.scope} {limit.name!r}"
    return f"the total of scope {limit.scope}" if limit.total else f"each {limit.scope}"
