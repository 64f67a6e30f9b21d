"""The rules of a route: `rules` and `language` under `models.<name>`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from antiphon.model.ask import SensitivityWord
from antiphon.model.needs import Need
from antiphon.routing.language import SHARE, SHORT
from antiphon.routing.patterns import compile_pattern

MOST_RULES = 100
ANY_VALUE = "*"
"""Of a header or of metadata: that it is there."""

Spoken = Literal["zh", "ja", "ko", "other"]
Urgency = Literal["low", "normal", "high"]


def _listed(value: object) -> object:
    """One value where a list of them may stand."""
    return [value] if isinstance(value, str) else value


def _lowered(value: str) -> str:
    return value.lower()


def _is_pattern(value: str) -> str:
    compile_pattern(value)
    return value


def _is_one_word(value: str) -> str:
    provider, slash, model = value.partition("/")
    if value != "".join(value.split()) or not provider or (slash and not model):
        raise ValueError("must be PROVIDER/MODEL, or the name of another model, without spaces")
    return value


Text = Annotated[str, Field(min_length=1, max_length=500)]
Word = Annotated[Text, AfterValidator(_lowered)]
Expression = Annotated[Text, AfterValidator(_is_pattern)]
_SOME = Field(min_length=1, max_length=100)
Entries = Annotated[
    tuple[Annotated[Text, AfterValidator(_is_one_word)], ...], BeforeValidator(_listed), _SOME
]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_listed), _SOME]
Words = Annotated[tuple[Word, ...], BeforeValidator(_listed), _SOME]
Expressions = Annotated[tuple[Expression, ...], BeforeValidator(_listed), _SOME]
Spokens = Annotated[tuple[Spoken, ...], BeforeValidator(_listed), _SOME]
Levels = Annotated[tuple[SensitivityWord, ...], BeforeValidator(_listed), _SOME]
Urgencies = Annotated[tuple[Urgency, ...], BeforeValidator(_listed), _SOME]
Needed = Annotated[tuple[Need, ...], BeforeValidator(_listed), _SOME]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LanguageSettings(_Settings):
    """The counter of scripts, as the rules of a route have it."""

    share: float = Field(
        default=SHARE,
        gt=0,
        le=1,
        description="The share of Chinese characters, each counted as a word, from which a text "
        "can be Chinese: a name in an English letter stays below it.",
    )
    short: int = Field(
        default=SHORT,
        ge=0,
        le=1000,
        description="Up to so many columns, of which a Chinese character takes two, a message "
        "belongs to what the user said before.",
    )


class TokenBounds(_Settings):
    """Tokens of a prompt, both bounds left out themselves."""

    over: int | None = Field(default=None, ge=0, description="It has more than that.")
    under: int | None = Field(default=None, ge=1, description="It has fewer than that.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.over is None and self.under is None:
            raise ValueError("needs over or under")
        return self


class ShareBounds(_Settings):
    """Of a budget, 1 being all of it; both bounds left out themselves."""

    over: float | None = Field(
        default=None, ge=0, le=10, description="More than that share is used."
    )
    under: float | None = Field(
        default=None, gt=0, le=10, description="Less than that share is used."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.over is None and self.under is None:
            raise ValueError("needs over or under")
        return self


class WhenSettings(_Settings):
    """When a rule applies: all that is named must hold; of a list, one."""

    language: Spokens = Field(
        default=(),
        description="The language that the newest message of the user and its attached text are "
        "written in, as far as the script tells: `zh`, `ja`, `ko` or `other`.",
    )
    task: Words = Field(
        default=(),
        description="What the request is for: the header `x-antiphon-task`, or `task_type` or "
        "`task` of its metadata.",
    )
    tags: Words = Field(
        default=(),
        description="Tags: the header `x-antiphon-tags`, or `tags` of the metadata, by commas.",
    )
    market: Words = Field(
        default=(),
        description="The header `x-antiphon-market`, or `market` of the metadata.",
    )
    message: Expressions = Field(
        default=(),
        description="Patterns that occur in the newest message of the user or its attached text, "
        "such as `(?i)\\b(apac|mainland china)\\b`. They take time in proportion to the text; "
        "look-around and back-references do not exist.",
    )
    headers: Mapping[Word, Words] = Field(
        default_factory=dict,
        description="Headers by name, each with the values that it may have, in whatever case; "
        '`"*"` is any.',
    )
    metadata: Mapping[Text, Words] = Field(
        default_factory=dict,
        description="Members of the metadata by name, each with the values that it may have, in "
        'whatever case; `"*"` is any.',
    )
    department: Texts = Field(default=(), description="The department of the key.")
    team: Texts = Field(default=(), description="The team of the key.")
    user: Texts = Field(default=(), description="The user of the key.")
    tokens: TokenBounds | None = Field(
        default=None, description="The size of the prompt in tokens, as it is estimated."
    )
    needs: Needed = Field(
        default=(),
        description="What the request needs beyond text, such as `images`, `tools` or "
        "`json_schema`.",
    )
    sensitivity: Levels = Field(default=(), description="How sensitive the request is.")
    budget_used: ShareBounds | None = Field(
        default=None,
        description="The share that is used of the budget that is nearest to its end, of those "
        "that the request is charged to. Without any budget it is 0.",
    )
    priority: Urgencies = Field(default=(), description="The priority of the request.")


class RuleSettings(_Settings):
    """Where requests of a kind go."""

    name: str = Field(
        default="",
        pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$",
        description="Shown wherever a decision is explained; each name once in a route. By default "
        "its place, as `rule-1`.",
    )
    when: WhenSettings = Field(
        default_factory=WhenSettings,
        description="When it applies; a rule without it always does, and comes last.",
    )
    use: Entries = Field(
        description="Who is asked then: models as `PROVIDER/MODEL`, or names of other `models`, "
        "whose deployments are meant.",
    )
    only: bool = Field(
        default=False,
        description="Whether nobody else is asked when all of these failed; by default the "
        "deployments of the route follow.",
    )


def _named(value: Sequence[object] | None) -> object:
    """The rules of a list, those without a name by their places."""
    if not isinstance(value, list | tuple):
        return value
    named: list[object] = []
    for place, each in enumerate(value, 1):
        if isinstance(each, dict):
            members: dict[object, object] = {"name": f"rule-{place}", **each}
            named.append(members)
        else:
            named.append(each)
    return named


RuleList = Annotated[
    tuple[RuleSettings, ...], BeforeValidator(_named), Field(max_length=MOST_RULES)
]
