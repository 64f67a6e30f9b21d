"""The rules of a route, ready to be asked: the first that matches says who answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from antiphon.model.ask import Ask, Fact
from antiphon.routing.candidate import Candidate
from antiphon.routing.conditions import Condition, conditions
from antiphon.routing.config import LanguageSettings, RuleSettings
from antiphon.routing.decision import RuleFate
from antiphon.routing.language import Language, Scripts


class Rule:
    """One rule.

    Attributes:
        name: Shown where a decision is explained.
        pool: Who is asked where it matches.
        only: Whether nobody else is.
        headers: The names of those that it asks for, in lower case.
        conditions: All that must hold.
    """

    __slots__ = ("_all", "conditions", "headers", "name", "only", "pool")

    def __init__(self, settings: RuleSettings, pool: Sequence[Candidate]) -> None:
        self.name = settings.name
        self.pool: tuple[Candidate, ...] = tuple(pool)
        self.only = settings.only
        self.headers = frozenset(settings.when.headers)
        self.conditions: Sequence[Condition] = conditions(settings.when)
        self._all = [each.holds for each in self.conditions]

    def matches(self, ask: Ask, language: Language) -> bool:
        """Whether all holds."""
        for holds in self._all:  # noqa: SIM110  a generator costs as much as a condition
            if not holds(ask, language):
                return False
        return True


class Rules:
    """Those of a route, in their order.

    Attributes:
        facts: Without which they cannot be asked.
        headers: The names of those that they ask for, in lower case.
    """

    __slots__ = ("_rules", "_scripts", "facts", "headers")

    def __init__(self, rules: Sequence[Rule], language: LanguageSettings) -> None:
        self._rules = rules
        self.facts = Fact.NOTHING
        for rule in rules:
            for condition in rule.conditions:
                self.facts |= condition.facts
        self.headers = frozenset[str]().union(*(rule.headers for rule in rules))
        self._scripts = (
            Scripts(share=language.share, short=language.short)
            if Fact.LANGUAGE in self.facts
            else None
        )

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules)

    @property
    def pools(self) -> Iterator[Sequence[Candidate]]:
        """Of each rule, who is asked."""
        return (rule.pool for rule in self._rules)

    def language(self, ask: Ask) -> Language:
        """The language of a request; `""` too where no rule asks for it."""
        return "" if self._scripts is None else self._scripts.language(ask.text, ask.earlier)

    def first(self, ask: Ask) -> Rule | None:
        """The first that matches."""
        language = self.language(ask)
        for rule in self._rules:
            if rule.matches(ask, language):
                return rule
        return None

    def judged(self, ask: Ask) -> Sequence[RuleFate]:
        """What becomes of each: all up to the first that matches are looked at."""
        language = self.language(ask)
        fates: list[RuleFate] = []
        for rule in self._rules:
            reasons = [each.why() for each in rule.conditions if not each.holds(ask, language)]
            fates.append(RuleFate(rule.name, not reasons, "; ".join(reasons)))
            if not reasons:
                break
        return fates
