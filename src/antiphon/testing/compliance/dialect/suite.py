"""The suite for dialects: every check, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from antiphon.dialects.base import Dialect
from antiphon.testing.compliance.dialect import (
    contract,
    errors,
    golden,
    malformed,
    requests,
    streams,
    tools,
    unknown,
    usage,
)
from antiphon.testing.compliance.findings import Check, Findings
from antiphon.testing.compliance.subject import Subject

Run = Callable[[Subject, Findings], None]

CHECKS: Final[dict[str, Run]] = {
    "contract.names": contract.names,
    "contract.losses": contract.losses,
    "contract.unread": contract.unread,
    "golden.results": golden.results,
    "golden.requests": golden.requests,
    "golden.replies": golden.replies,
    "golden.streams": golden.streams,
    "golden.errors": golden.errors,
    "golden.alike": golden.alike,
    "streams.cut": streams.cut,
    "streams.joined": streams.joined,
    "streams.heartbeat": streams.heartbeat,
    "streams.folded": streams.folded,
    "streams.bounded": streams.bounded,
    "streams.end": streams.end,
    "streams.usage": streams.usage,
    "unknown.kept": unknown.kept,
    "unknown.replies": unknown.replies,
    "unknown.reported": unknown.reported,
    "unknown.foreign": unknown.foreign,
    "unknown.events": unknown.events,
    "tools.whole": tools.whole,
    "tools.streamed": tools.streamed,
    "tools.mixed": tools.mixed,
    "tools.ids": tools.ids,
    "tools.results": tools.results,
    "tools.offered": tools.offered,
    "errors.written": errors.written,
    "errors.streamed": errors.streamed,
    "errors.swallowed": errors.swallowed,
    "errors.unshaped": errors.unshaped,
    "errors.waits": errors.waits,
    "usage.totals": golden.totals,
    "usage.written": usage.written,
    "usage.classes": usage.classes,
    "usage.wrong": usage.wrong,
    "usage.details": usage.details,
    "requests.declared": requests.declared,
    "requests.text": requests.text,
    "requests.system": requests.system,
    "requests.of_others": requests.of_others,
    "requests.checked": requests.checked,
    "replies.inspected": requests.inspected,
    "malformed.requests": malformed.requests,
    "malformed.replies": malformed.replies,
    "malformed.streams": malformed.streams,
    "malformed.errors": malformed.errors,
}
"""What each proves is the first line of its docstring."""


def dialect_checks(
    dialect: Dialect, cases: Path | None = None, *, callers_only: bool = False
) -> list[Check[Subject]]:
    """The checks of a dialect, to be called or run one by one.

    Args:
        dialect: An object of the class.
        cases: The folder of its golden cases; the shipped ones of its name where none is given.
        callers_only: No provider is asked in it.
    """
    subject = Subject(dialect, cases, callers_only=callers_only)
    return [Check(name, proven(run), run, subject) for name, run in CHECKS.items()]


def proven(run: Callable[..., object]) -> str:
    """What a check proves."""
    return (run.__doc__ or "").partition("\n")[0]
