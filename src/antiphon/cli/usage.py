"""`antiphon usage` and `antiphon ledger export`: what the ledger says, with or without a server.

Both read the database of the configuration, opened so that nothing in it can change.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from antiphon.cli.output import fail, remark, say, show_json
from antiphon.cli.table import table
from antiphon.clock import SystemClock
from antiphon.config.load import load
from antiphon.errors import InvalidRequest
from antiphon.storage.database import Readable, open_to_read
from antiphon.usage.ledger.export import export_csv
from antiphon.usage.ledger.queries import MOST_ROWS, Answer, usage
from antiphon.usage.ledger.question import Question, ask
from antiphon.usage.ledger.scope import EVERYTHING
from antiphon.usage.ledger.shown import answer_object, sums_of, usage_csv
from antiphon.usage.ledger.tables import SCHEMA
from antiphon.usage.ledger.times import since as time_since
from antiphon.usage.ledger.times import told

_SHOWN = 100
"""Rows of a table, where nobody says how many."""
_MILLIONTH = 1_000
"""Billionths in the last digit of a table's dollars."""
_HEAD = ("attempts", "failed", "estimated", "input", "output", "cost")


def usage_command(
    by: str,
    *,
    since: str | None,
    until: str | None,
    chosen: Mapping[str, Sequence[str]],
    limit: int | None,
    config: Path | None,
    forms: Sequence[str],
) -> None:
    """Print usage as a table, or as JSON, or as CSV."""
    if len(forms) > 1:
        fail("--json and --csv: choose one", 2)
    form = forms[0] if forms else "table"
    start, end = _bounds(since, until)
    with _asked():
        question = ask([by], EVERYTHING, start=start, end=end, chosen=chosen)
    with _ledger(config) as database:
        if form == "csv":
            _print(usage_csv(_pages(database, question, limit)))
            return
        most = _SHOWN if limit is None and form == "table" else limit
        found = list(_pages(database, question, most))
    rows = tuple(row for answer in found for row in answer.rows)
    answer = found[-1]._replace(rows=rows)
    if form == "json":
        show_json(answer_object(answer))
    else:
        _show(answer)


def export_command(
    *, since: str | None, until: str | None, output: Path | None, config: Path | None
) -> None:
    """Write every attempt as CSV, to a file or to standard output."""
    start, end = _bounds(since, until)
    with _asked():
        ask(["day"], EVERYTHING, start=start, end=end)
    with _ledger(config) as database:
        rows = export_csv(database, start, end)
        if output is None:
            _print(rows)
        else:
            _write(output, rows)


@contextmanager
def _asked() -> Generator[None]:
    """What cannot be answered was asked wrongly."""
    try:
        yield
    except InvalidRequest as error:
        fail(error.message, 2)


def _bounds(since: str | None, until: str | None) -> tuple[int | None, int | None]:
    now = SystemClock.now()
    with _asked():
        return (
            None if since is None else time_since(since, now, "--since"),
            None if until is None else time_since(until, now, "--until"),
        )


@contextmanager
def _ledger(config: Path | None) -> Generator[Readable]:
    database = open_to_read(load(config).settings.storage.database_url, [SCHEMA])
    try:
        yield database
    finally:
        database.close()


def _pages(database: Readable, question: Question, most: int | None) -> Iterator[Answer]:
    """Pages of together no more rows than that."""
    left, cursor = most, None
    while True:
        limit = MOST_ROWS if left is None else min(left, MOST_ROWS)
        answer = usage(database, question, limit=limit, cursor=cursor)
        yield answer
        cursor = answer.cursor
        if left is not None:
            left -= len(answer.rows)
        if cursor is None or left == 0:
            return


def _show(answer: Answer) -> None:
    by = answer.question.by
    for note in answer.period.notes:
        remark(note)
    if not answer.rows:
        say("nothing was used" + _when(answer))
        return
    body = [[*(name or "-" for name in row.names), *_numbers(row.sums)] for row in answer.rows]
    total = ["total", *[""] * (len(by) - 1), *_numbers(answer.totals)]
    for line in table([[*by, *_HEAD], *body, total], names=len(by)):
        say(line)
    if answer.cursor is not None:
        remark(f"only the first {len(answer.rows)} rows are shown: --limit shows more")


def _when(answer: Answer) -> str:
    begin, end = answer.period.begin, answer.period.end
    since = "" if begin is None else f" since {told(begin)}"
    return since if end is None else f"{since} until {told(end)}"


def _numbers(sums: Sequence[int]) -> list[str]:
    counts, tokens, cost, _ = sums_of(sums)
    numbers = (*counts.values(), tokens.input_total, tokens.output_total)
    return [*(f"{number:,}" for number in numbers), _dollars(cost)]


def _dollars(billionths: int) -> str:
    """For people, to the millionth; what is less and not nothing says so."""
    if 0 < billionths < _MILLIONTH:
        return "<$0.000001"
    millionths = (billionths + _MILLIONTH // 2) // _MILLIONTH
    whole, rest = divmod(millionths, 1_000_000)
    return f"${whole:,}.{rest:06}"


def _print(pieces: Iterator[str]) -> None:
    _copy(pieces, sys.stdout.buffer)
    sys.stdout.flush()


def _write(path: Path, pieces: Iterator[str]) -> None:
    """Write a file that is there whole or not at all; only its owner may read it."""
    # A pipe or a terminal must not be replaced.
    special = path.exists() and not path.is_file()
    draft = path if special else path.with_name(f".{path.name}.part")
    try:
        draft.touch(mode=0o600)
        with draft.open("wb") as out:
            _copy(pieces, out)
        if draft is not path:
            draft.replace(path)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}")
    finally:
        if draft is not path:
            draft.unlink(missing_ok=True)


def _copy(pieces: Iterator[str], out: BinaryIO) -> None:
    out.writelines(piece.encode() for piece in pieces)
