"""Strategies of a user's own: a class that Python can import, named as `module:Class`.

A mistake in one is not to cost anybody an answer: where it fails, all candidates are equal to it,
and the log says why.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping, Sequence

from typing_extensions import override

from antiphon.model.ask import Ask
from antiphon.routing.candidate import Candidate
from antiphon.routing.strategies.strategy import Strategy

_log = logging.getLogger("antiphon.routing")


class Foreign(Strategy):
    """A strategy that is not ours.

    Args:
        path: What it is called.
        own: It.
    """

    def __init__(self, path: str, own: Strategy) -> None:
        self.facts = own.facts
        self._path = path
        self._own = own
        self._told = False

    @override
    def scores(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        try:
            return self._numbers(self._own.scores(pool, ask, now), len(pool))
        except Exception as error:  # noqa: BLE001  foreign code, at the border to ours
            self._tell(error)
            return [0.0] * len(pool)

    @override
    def shown(self, pool: Sequence[Candidate], ask: Ask, now: float) -> Sequence[float]:
        try:
            return self._numbers(self._own.shown(pool, ask, now), len(pool))
        except Exception as error:  # noqa: BLE001  as above
            self._tell(error)
            return [0.0] * len(pool)

    @staticmethod
    def _numbers(scores: Sequence[float], count: int) -> Sequence[float]:
        numbers = [float(each) for each in scores]
        if len(numbers) != count or any(each != each for each in numbers):  # noqa: PLR0124  NaN
            raise ValueError(f"it gave {scores!r} for {count} candidates")
        return numbers

    def _tell(self, error: Exception) -> None:
        """Say so in the log, once: it is called for every request."""
        if not self._told:
            self._told = True
            _log.error("the strategy %r failed", self._path, exc_info=error)


def foreign(path: str, options: Mapping[str, object]) -> Foreign:
    """Import a class, and make a strategy of it.

    Args:
        path: As `module:Class`.
        options: Its arguments.

    Raises:
        ValueError: There is no such class, it is no strategy, or it does not take the options.
    """
    module, _, name = path.partition(":")
    try:
        found: object = getattr(importlib.import_module(module), name)
    except (ImportError, SyntaxError, AttributeError) as error:
        raise ValueError(f"{path!r} cannot be imported: {error}") from error
    if not isinstance(found, type) or not issubclass(found, Strategy):
        raise ValueError(f"{path!r} is no subclass of Strategy")  # noqa: TRY004  for Pydantic
    try:
        return Foreign(path, found(**options))
    except TypeError as error:
        raise ValueError(f"{path!r} cannot be made: {error}") from error
