"""The compiled `degrade` of a route."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.model.ask import Ask, Fact
from antiphon.model.rendering import Renderer
from antiphon.pipeline.degrade_config import CannedSettings, DegradeSettings
from antiphon.pipeline.facts import Looking
from antiphon.resilience.canned import Canned, renderer
from antiphon.resilience.help_lines import HelpLines
from antiphon.routing.conditions import Condition, conditions
from antiphon.routing.config import LanguageSettings
from antiphon.routing.language import Language, Scripts

REGION = "x-antiphon-region"
"""The header that says where a caller is."""
_SHOWN = Fact.TAGS | Fact.METADATA | Fact.TEXT | Fact.LANGUAGE
"""What texts are told, whatever their conditions ask for."""


class Case:
    """A canned text, and when it is the right one.

    Attributes:
        conditions: All that must hold.
    """

    __slots__ = ("canned", "conditions")

    def __init__(self, settings: CannedSettings, reads: Renderer, lines: HelpLines) -> None:
        self.canned = Canned(settings, reads, lines)
        self.conditions: Sequence[Condition] = conditions(settings.when)

    def suits(self, ask: Ask, language: Language) -> bool:
        """Whether it is the right one for a request."""
        return all(each.holds(ask, language) for each in self.conditions)


class Degrade:
    """What stands in where a route has no answer.

    Attributes:
        wait: Seconds to wait for a deployment to come back.
        pool: The name whose deployments are asked next; empty for none.
        covers: The caller's own bounds that stale and canned answers stand in for, too.
        cases: The texts, in the order in which they are looked at.
        looking: Finds what has to be known of a request for the right one.
        scripts: Tells its language.
    """

    __slots__ = ("cases", "covers", "looking", "pool", "scripts", "wait")

    def __init__(
        self, settings: DegradeSettings, cases: Sequence[Case], language: LanguageSettings
    ) -> None:
        self.wait = settings.wait
        self.pool = settings.pool or ""
        self.covers = settings.covers
        self.cases = tuple(cases)
        self.scripts = Scripts(share=language.share, short=language.short)
        facts = _SHOWN
        for case in cases:
            for condition in case.conditions:
                facts |= condition.facts
        names = [name for each in settings.canned for name in each.when.headers]
        self.looking = Looking(facts, [REGION, *names])


def compiled(settings: DegradeSettings, lines: HelpLines, language: LanguageSettings) -> Degrade:
    """What a route says, compiled.

    Raises:
        TemplateMistake: A canned text cannot be used.
    """
    reads = renderer() if settings.canned else None
    cases = () if reads is None else [Case(each, reads, lines) for each in settings.canned]
    return Degrade(settings, cases, language)
