"""Results for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from antiphon.testing.compliance.findings import Outcome, Result

_MARKS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAILED", Outcome.NOT_SUPPORTED: "-"}


class Report(msgspec.Struct, frozen=True):
    """All results of one run.

    Attributes:
        tested: What was tested: a dialect's name, or a provider's address.
        suite: `dialect` or `provider`.
        version: Of this package.
    """

    suite: str
    tested: str
    version: str
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        """Whether a check failed."""
        return any(result.outcome is Outcome.FAILED for result in self.results)

    def as_json(self) -> str:
        """For programs."""
        counts = {outcome.value: _count(self.results, outcome) for outcome in Outcome}
        body = {"counts": counts, **msgspec.structs.asdict(self)}
        return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()

    def as_text(self) -> str:
        """For people."""
        width = max((len(result.check) for result in self.results), default=0)
        lines: list[str] = []
        for result in self.results:
            aside = f" ({result.note})" if result.note else ""
            mark = _MARKS[result.outcome]
            lines.append(f"{mark:<6} {result.check:<{width}}  {result.proves}{aside}")
            for mistake in result.mistakes:
                lines.append(f"         {mistake.where}")
                lines.append(f"           expected: {mistake.expected}")
                lines.append(f"           seen:     {mistake.seen}")
        told = ", ".join(f"{_count(self.results, each)} {each.value}" for each in Outcome)
        return "\n".join([*lines, "", f"{self.suite} {self.tested}: {told}"])


def _count(results: Sequence[Result], outcome: Outcome) -> int:
    return sum(result.outcome is outcome for result in results)
