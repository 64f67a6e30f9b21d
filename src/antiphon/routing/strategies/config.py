"""`strategy` of a route: how its candidates are ordered.

A word (`cheapest`), a word with what it is told (`{sticky: {by: prefix}}`), or a list of them. Each
is read into a `StrategySettings` of which one member is set, and compiled into an `Order`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from antiphon.model.ask import Fact
from antiphon.routing.strategies.foreign import foreign
from antiphon.routing.strategies.measured import Cheapest, Fastest, LeastBusy, RateLimits
from antiphon.routing.strategies.order import Order
from antiphon.routing.strategies.settled import LocalFirst, Nearest, Priority, Quality, Weighted
from antiphon.routing.strategies.sticky import PREFIX_BYTES, Sticky
from antiphon.routing.strategies.strategy import Strategy, Surroundings


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NothingSettings(_Settings):
    """A strategy that needs to be told nothing."""


class FastestSettings(_Settings):
    """What is thought of as fast."""

    tokens: int | None = Field(
        default=None,
        ge=0,
        description="Tokens of the answer that is thought of: 0 counts the time to the first byte "
        "alone. By default as many as answers of the route usually have.",
    )
    forget: float = Field(
        default=300,
        gt=0,
        le=86_400,
        description="Seconds in which two thirds fade of what was measured of a deployment that is "
        "idle; then it is asked again.",
    )


class QualitySettings(_Settings):
    """When two models are equally good."""

    within: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Points within which models are equal: the next strategy decides.",
    )


class StickySettings(_Settings):
    """What belongs together, and how much one deployment may have of it."""

    by: Literal["conversation", "prefix"] = Field(
        default="conversation",
        description="`conversation`: the id that callers give it, else its system prompt and first "
        "turn. `prefix`: how the prompt begins.",
    )
    bytes: int = Field(
        default=1024,
        ge=16,
        le=PREFIX_BYTES,
        description="Bytes of the prompt that count for `prefix`.",
    )
    load: float = Field(
        default=1.25,
        ge=1,
        le=100,
        description="How many times its fair share of all attempts under way a deployment may "
        "have; beyond it the next one by hash is asked.",
    )
    floor: int = Field(
        default=4,
        ge=1,
        description="Attempts under way that a deployment may have whatever its share is.",
    )


class CustomSettings(_Settings):
    """A strategy of your own."""

    path: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="The class, as `module:Class`; Python must be able to import it.",
    )
    options: Mapping[str, object] = Field(
        default_factory=dict[str, object], description="Its arguments, by name."
    )

    @model_validator(mode="after")
    def _can_be_made(self) -> CustomSettings:
        foreign(self.path, self.options)
        return self


class StrategySettings(_Settings):
    """One strategy: a word, or a word with what it is told."""

    priority: NothingSettings | None = Field(default=None, description="In the order given.")
    weighted: NothingSettings | None = Field(
        default=None, description="By chance, each as often first as its `weight` says."
    )
    cheapest: NothingSettings | None = Field(
        default=None,
        description="The lowest price that is expected, with what the provider's cache usually "
        "has of a prompt; those within two in a hundred are equal.",
    )
    fastest: FastestSettings | None = Field(
        default=None,
        description="The shortest time to an answer, as measured; those within a quarter are "
        "equal.",
    )
    least_busy: NothingSettings | None = Field(
        default=None, description="The fewest attempts under way, for the `weight` of each."
    )
    rate_limits: NothingSettings | None = Field(
        default=None,
        description="Those first of whose keys the fewest rest since a rate limit was reached.",
    )
    local_first: NothingSettings | None = Field(
        default=None, description="Those on one's own machines and networks first."
    )
    nearest: NothingSettings | None = Field(
        default=None, description="Those first whose `region` is `server.region`."
    )
    quality: QualitySettings | None = Field(
        default=None, description="The best model first, as `quality` of each model says."
    )
    sticky: StickySettings | None = Field(
        default=None, description="The same deployment for what belongs together."
    )
    custom: CustomSettings | None = Field(default=None, description="One of your own.")

    @model_validator(mode="before")
    @classmethod
    def _word(cls, value: object) -> object:
        if isinstance(value, str):
            if value not in cls.model_fields:
                names = ", ".join(cls.model_fields)
                raise PydanticCustomError("enum", "unknown strategy", {"expected": names})
            return {value: {}}
        if isinstance(value, dict):
            members: dict[object, object] = {**value}
            nothing: dict[str, object] = {}
            return {name: nothing if told is None else told for name, told in members.items()}
        return value

    @model_validator(mode="after")
    def _is_one(self) -> StrategySettings:
        if len(self.model_fields_set) != 1:
            raise PydanticCustomError("one_strategy", "name one strategy; a list takes several")
        return self

    @model_serializer(mode="wrap")
    def _shown(self, dump: SerializerFunctionWrapHandler) -> dict[str, object]:
        return {name: told for name, told in dump(self).items() if told is not None}

    @property
    def name(self) -> str:
        """Its name."""
        [name] = self.model_fields_set
        return name

    def made(self, around: Surroundings) -> Strategy:
        """The strategy."""
        if self.sticky is not None:
            told = self.sticky
            by = Fact.CONVERSATION if told.by == "conversation" else Fact.PREFIX
            return Sticky(by, size=told.bytes, load=told.load, floor=told.floor)
        if self.fastest is not None:
            return Fastest(self.fastest.forget, self.fastest.tokens)
        if self.quality is not None:
            return Quality(self.quality.within)
        if self.custom is not None:
            return foreign(self.custom.path, self.custom.options)
        return _PLAIN[self.name](around)


_PLAIN: Mapping[str, Callable[[Surroundings], Strategy]] = {
    "priority": lambda _: Priority(),
    "weighted": Weighted,
    "cheapest": Cheapest,
    "least_busy": lambda _: LeastBusy(),
    "rate_limits": lambda _: RateLimits(),
    "local_first": lambda _: LocalFirst(),
    "nearest": Nearest,
}


_Word: TypeAlias = Literal[
    "priority",
    "weighted",
    "cheapest",
    "fastest",
    "least_busy",
    "rate_limits",
    "local_first",
    "nearest",
    "quality",
    "sticky",
]
_Said: TypeAlias = _Word | StrategySettings


def _as_list(value: Sequence[object] | str | Mapping[str, object]) -> object:
    if not isinstance(value, list | tuple):
        return [value]
    if not value:
        raise PydanticCustomError("no_strategy", "needs at least one strategy")
    return value


Strategies: TypeAlias = Annotated[
    tuple[StrategySettings, ...],
    BeforeValidator(_as_list, json_schema_input_type=_Said | list[_Said]),
]
"""The strategies of a route, the first one first."""


def order_of(strategies: Sequence[StrategySettings], around: Surroundings) -> Order:
    """What they compile to."""
    return Order([(each.name, each.made(around)) for each in strategies])
