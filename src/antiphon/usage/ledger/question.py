"""What is asked of usage, checked: grouped by what, of which time, of whom, for whom."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from antiphon.errors import InvalidRequest
from antiphon.usage.ledger.scope import Scope

COLUMNS: Mapping[str, str] = {
    "model": "model",
    "provider": "provider",
    "alias": "alias",
    "team": "team",
    "department": "department",
    "user": "subject_id",
    "key": "key_id",
}
"""Words by which usage is grouped and chosen, and the columns behind them."""
TIMES: Mapping[str, str] = {
    "hour": "%Y-%m-%dT%H:00:00Z",
    "day": "%Y-%m-%d",
    "month": "%Y-%m",
}
"""Words of time, and how their values are written."""
GROUPS = (*COLUMNS, *TIMES)
MOST_VALUES = 100
"""Values of one word that may be chosen at once."""


class Question(msgspec.Struct, frozen=True):
    """A question that can be answered; made by `ask`.

    Attributes:
        by: What it is grouped by, in this order.
        scope: What may be seen.
        start: Microseconds since 1970; None is the beginning.
        end: The first moment that is not asked for; None is the end.
        chosen: For a word, the values that count.
    """

    by: tuple[str, ...]
    scope: Scope
    start: int | None
    end: int | None
    chosen: tuple[tuple[str, tuple[str, ...]], ...]


def ask(
    by: Iterable[str],
    scope: Scope,
    *,
    start: int | None = None,
    end: int | None = None,
    chosen: Mapping[str, Sequence[str]] | None = None,
) -> Question:
    """A question, checked.

    Args:
        by: Words of `GROUPS`, each alone or several with commas between.
        scope: What may be seen.
        start: Microseconds since 1970.
        end: The first moment that is not asked for.
        chosen: Values by words of `COLUMNS`; a word without values chooses nothing away.

    Raises:
        InvalidRequest: It cannot be answered; names the parameter.
    """
    words = tuple(dict.fromkeys(word.strip() for each in by for word in each.split(",")))
    if not words:
        raise InvalidRequest("by must name something to group by.", param="by")
    for word in words:
        if word not in GROUPS:
            raise InvalidRequest(_unknown(word), param="by")
    if start is not None and end is not None and start > end:
        raise InvalidRequest("from lies behind to.", param="from")
    values = {word: tuple(each) for word, each in (chosen or {}).items() if each}
    for word, each in values.items():
        if len(each) > MOST_VALUES:
            raise InvalidRequest(f"{word} takes at most {MOST_VALUES} values.", param=word)
        if any(_cannot_stand(value) for value in each):
            raise InvalidRequest(f"{word} is no text.", param=word)
    return Question(words, scope, start, end, tuple(sorted(values.items())))


def _cannot_stand(value: str) -> bool:
    """Whether a text cannot be written in UTF-8: an argument that was none, say."""
    return any("\ud800" <= letter <= "\udfff" for letter in value)


def _unknown(word: str) -> str:
    shown = ascii(word[:40])
    near = difflib.get_close_matches(word[:40].lower(), GROUPS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"Usage cannot be grouped by {shown}, only by {', '.join(GROUPS)}{hint}"
