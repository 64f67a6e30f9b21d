"""Usage as it is shown: the same members and columns to programs, spreadsheets and people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from antiphon.model.usage import Usage
from antiphon.usage.ledger.queries import Answer, UsageRow
from antiphon.usage.ledger.sheet import written
from antiphon.usage.ledger.tables import MEASURES, WORDS
from antiphon.usage.ledger.times import SECOND, told

_BILLION = 1_000_000_000
_FIRST_WORD = MEASURES.index(WORDS[0])
COLUMNS = (
    *MEASURES[:_FIRST_WORD],
    *WORDS,
    "input_total",
    "output_total",
    "cost_usd",
    "cost_billionths",
    "duration_seconds",
)
"""The measures as they are shown, in their order."""


class Sums(NamedTuple):
    """The sums of one group, by what they are.

    Attributes:
        counts: Attempts, failures and estimates, by name.
        usage: Tokens, by their words.
        cost: Billionths of a dollar.
        duration: Microseconds.
    """

    counts: dict[str, int]
    usage: Usage
    cost: int
    duration: int


def sums_of(sums: Sequence[int]) -> Sums:
    """Sums in the order of `MEASURES`, by what they are."""
    named = dict(zip(MEASURES, sums, strict=True))
    return Sums(
        {name: named[name] for name in MEASURES[:_FIRST_WORD]},
        Usage(*(named[word] for word in WORDS)),
        named["cost"],
        named["duration"],
    )


def dollars(billionths: int) -> str:
    """Money as an exact decimal, with nine places."""
    whole, rest = divmod(abs(billionths), _BILLION)
    return f"{'-' if billionths < 0 else ''}{whole}.{rest:09}"


def measures(sums: Sequence[int]) -> dict[str, int | float | str]:
    """The measures of a group, by the names of `COLUMNS`."""
    counts, tokens, cost, duration = sums_of(sums)
    values = (
        *counts.values(),
        *(getattr(tokens, word) for word in WORDS),
        tokens.input_total,
        tokens.output_total,
        dollars(cost),
        cost,
        duration / SECOND,
    )
    return dict(zip(COLUMNS, values, strict=True))


def row_object(answer: Answer, row: UsageRow) -> dict[str, int | float | str]:
    """A group: what it is grouped by, and its measures."""
    return {**dict(zip(answer.question.by, row.names, strict=True)), **measures(row.sums)}


def answer_object(answer: Answer) -> dict[str, object]:
    """A page, as programs read it."""
    asked, covered = answer.question, answer.period
    return {
        "by": list(asked.by),
        "from": _time(asked.start),
        "to": _time(asked.end),
        "covered": {"from": _time(covered.begin), "to": _time(covered.end)},
        "notes": list(covered.notes),
        "rows": [row_object(answer, row) for row in answer.rows],
        "totals": measures(answer.totals),
        "next_cursor": answer.cursor,
    }


def usage_csv(answers: Iterator[Answer]) -> Iterator[str]:
    """Pages as CSV, a piece for each; the names of the columns come first."""
    for number, answer in enumerate(answers):
        head = [] if number else [(*answer.question.by, *COLUMNS)]
        rows = [tuple(row_object(answer, row).values()) for row in answer.rows]
        yield written([*head, *rows])


def _time(at: int | None) -> str | None:
    return None if at is None else told(at)
