"""What a route says under `degrade`: the ladder's steps, and the canned texts with their rules."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, field_validator

from antiphon.resilience.canned import CannedText, is_file
from antiphon.resilience.degrade import LadderSettings
from antiphon.routing.config import WhenSettings


class CannedSettings(CannedText):
    """A canned text, and when it is the right one."""

    when: WhenSettings = Field(
        default_factory=WhenSettings,
        description="When it is given, in the words of `rules`; without it always.",
    )


class DegradeSettings(LadderSettings):
    """What stands in for an answer that no deployment of the route gives; nothing by default."""

    canned: tuple[CannedSettings, ...] = Field(
        default=(),
        description="Last step: texts that are given in place of an answer; the first one whose "
        "`when` holds. A text alone is enough, or the path of a file (one word that ends in "
        "`.md`, `.txt`, `.jinja` or `.j2`). Never given to requests with tools or their results, "
        "with a form of the answer (JSON, a schema, choices, logprobs, several answers), with a "
        "begun answer, for vectors, or on endpoints that are passed on.",
    )

    @field_validator("canned", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if isinstance(value, str):
            return [short(value)]
        alone: list[object] = [value]
        return alone if isinstance(value, Mapping) else value


def short(text: str) -> dict[str, str]:
    """What a text alone stands for."""
    return {"file" if is_file(text) else "text": text}
