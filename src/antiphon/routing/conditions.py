"""What a rule asks of a request: one small class for each way to ask.

A condition says which facts it needs, whether it holds, and if not, why: in words that show no
value of the request, for reasons are kept with it.

This is on the road of every request of a route with rules: nothing is built while one is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter
from typing import Final, Protocol

from antiphon.model.ask import SENSITIVITIES, Ask, Fact
from antiphon.routing.config import ANY_VALUE, ShareBounds, TokenBounds, WhenSettings
from antiphon.routing.language import Language
from antiphon.routing.patterns import Pattern, compile_pattern

PRIORITIES: Final[Mapping[str, int]] = {"low": -1, "normal": 0, "high": 1}
"""As limits count them."""
OTHER: Final = "other"
"""The word for a language that the scripts do not tell."""


class Condition(Protocol):
    """One thing that must hold."""

    facts: Fact

    def holds(self, ask: Ask, language: Language) -> bool:
        """Whether it does."""
        ...

    def why(self) -> str:
        """What is said where it does not."""
        ...


class Speaks:
    """The language is one of these."""

    __slots__ = ("_languages", "_words")
    facts = Fact.LANGUAGE

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._languages = frozenset("" if each == OTHER else each for each in words)

    def holds(self, ask: Ask, language: Language) -> bool:
        return language in self._languages

    def why(self) -> str:
        return f"the language is not {_one_of(self._words)}"


class Says:
    """One of these patterns occurs in what the user said last."""

    __slots__ = ("_patterns",)
    facts = Fact.TEXT

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns: Sequence[Pattern] = [compile_pattern(each) for each in patterns]

    def holds(self, ask: Ask, language: Language) -> bool:
        return any(each.search(ask.text) for each in self._patterns)

    def why(self) -> str:
        return "the message does not match"


class Among:
    """One value is one of these."""

    __slots__ = ("_name", "_read", "_values", "_words", "facts")

    def __init__(
        self,
        name: str,
        read: Callable[[Ask], str | int],
        values: Mapping[str, str | int],
        *,
        facts: Fact = Fact.NOTHING,
    ) -> None:
        """Make it ready.

        Args:
            name: What the value is called.
            read: Where it stands.
            values: By the words of the configuration.
            facts: Without which it does not stand there.
        """
        self._name = name
        self._read = read
        self._words = list(values)
        self._values = frozenset(values.values())
        self.facts = facts

    def holds(self, ask: Ask, language: Language) -> bool:
        return self._read(ask) in self._values

    def why(self) -> str:
        return f"the {self._name} is not {_one_of(self._words)}"


class Has:
    """Of several values, one is one of these."""

    __slots__ = ("_read", "_values", "_words", "facts")

    def __init__(
        self, read: Callable[[Ask], Collection[str]], values: Sequence[str], *, facts: Fact
    ) -> None:
        self._read = read
        self._words = values
        self._values = frozenset(values)
        self.facts = facts

    def holds(self, ask: Ask, language: Language) -> bool:
        return not self._values.isdisjoint(self._read(ask))

    def why(self) -> str:
        return f"there is no {_one_of(self._words)}"


class Named:
    """A header, or a member of the metadata, has one of these values."""

    __slots__ = ("_any", "_kind", "_name", "_of_headers", "_values", "facts")

    def __init__(self, name: str, values: Sequence[str], *, header: bool) -> None:
        self._name = name
        self._values = frozenset(values)
        self._any = ANY_VALUE in values
        self._of_headers = header
        self._kind = "header" if header else "metadata"
        self.facts = Fact.HEADERS if header else Fact.METADATA

    def holds(self, ask: Ask, language: Language) -> bool:
        value = (ask.headers if self._of_headers else ask.metadata).get(self._name)
        return value is not None and (self._any or value.lower() in self._values)

    def why(self) -> str:
        if self._any:
            return f"there is no {self._kind} {self._name}"
        return f"the {self._kind} {self._name} has another value, or none"


class Between:
    """A number is over one bound and under another."""

    __slots__ = ("_name", "_over", "_read", "_under", "facts")

    def __init__(
        self,
        name: str,
        read: Callable[[Ask], float],
        bounds: TokenBounds | ShareBounds,
        *,
        facts: Fact,
    ) -> None:
        self._name = name
        self._read = read
        self._over = -1.0 if bounds.over is None else bounds.over
        self._under = float("inf") if bounds.under is None else bounds.under
        self.facts = facts

    def holds(self, ask: Ask, language: Language) -> bool:
        return self._over < self._read(ask) < self._under

    def why(self) -> str:
        bounds = [f"over {self._over:g}"] if self._over >= 0 else []
        bounds += [f"under {self._under:g}"] if self._under != float("inf") else []
        return f"the {self._name} is not {' and '.join(bounds)}"


def conditions(when: WhenSettings) -> Sequence[Condition]:
    """All that must hold, what is cheap to ask first."""
    found: list[Condition] = []
    for name, read, values, facts in _single(when):
        if values:
            found.append(Among(name, read, values, facts=facts))
    if when.tokens is not None:
        found.append(Between("prompt", attrgetter("tokens"), when.tokens, facts=Fact.TOKENS))
    if when.budget_used is not None:
        found.append(
            Between(
                "used share",
                attrgetter("budget_used"),
                when.budget_used,
                facts=Fact.BUDGET,
            )
        )
    if when.tags:
        found.append(Has(attrgetter("tags"), when.tags, facts=Fact.TAGS))
    if when.needs:
        found.append(Has(attrgetter("needs"), when.needs, facts=Fact.NEEDS))
    found += [Named(name, values, header=True) for name, values in when.headers.items()]
    found += [Named(name, values, header=False) for name, values in when.metadata.items()]
    if when.language:
        found.append(Speaks(when.language))
    if when.message:
        found.append(Says(when.message))
    return found


_Single = tuple[str, Callable[[Ask], str | int], Mapping[str, str | int], Fact]


def _single(when: WhenSettings) -> Sequence[_Single]:
    levels = {each: int(SENSITIVITIES[each]) for each in when.sensitivity}
    urgencies = {each: PRIORITIES[each] for each in when.priority}
    return [
        ("sensitivity", attrgetter("sensitivity"), levels, Fact.NOTHING),
        ("priority", attrgetter("priority"), urgencies, Fact.NOTHING),
        ("department", attrgetter("principal.department"), _same(when.department), Fact.NOTHING),
        ("team", attrgetter("principal.team"), _same(when.team), Fact.NOTHING),
        ("user", attrgetter("principal.user"), _same(when.user), Fact.NOTHING),
        ("task", attrgetter("task"), _same(when.task), Fact.TAGS),
        ("market", attrgetter("market"), _same(when.market), Fact.TAGS),
    ]


def _same(values: Sequence[str]) -> Mapping[str, str]:
    return {each: each for each in values}


def _one_of(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else words[0]
