"""The figures of a run: counted from what the providers, the callers and the ledger have noted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from antiphon.simulator.received import Received
from tests.chaos.callers import Answer
from tests.chaos.run import DEADLINE, DIALECTS, Record
from tests.chaos.weather import NEVER_SENT, REFUSALS, WIRES, after_content, failing

LEAST_TRUE: Final = 0.999
MOST_CALLS: Final = 1.8
_LATE: Final = 5.0
"""Seconds over the deadline for the way of an answer to its caller, on a machine that is busy."""
_SENT_TWICE: Final = frozenset({"reset", "hangup", "garbage"}) | NEVER_SENT
"""The connection is gone without an answer: where it had served before, the call is sent again."""
_NOTHING_SENT: Final = frozenset(
    {"connect_refused", "connect_timeout", "connect_failed", "tls_error", "reset", "closed"}
    | {"first_byte_timeout", "total_timeout"}
)
"""Codes of attempts of which a provider may know nothing."""

DUE, CANNOT, REFUSED = "answer due", "cannot go on", "refused"


class Figures(Struct):
    """All of them.

    Attributes:
        due: Requests whose faults all came before content, or whose stream another can go on with.
        due_true: Those of them that got the true answer.
        cannot: Streams that broke after content, and of a kind with which nobody can go on.
        refused: Requests that a provider refused through their own fault.
        false: Answers that say that they are whole, and are not the true one.
        untold: Neither a whole answer nor a typed error.
        late: What came after the deadline.
        calls: What the providers received, for one request.
        attempts: What the ledger has, for one request; connections that were refused are in it.
        live: Requests with an answer of a provider, or one that was stored fresh.
        stale: Answered with one that was stored long ago.
        canned: Told a text that was prepared: no answer, and counted apart.
        failing: Of all calls received: those that met a failing fault.
        missed: What does not hold, in words; nothing where all does.
    """

    requests: int
    due: int
    due_true: int
    cannot: int
    cannot_true: int
    refused: int
    false: int
    untold: int
    late: int
    told: int
    continued: int
    calls: float
    attempts: float
    live: int
    stale: int
    canned: int
    failing: float
    kinds: int
    outages: int
    seconds: float
    slowest: float
    by_fault: dict[str, dict[str, int]]
    errors: dict[str, int]
    missed: list[str]
    examples: list[str]

    @property
    def share(self) -> float:
        return self.due_true / self.due if self.due else 1.0

    @property
    def answered(self) -> float:
        """Live or stale, of the requests that were not refused through their own fault."""
        return (self.live + self.stale) / max(self.requests - self.refused, 1)


def counted(record: Record, least: float = LEAST_TRUE) -> Figures:
    """The figures, and what of them is missed.

    Args:
        least: Of the requests to which an answer is due, the part that must have the true one.
    """
    answers = record.answers
    sorts = {each.question.number: _sort(each, record) for each in answers}
    due = [each for each in answers if sorts[each.question.number] == DUE]
    cannot = [each for each in answers if sorts[each.question.number] == CANNOT]
    false = [
        each
        for each in answers
        if each.is_whole
        and not each.is_true
        and not each.degraded
        # A refusal can be an answer without a text.
        and (each.text or sorts[each.question.number] != REFUSED)
    ]
    told = [each for each in answers if each.is_told]
    untold = [each for each in answers if not each.is_whole and not each.is_told]
    calls = [call for found in record.received.values() for call in found]
    late = [each for each in answers if each.seconds > DEADLINE + _LATE]
    struck = [(name, each) for name, each in calls if each.fault is not None]
    bad = [each.fault for name, each in struck if _is_failing(name, each)]
    requests = record.chaos.requests
    failed = [each for each in due if not each.is_true]
    figures = Figures(
        requests=requests,
        due=len(due),
        due_true=len(due) - len(failed),
        cannot=len(cannot),
        cannot_true=sum(each.is_true for each in cannot),
        refused=sum(sort == REFUSED for sort in sorts.values()),
        false=len(false),
        untold=len(untold),
        late=len(late),
        told=len(told),
        continued=sum(any(c.begun is not None for _, c in f) for f in record.received.values()),
        calls=round(len(calls) / requests, 4),
        attempts=round(len(record.rows) / requests, 4),
        live=sum(each.is_true and not each.degraded for each in answers),
        stale=sum(each.is_true and each.degraded == "stale" for each in answers),
        canned=sum(each.degraded == "canned" for each in answers),
        failing=round(len(bad) / max(len(calls), 1), 4),
        kinds=len({each.fault for _, each in struck}),
        outages=record.outages,
        seconds=round(record.seconds, 1),
        slowest=round(max((each.seconds for each in answers), default=0.0), 2),
        by_fault=_by_fault(record, failed),
        errors=dict(Counter(each.error or each.odd[:40] for each in answers if not each.is_true)),
        missed=[],
        examples=[_example(each, record) for each in (*false, *untold, *late, *failed)][:25],
    )
    figures.missed = [*_missed(figures, least), *record.left, *_books(record)]
    return figures


def _missed(figures: Figures, least: float) -> list[str]:
    found: list[str] = []
    if figures.share < least:
        found.append(f"true answers: {figures.share:.4%}, and {least:.1%} are due")
    for name, value in (("calls", figures.calls), ("attempts", figures.attempts)):
        if value > MOST_CALLS:
            found.append(f"{name} for one request: {value}, and {MOST_CALLS} is the most")
    for name, count in (
        ("answers that are false", figures.false),
        ("requests without an answer or a typed error", figures.untold),
        ("requests that took longer than their deadline", figures.late),
    ):
        if count:
            found.append(f"{name}: {count}")
    return found


def _sort(answer: Answer, record: Record) -> str:
    asked = answer.question
    calls = record.received.get(asked.number, [])
    if any(each.fault in REFUSALS for _, each in calls):
        return REFUSED
    after = any(each.fault in after_content(WIRES[DIALECTS[name]]) for name, each in calls)
    return CANNOT if asked.stream and asked.shaped and after else DUE


def _is_failing(name: str, received: Received) -> bool:
    wire = WIRES[DIALECTS[name]]
    fault = received.fault or ""
    return fault in failing(wire, stream=True) or fault in failing(wire, stream=False)


def _by_fault(record: Record, failed: Iterable[Answer]) -> dict[str, dict[str, int]]:
    """Each fault: how often it struck, and how many requests that met it last got no answer."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: {"struck": 0, "last_of_unanswered": 0})
    for calls in record.received.values():
        for _, each in calls:
            if each.fault is not None:
                found[each.fault]["struck"] += 1
    for answer in failed:
        calls = record.received.get(answer.question.number, [])
        last = calls[-1][1].fault if calls else None
        found[last or "(none)"]["last_of_unanswered"] += 1
    return dict(sorted(found.items()))


def _example(answer: Answer, record: Record) -> str:
    asked = answer.question
    calls = [
        f"{name}:{each.fault or 'well'}{'(begun)' if each.begun is not None else ''}"
        for name, each in record.received.get(asked.number, [])
    ]
    rows = [
        f"{row['provider']}:{row['error_code'] or row['outcome']}"
        for row in sorted(
            (row for row in record.rows if row["request_id"] == answer.request),
            key=lambda row: str(row["attempt"]).zfill(3),
        )
    ]
    kind = f"{asked.dialect}{' stream' if asked.stream else ''}{' shaped' if asked.shaped else ''}"
    got = answer.odd or answer.error or _difference(answer.text, asked.said)
    return (
        f"q{asked.number:06} {kind} {answer.status} in {answer.seconds:.2f} s: {got}; "
        f"calls {' '.join(calls)}; rows {' '.join(rows)}"
    )


def _difference(got: str, said: str) -> str:
    at = next((n for n, (a, b) in enumerate(zip(got, said, strict=False)) if a != b), None)
    at = min(len(got), len(said)) if at is None else at
    return f"at {at}: {got[max(at - 20, 0) : at + 30]!r} for {said[max(at - 20, 0) : at + 30]!r}"


def _books(record: Record) -> list[str]:
    """No row lost, none double: the ledger against providers and callers."""
    wrong: Counter[str] = Counter()
    examples: dict[str, str] = {}

    def note(what: str, about: Answer | int) -> None:
        wrong[what] += 1
        if what not in examples:
            examples[what] = f"{about}" if isinstance(about, int) else _example(about, record)

    if len(record.answers) != record.chaos.requests:
        note("callers without a result", len(record.answers))
    by_request: dict[str, list[Mapping[str, object]]] = defaultdict(list)
    for row in record.rows:
        by_request[str(row["request_id"])].append(row)
    for answer in record.answers:
        rows = sorted(by_request.pop(answer.request, []), key=_number)
        numbers = [row["attempt"] for row in rows]
        if numbers != [*range(1, len(rows) + 1)]:
            note("rows that are lost or double", answer)
        ends = sum(bool(row["last"]) for row in rows) + (answer.request in record.unanswered)
        if ends != 1:
            note("requests without one end", answer)
        if answer.is_whole and not answer.degraded and (not rows or rows[-1]["outcome"] != "ok"):
            note("answers whose last row is not ok", answer)
        ok = any(row["outcome"] == "ok" for row in rows)
        if answer.is_told and ok and _sort(answer, record) != REFUSED:
            note("errors with a row that is ok", answer)
        _note_calls(answer, rows, record, note)
    if by_request:
        note("rows of requests that nobody made", len(by_request))
    return [f"{what}: {count}, as {examples[what]}" for what, count in wrong.items()]


def _note_calls(answer: Answer, rows: list[Mapping[str, object]], record: Record, note) -> None:
    calls = record.received.get(answer.question.number, [])
    for name in DIALECTS:
        got = [each for provider, each in calls if provider == name]
        written = [row for row in rows if row["provider"] == name]
        twice = sum(each.fault in _SENT_TWICE for each in got)
        silent = sum(row["error_code"] in _NOTHING_SENT for row in written)
        if len(got) - twice > len(written):
            note("calls without a row", answer)
        if len(written) - silent > len(got):
            note("rows without a call", answer)


def _number(row: Mapping[str, object]) -> int:
    number = row["attempt"]
    assert isinstance(number, int)
    return number
