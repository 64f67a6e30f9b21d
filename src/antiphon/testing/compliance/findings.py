"""Checks and what they find.

A check is a name, a sentence, and a function that tries things. Each try stands in a
`with found.trying(where)`; what is raised inside it, whatever it is, is one mistake of what is
tested, since the kit runs code that it does not know. A check that found nothing to try is not
passed, it is not supported.
"""

from __future__ import annotations

import enum
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

import msgspec
from typing_extensions import override

from antiphon.testing.trees import Json, parse

_T = TypeVar("_T")
_LONGEST = 400
_MOST_SHOWN = 20
_BEFORE = 20


class Outcome(enum.StrEnum):
    """What came of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_SUPPORTED = "not supported"


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is not as it should be.

    Attributes:
        where: The case, or what was tried.
    """

    where: str
    expected: str
    seen: str

    @override
    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}; seen {self.seen}"


class Result(msgspec.Struct, frozen=True):
    """What came of one check.

    Attributes:
        proves: What holds where it is passed, in a sentence.
        tried: How many things were tried.
        mistakes: The first of them.
        note: Why it is not supported, or what was seen besides.
    """

    check: str
    proves: str
    outcome: Outcome
    tried: int = 0
    mistakes: tuple[Mistake, ...] = ()
    note: str = ""


class CheckFailed(AssertionError):
    """A check failed; the message lists what it found.

    Attributes:
        result: All that it found.
    """

    def __init__(self, result: Result) -> None:
        lines = [f"{result.check}: {result.proves}", *map(str, result.mistakes)]
        super().__init__("\n  ".join(lines))
        self.result = result


class Broken(Exception):
    """Ends a try: what is expected was not seen."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; seen {seen}")
        self.expected = expected
        self.seen = seen


class NotSupported(Exception):
    """Ends a try: what is tested does not do this, and need not."""


class Findings:
    """What one run of a check finds."""

    def __init__(self) -> None:
        self.tried = 0
        self.mistakes: list[Mistake] = []
        self.notes: list[str] = []

    def trying(self, where: str) -> Trial:
        """One try, to be entered; whatever is raised inside becomes a mistake."""
        return Trial(self, where)

    def result(self, check: str, proves: str) -> Result:
        """All of it together."""
        outcome = Outcome.PASSED if self.tried else Outcome.NOT_SUPPORTED
        if self.mistakes:
            outcome = Outcome.FAILED
        note = "; ".join(dict.fromkeys(self.notes))
        if not self.tried and not note:
            note = "nothing to try"
        shown = tuple(self.mistakes[:_MOST_SHOWN])
        return Result(check, proves, outcome, self.tried, shown, note)


class Trial:
    """One try of a check, as a context."""

    __slots__ = ("_found", "_where")

    def __init__(self, found: Findings, where: str) -> None:
        self._found = found
        self._where = where

    def __enter__(self) -> None:
        self._found.tried += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        match error:
            case None:
                return True
            case Broken():
                self._add(error.expected, error.seen)
            case NotSupported():
                self._found.tried -= 1
                self._found.notes.append(str(error))
            case Exception():
                self._add("no such exception", told(error))
            case _:
                return False
        return True

    def _add(self, expected: str, seen: str) -> None:
        self._found.mistakes.append(Mistake(self._where, expected, seen))


class Check(Generic[_T]):
    """One check of something; call it in a test, or `run` it for its result.

    Attributes:
        name: `golden.requests`.
        proves: What holds where it is passed.
    """

    def __init__(
        self, name: str, proves: str, run: Callable[[_T, Findings], None], subject: _T
    ) -> None:
        self.name = name
        self.proves = proves
        self._run = run
        self._subject = subject

    def run(self) -> Result:
        """What comes of it; raises nothing of what is tested."""
        found = Findings()
        with found.trying(self.name):
            found.tried -= 1
            self._run(self._subject, found)
        return found.result(self.name, self.proves)

    def __call__(self) -> Result:
        """Run it.

        Raises:
            CheckFailed: It failed.
        """
        result = self.run()
        if result.outcome is Outcome.FAILED:
            raise CheckFailed(result)
        return result

    @override
    def __repr__(self) -> str:
        return self.name


def told(error: BaseException) -> str:
    """An exception and the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return shown(f"{type(error).__name__}: {error}") + place


def shown(value: object) -> str:
    """A value for a report; a long one is cut."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def holds(truth: object, expected: str, seen: object) -> None:
    """End the try where something does not hold."""
    if not truth:
        raise Broken(expected, shown(seen))


def same(seen: object, expected: object, what: str) -> None:
    """End the try where two values differ; the report shows where they begin to."""
    if seen == expected:
        return
    if isinstance(seen, bytes) and isinstance(expected, bytes):
        pairs = enumerate(zip(seen, expected, strict=False))
        at = next((at for at, (one, two) in pairs if one != two), min(len(seen), len(expected)))
        start = max(at - _BEFORE, 0)
        raise Broken(f"{what} at byte {at}: {shown(expected[start:])}", shown(seen[start:]))
    where, left, right = _difference(_plain(expected), _plain(seen), what)
    raise Broken(f"{where}: {shown(left)}", shown(right))


def _plain(value: object) -> Json:
    """A value as JSON has it, where JSON can have it."""
    try:
        return parse(msgspec.json.encode(value))
    except (TypeError, ValueError):
        return repr(value)


def _difference(left: Json, right: Json, where: str) -> tuple[str, Json, Json]:
    """The first place in which two trees differ."""
    pairs: list[tuple[str | int, Json, Json]] = []
    if isinstance(left, dict) and isinstance(right, dict):
        both = dict.fromkeys([*left, *right])
        pairs = [(name, left.get(name), right.get(name)) for name in both]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = [(at, *pair) for at, pair in enumerate(zip(left, right, strict=True))]
    for at, was, now in pairs:
        if was != now:
            return _difference(was, now, f"{where}.{at}")
    return where, left, right
