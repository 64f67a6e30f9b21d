"""The `models` section: the names that callers use, and what stands behind each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema
from typing_extensions import override

from antiphon.cache.config import ONLY_STALE, RouteCacheSettings
from antiphon.model.ask import SensitivityWord
from antiphon.pipeline.degrade_config import DegradeSettings
from antiphon.providers.breaking import BreakerSettings
from antiphon.resilience.retry import RetrySettings
from antiphon.routing.config import LanguageSettings, RuleList
from antiphon.routing.strategies.config import NothingSettings, Strategies, StrategySettings
from antiphon.usage.captures.config import CaptureLevel

WILD = "*"
"""What stands for any text in the names of routes."""
ANY = WILD
"""The name of the route that takes every `provider/model` name which has no route of its own."""

OnLoss = Literal["drop", "error", "skip"]
JsonSchema = dict[str, object]
_ENTRY: JsonSchema = {"type": "string", "pattern": "^\\S+$"}


class Target(NamedTuple):
    """A model at a provider, as `provider/model`; only the first slash counts."""

    provider: str
    model: str

    @classmethod
    def parse(cls, text: str) -> Target:
        """Split `provider/model`.

        Raises:
            ValueError: One of the two is missing.
        """
        provider, _, model = text.partition("/")
        if not provider or not model or text != "".join(text.split()):
            raise ValueError("must be PROVIDER/MODEL, without spaces")
        return cls(provider, model)


def _is_entry(text: str) -> str:
    if "/" in text:
        Target.parse(text)
    elif not text or text != "".join(text.split()):
        raise ValueError("must be PROVIDER/MODEL, or the name of another model, without spaces")
    return text


class PoolEntry(BaseModel):
    """One of those who may answer; the text of `model` alone is enough."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[str, AfterValidator(_is_entry)] = Field(
        description="A model at a provider, as `PROVIDER/MODEL`; or the name of another entry of "
        "`models`, for all that stands behind that."
    )
    weight: float = Field(
        default=1.0,
        gt=0,
        le=1_000_000,
        description="Its share of the work against the others', where a strategy shares it out.",
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        return {"model": value} if isinstance(value, str) else value

    @classmethod
    @override
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        """The short form belongs to the schema too."""
        whole = handler.resolve_ref_schema(handler(core_schema))
        return {"anyOf": [_ENTRY, whole]}


class StructuredSettings(BaseModel):
    """What is done about answers that must be JSON, or keep to a schema."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    check: Literal["read", "always"] = Field(
        default="read",
        description="Which answers are checked: `read` are those that are read anyway, since they "
        "are translated, or since the form was asked for in words; `always` are also those whose "
        "bytes go through.",
    )
    on_invalid: Literal["tell", "fail"] = Field(
        default="tell",
        description="What becomes of a whole answer that is not valid: `tell` says so in the "
        "header `x-antiphon-structured`; `fail` asks the next deployment.",
    )


class OverridesSettings(BaseModel):
    """What callers may say of a request themselves; never beyond their rights and budgets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: bool = Field(
        default=True,
        description="Further names to be asked after the one that is asked for: `models` in the "
        "body, or the header `x-antiphon-models`.",
    )
    provider: bool = Field(
        default=True,
        description="Which providers are preferred, or left out: `provider` in the body, or the "
        "headers `x-antiphon-provider-order`, `-only` and `-ignore`.",
    )
    deadline: float | None = Field(
        default=None,
        gt=0,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds up to which `x-antiphon-deadline` may be longer than `deadline`; by "
        "default it may only be shorter.",
    )
    tags: bool = Field(
        default=True,
        description="Whether what callers say of `tags` and `task` counts for rules.",
    )


class RouteSettings(BaseModel):
    """What stands behind a name; `PROVIDER/MODEL` alone, or a list, is enough."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deployments: tuple[PoolEntry, ...] = Field(
        default=(),
        description="Who may answer: models at providers, each as `PROVIDER/MODEL`, or names of "
        "other models for what stands behind those. The next one is asked when one fails. In a "
        "route whose name has a `*`, a `*` here stands for the same text.",
    )
    aliases: tuple[str, ...] = Field(default=(), description="Other names for the same route.")
    strategy: Strategies = Field(
        default=(StrategySettings(priority=NothingSettings()),),
        description="How the deployments are ordered: a word, a word with what it is told, or a "
        "list of them, in which what is equal for one is left to the next. By default "
        "`priority`, which keeps the order given. Those that are failing right now are last.",
    )
    rules: RuleList = Field(
        default=(),
        description="Where requests of a kind go: of those that match, the first counts, and a "
        "request that matches none goes to the deployments of the route.",
    )
    language: LanguageSettings = Field(
        default_factory=LanguageSettings,
        description="How the rules tell in which language somebody writes.",
    )
    retry: RetrySettings = Field(
        default_factory=RetrySettings, description="Trying again when a call fails."
    )
    breaker: BreakerSettings | None = Field(
        default=None,
        description="When its deployments are left alone; by default as their providers' entries "
        "say. Routes that share a deployment must agree.",
    )
    deadline: float = Field(
        default=600, gt=0, description="Seconds for the whole request, all attempts included."
    )
    sensitivity: SensitivityWord = Field(
        default="public",
        description="How far its requests go, at least: `public`, `internal`, `confidential` or "
        "`restricted`. Only providers with that `clearance` are asked.",
    )
    overrides: OverridesSettings = Field(
        default_factory=OverridesSettings,
        description="What callers may say of a request themselves.",
    )
    capture: CaptureLevel = Field(
        default="none",
        description="What is kept of the content of requests: `none`; `metadata`, which is "
        "parameters, counts and sizes without any text; `full`, which is what callers send and "
        "get. Kept apart from the ledger, as the section `capture` says.",
    )
    on_loss: OnLoss = Field(
        default="drop",
        description="When a deployment cannot do something that a request asks for: `drop` leaves "
        "it out and says so in a header, `error` refuses the request, `skip` asks another "
        "deployment. What would change the answer is never dropped.",
    )
    cache: RouteCacheSettings | None = Field(
        default=None,
        description="Whether answers are kept, and given again to the same question; by default "
        "they are not. `cache: {}` keeps each for an hour, for the user who asked.",
    )
    degrade: DegradeSettings | None = Field(
        default=None,
        description="What stands in for an answer where no deployment gives one; by default "
        "nothing does, and the caller is told the error.",
    )
    structured: StructuredSettings = Field(
        default_factory=StructuredSettings,
        description="Answers that must be JSON, or keep to a schema.",
    )
    continuation: bool = Field(
        default=True,
        description="A stream that breaks after some of its text was given is gone on with by a "
        "deployment that can go on with a begun answer. Where none can, or with `false`, it ends "
        "with an error that holds the text.",
    )
    passthrough: bool = Field(
        default=False,
        description='Only for the name `"*"`: names that no route has are read as '
        "`PROVIDER/MODEL` and reach that provider directly.",
    )

    @model_validator(mode="after")
    def _cache_does_something(self) -> Self:
        cache = self.cache
        if cache is not None and not cache.ttl and not cache.share and not self.stale_for:
            raise ValueError(
                "a cache with ttl of 0 and without share does nothing, unless degrade.stale_for "
                "has its answers stand in"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        deployments: object = [value] if isinstance(value, str) else value
        return {"deployments": deployments} if isinstance(value, str | list) else value

    @property
    def stale_for(self) -> float:
        """Seconds beyond its life for which a stored answer may stand in."""
        return self.degrade.stale_for if self.degrade is not None else 0

    @property
    def keeps(self) -> RouteCacheSettings | None:
        """What is done with answers; None where none are kept."""
        return self.cache or (ONLY_STALE if self.stale_for else None)

    @property
    def entries(self) -> Iterator[tuple[tuple[str | int, ...], PoolEntry]]:
        """All that may answer, each with where it stands in the route."""
        for index, entry in enumerate(self.deployments):
            yield ("deployments", index), entry
        for index, rule in enumerate(self.rules):
            for number, model in enumerate(rule.use):
                yield ("rules", index, "use", number), PoolEntry(model=model)

    @property
    def targets(self) -> Iterator[tuple[tuple[str | int, ...], Target]]:
        """Of these, those that name one model at a provider."""
        for path, entry in self.entries:
            if "/" in entry.model and WILD not in entry.model:
                yield path, Target.parse(entry.model)

    @classmethod
    @override
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        """The short forms belong to the schema too."""
        whole = handler.resolve_ref_schema(handler(core_schema))
        return {"anyOf": [_ENTRY, {"type": "array", "items": _ENTRY}, whole]}
