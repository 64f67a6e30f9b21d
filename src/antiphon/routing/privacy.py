"""How far a request goes: what it is marked with, and what is found in it.

The highest mark counts; a caller can raise it, never lower it. Patterns are looked for in every
text of a JSON body, and in any other body as if it were text. What cannot be looked through counts
as high as anything that could be found in it, unless the configuration says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from antiphon.model.ask import SENSITIVITIES, Sensitivity, SensitivityWord
from antiphon.routing.patterns import compile_pattern


def _is_pattern(text: str) -> str:
    compile_pattern(text)
    return text


class DetectSettings(BaseModel):
    """What makes a request sensitive where it stands in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matches: Annotated[str, AfterValidator(_is_pattern)] = Field(
        min_length=1,
        description="A regular expression; looked for in every text of the request, of whatever "
        "turn, tool or member.",
    )
    sensitivity: SensitivityWord = Field(
        default="restricted", description="How far a request goes in which it is found."
    )


class PrivacySettings(BaseModel):
    """How far requests go; each goes only to providers with that `clearance`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: SensitivityWord = Field(
        default="public",
        description="The sensitivity of a request that nobody marks, and in which nothing is "
        "found.",
    )
    detect: tuple[DetectSettings, ...] = Field(
        default=(), description="What makes a request sensitive where it stands in it."
    )
    unreadable: SensitivityWord | None = Field(
        default=None,
        description="The sensitivity of a request that cannot be looked through: it has pictures, "
        "sounds or documents, or something of it lies elsewhere. By default as high as any of "
        "`detect` may find, so that it fails rather than leaks; without `detect` it means nothing.",
    )


class Privacy:
    """Says how sensitive a request is.

    Attributes:
        least: Of every request.
        detects: Whether requests have to be looked through.
    """

    __slots__ = ("_detectors", "_unreadable", "detects", "least")

    def __init__(self, settings: PrivacySettings) -> None:
        self.least = SENSITIVITIES[settings.default]
        found = [
            (SENSITIVITIES[each.sensitivity], compile_pattern(each.matches))
            for each in settings.detect
        ]
        # The highest first: nothing below it has to be looked for once it is found.
        self._detectors = sorted(found, key=lambda each: -each[0])
        self.detects = bool(found)
        highest = max((each for each, _ in found), default=Sensitivity.PUBLIC)
        said = settings.unreadable
        self._unreadable = highest if said is None else SENSITIVITIES[said]

    def found_in(self, body: bytes, least: Sensitivity, *, hides: bool) -> Sensitivity:
        """The highest of what stands in a body, JSON or not, and of `least`.

        Args:
            body: What is sent.
            least: What is known already.
            hides: Whether there is more than can be read.
        """
        try:
            texts = list(_texts(msgspec.json.decode(body))) if body else []
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            texts, hides = [body.decode("utf-8", "replace")], True
        if hides:
            least = max(least, self._unreadable)
        for sensitivity, pattern in self._detectors:
            if sensitivity <= least:
                break
            if any(pattern.search(text) for text in texts):
                return sensitivity
        return least


def _texts(value: object) -> Iterator[str]:
    """Every text in a JSON value, names of members included."""
    waiting: list[object] = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            waiting += each.keys()
            waiting += each.values()
        elif isinstance(each, Sequence):
            waiting += each
