"""The `budgets` section."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from antiphon.model.principal import HOME
from antiphon.usage.budgets.budget import EVERY, Budget, Scope
from antiphon.usage.budgets.periods import Per, zone_of

MOST_LIMIT = 1_000_000_000
"""Dollars. In billionths it fits into 64 bits, with room to add."""
_BILLION = 1_000_000_000
_MILLE = 1000


def _is_zone(name: str) -> str:
    zone_of(name)
    return name


Zone = Annotated[str, AfterValidator(_is_zone)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class BudgetSettings(BaseModel):
    """How much of whose money may be spent, and in which time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scope: Scope = Field(
        description="Whose money it is: of the whole `organisation`, of a `department`, a `team`, "
        "a `user` or a `key`. An attempt has to fit into every budget that it spends from."
    )
    name: str = Field(
        default="",
        max_length=256,
        description="Which team, user and so on; of keys, the id that logs and usage show. Without "
        "it, each has as much of its own, but for those that have a budget by name.",
    )
    organisation: str = Field(
        default=HOME,
        min_length=1,
        max_length=64,
        pattern=r"^(\*|[A-Za-z0-9_-]+)$",
        description="The id of the organisation whose money it is; by default that of the keys "
        "of the configuration. With `*`, each organisation has as much of its own.",
    )
    limit: Decimal = Field(
        ge=0,
        le=MOST_LIMIT,
        allow_inf_nan=False,
        description="Dollars. With 0, only what costs nothing is served.",
    )
    per: Per = Field(
        default="month", description="Whether it begins anew each `day` or `month`, or never."
    )
    when_short: Literal["cap", "refuse"] = Field(
        default="refuse",
        description="What happens to a request that might cost more than is left: `refuse` answers "
        "402; `cap` makes the answer as short as the money asks for and warns, and answers 402 "
        "where nothing useful would fit.",
    )
    bound: Literal["hard", "soft"] = Field(
        default="hard",
        description="What is reserved before each attempt: `hard` the most that it can cost, so "
        "that the limit cannot be exceeded; `soft` what it is likely to cost, so that more "
        "requests run at once, and the last of them may exceed the limit.",
    )
    warn_at: tuple[Share, ...] = Field(
        default=(0.8, 0.95),
        max_length=10,
        description="Shares of the limit at which a warning is sent.",
    )
    ask: str = Field(
        default="",
        max_length=200,
        description="Whom to ask for more, as the answer to a refused request says it; by default "
        "`budgets.ask`.",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.scope is Scope.ORGANISATION and self.name:
            raise ValueError("the organisation has no name: leave `name` out")
        return self


class BudgetsSettings(BaseModel):
    """What may be spent."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time_zone: Zone = Field(
        default="UTC",
        description="Whose midnights begin days and months, such as `Europe/Berlin`.",
    )
    wait: float = Field(
        default=5.0,
        ge=0.05,
        le=600,
        allow_inf_nan=False,
        description="Seconds for which a request waits for money that other requests have reserved "
        "and may not spend; then it gets 429.",
    )
    ask: str = Field(default="", max_length=200, description="Whom to ask for more.")
    limits: tuple[BudgetSettings, ...] = Field(default=(), description="The budgets.")

    @model_validator(mode="after")
    def _differ(self) -> Self:
        known: set[tuple[str, Scope, str, Per]] = set()
        for number, each in enumerate(self.limits):
            identity = (each.organisation, each.scope, each.name, each.per)
            if identity in known:
                whose = f"{each.scope} {each.name!r}" if each.name else f"each {each.scope}"
                if each.organisation not in {HOME, EVERY}:
                    whose += f" of {each.organisation}"
                raise ValueError(f"limits.{number}: {whose} has two budgets per {each.per}")
            known.add(identity)
        return self

    def compiled(self) -> list[Budget]:
        """The budgets as the road has them."""
        zone = zone_of(self.time_zone)
        return [
            Budget(
                scope=each.scope,
                name=each.name,
                # Down to a billionth, so that a limit is never exceeded by rounding.
                limit=int(each.limit * _BILLION),
                per=each.per,
                zone=zone,
                is_soft=each.bound == "soft",
                caps=each.when_short == "cap",
                steps=tuple(sorted({max(round(share * _MILLE), 1) for share in each.warn_at})),
                ask=each.ask or self.ask,
                organisation=each.organisation,
            )
            for each in self.limits
        ]
