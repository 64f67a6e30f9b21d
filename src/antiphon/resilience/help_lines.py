"""Whom a person in need can call, by region: for the texts that speak to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from antiphon.rendering.values import Value

_LONGEST = 200


class HelpLine(BaseModel):
    """One place that helps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        min_length=1, max_length=_LONGEST, description="What it is called, in its callers' words."
    )
    phone: str = Field(
        default="", max_length=_LONGEST, description="Its number, as people there dial it."
    )
    url: str = Field(default="", max_length=_LONGEST, description="Its page, or a chat.")
    hours: str = Field(
        default="", max_length=_LONGEST, description="When somebody answers, such as `24/7`."
    )

    @model_validator(mode="after")
    def _is_reached(self) -> Self:
        if not self.phone and not self.url:
            raise ValueError("needs phone or url: a line that nobody can reach helps nobody")
        return self


class HelpLinesSettings(BaseModel):
    """Help lines by region, and whose are given where nobody knows the region."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: str = Field(
        default="",
        description="The region of a caller who does not say one in the header "
        "`x-antiphon-region` or in the metadata member `region`, or says one that has no lines.",
    )
    regions: Mapping[str, tuple[HelpLine, ...]] = Field(
        default_factory=dict[str, tuple[HelpLine, ...]],
        description="The lines of each region, by its code, such as `DE`; the first is the first "
        "to call.",
    )

    @field_validator("regions")
    @classmethod
    def _are_named(
        cls, regions: Mapping[str, tuple[HelpLine, ...]]
    ) -> Mapping[str, tuple[HelpLine, ...]]:
        for name, lines in regions.items():
            if not lines:
                raise ValueError(f"the region {name} has no lines; leave it out")
        return {name.upper(): lines for name, lines in regions.items()}

    @model_validator(mode="after")
    def _is_there(self) -> Self:
        if self.region and self.region.upper() not in self.regions:
            raise ValueError(f"the region {self.region} has no lines under regions")
        return self


class HelpLines:
    """The same, compiled.

    Attributes:
        region: Of a caller whose region is not known; empty where none is set.
    """

    __slots__ = ("_regions", "region")

    def __init__(self, settings: HelpLinesSettings) -> None:
        self.region = settings.region.upper()
        self._regions: dict[str, Sequence[Value]] = {
            name: [
                {"name": each.name, "phone": each.phone, "url": each.url, "hours": each.hours}
                for each in lines
            ]
            for name, lines in settings.regions.items()
        }

    @property
    def any(self) -> bool:
        """Whether there are some."""
        return bool(self._regions)

    def of(self, region: str) -> tuple[str, Sequence[Value]]:
        """A caller's region, as it is known here, and its lines.

        A part of a region (`DE-BY`) has the lines of the whole where it has none of its own.
        """
        said = region.strip().upper()
        for name in (said, said.partition("-")[0], self.region):
            if name and name in self._regions:
                return name, self._regions[name]
        return said or self.region, ()
