"""The compiled `degrade` of a route."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.pipeline.degrade_config import DegradeSettings
from antiphon.resilience.canned import Canned, renderer
from antiphon.resilience.help_lines import HelpLines


class Degrade:
    """What stands in where a route has no answer.

    Attributes:
        wait: Seconds to wait for a deployment to come back.
        pool: The name whose deployments are asked next; empty for none.
        covers: The caller's own bounds that stale and canned answers stand in for, too.
        canned: The texts, in the order in which they are looked at.
    """

    __slots__ = ("canned", "covers", "pool", "wait")

    def __init__(self, settings: DegradeSettings, canned: Sequence[Canned] = ()) -> None:
        self.wait = settings.wait
        self.pool = settings.pool or ""
        self.covers = settings.covers
        self.canned = tuple(canned)


def compiled(settings: DegradeSettings, lines: HelpLines) -> Degrade:
    """What a route says, compiled.

    Raises:
        TemplateMistake: A canned text cannot be used.
    """
    if not settings.canned:
        return Degrade(settings)
    reads = renderer()
    return Degrade(settings, [Canned(each, reads, lines) for each in settings.canned])
