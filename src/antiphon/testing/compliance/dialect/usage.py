"""The algebra of usage: disjoint classes, exact sums, never less than nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from antiphon.errors import UpstreamError
from antiphon.model.events import UsageReported
from antiphon.model.usage import Usage
from antiphon.testing import trees
from antiphon.testing.compliance.cases import events_of, write
from antiphon.testing.compliance.dialect import samples
from antiphon.testing.compliance.dialect.said import sums
from antiphon.testing.compliance.findings import Findings, holds, same
from antiphon.testing.compliance.subject import Subject

_COUNTED: Final = re.compile(r"token|eval_count|count", re.IGNORECASE)
_DETAIL: Final = re.compile(r"detail|cache_creation$", re.IGNORECASE)
_USAGES: Final = (
    Usage(),
    *(Usage(**{name: 5}) for name in Usage.__struct_fields__),
    Usage(1, 2, 4, 8, 16, 32, 64, 128, 256),
    Usage(input_tokens=2_000_000, output_tokens=1_000_000),
    Usage(input_tokens=3, cache_read_tokens=9_000, output_tokens=1, reasoning_tokens=500),
)
_WRONG: Final[tuple[trees.Json, ...]] = (-1, -(10**9), 10**12, 10**30, 1.5, None, "7", True, [], {})


def written(subject: Subject, found: Findings) -> None:
    """Usage that is written and read again has the same sums, whole and in a stream."""
    dialect = subject.dialect
    for usage in _USAGES:
        with found.trying(f"whole, {_named(usage)}"):
            body = dialect.encode_reply(samples.reply(usage=usage))
            same(_sums(dialect.decode_reply(body).usage), sums(usage), "of the reply")
            same(_sums(dialect.inspect_reply(body).usage), sums(usage), "of the reply, unread")
        with found.trying(f"streamed, {_named(usage)}"):
            stream = write(dialect, samples.events(usage=usage))
            stated = [e.usage for e in events_of(dialect, [stream]) if isinstance(e, UsageReported)]
            holds(stated, "usage in the stream", "none")
            same(_sums(stated[-1]), sums(usage), "of the stream")


def classes(subject: Subject, found: Findings) -> None:
    """Every class of the usage of a case is counted once, and none is less than nothing."""
    dialect = subject.dialect
    for case in subject.cases:
        kept = case.members("canonical.json").get("reply")
        if case.reply is None or kept is None:
            continue
        with found.trying(f"{case.name}/reply.json"):
            usage = dialect.decode_reply(case.reply).usage
            stated = trees.get(kept, ("usage",))
            if usage is None:
                same(None, stated, "usage")
                continue
            _is_sound(usage)
            same({n: v for n, v in _counts(usage).items() if v}, stated, "usage by class")


def wrong(subject: Subject, found: Findings) -> None:
    """A count that is negative, absurd or no number makes no class negative, and no error."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.reply is None:
            continue
        tree = trees.parse(case.reply)
        for path in _counts_in(tree):
            with found.trying(f"{case.name}/reply.json: {trees.named(path)}"):
                for value in _WRONG:
                    body = trees.encode(trees.put(tree, path, value))
                    try:
                        usage = dialect.decode_reply(body).usage
                        seen = dialect.inspect_reply(body).usage
                    except UpstreamError:
                        continue
                    for each in (usage, seen):
                        if each is not None:
                            _is_sound(each)


def details(subject: Subject, found: Findings) -> None:
    """A detail moves tokens between classes: it never makes or unmakes one."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.reply is None or (usage := dialect.decode_reply(case.reply).usage) is None:
            continue
        tree = trees.parse(case.reply)
        for path in _counts_in(tree):
            if not any(_DETAIL.search(str(step)) for step in path[:-1]) or not trees.get(
                tree, path
            ):
                # A detail of nothing says nothing.
                continue
            with found.trying(f"{case.name}/reply.json: {trees.named(path)}"):
                for value in (0, 1, 10**6, -5):
                    body = trees.encode(trees.put(tree, path, value))
                    again = dialect.decode_reply(body).usage
                    if again is not None:
                        _is_sound(again)
                        same(sums(again), sums(usage), f"sums where it is {value}")


def _counts_in(tree: trees.Json) -> Iterator[trees.Path]:
    """The places of counts in the usage of a reply."""
    for path, node in trees.walk(tree):
        counted = path and _COUNTED.search(str(path[-1])) and _is_of_usage(path)
        if counted and isinstance(node, int) and not isinstance(node, bool):
            yield path


def _is_of_usage(path: trees.Path) -> bool:
    """In a member for usage, or beside the answer, where there is none."""
    return len(path) == 1 or "usage" in str(path[0]).lower()


def _is_sound(usage: Usage) -> None:
    counts = _counts(usage)
    holds(all(each >= 0 for each in counts.values()), "no class below 0", counts)
    same(usage.total, sum(counts.values()), "the sum of the classes")


def _counts(usage: Usage) -> dict[str, int]:
    return {name: getattr(usage, name) for name in Usage.__struct_fields__}


def _sums(usage: Usage | None) -> tuple[int, int]:
    """Nothing said is nothing used."""
    return sums(usage) or (0, 0)


def _named(usage: Usage) -> str:
    return ", ".join(f"{name} {count}" for name, count in _counts(usage).items() if count) or "0"
