"""`antiphon doctor`: a table for people, JSON for programs, an exit status for scripts.

Lines are printed in the order of the deployments, each as soon as those before it are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from antiphon.cli.output import NOTHING_TO_REACH, describe, fail, run, say, show_json
from antiphon.errors import ModelNotFound, ModelUnpriced
from antiphon.gateway.doctor.choice import choose
from antiphon.gateway.doctor.findings import Diagnosis, Finding, Spent, Status
from antiphon.gateway.doctor.rounds import NAMES, make_round
from antiphon.gateway.doctor.visit import Visit
from antiphon.gateway.gateway import Antiphon

_MARKS = {Status.OK: "ok", Status.WARN: "warn", Status.FAIL: "FAIL", Status.SKIP: "-"}
_CHECK = max(map(len, NAMES))


def doctor_command(
    names: Sequence[str],
    *,
    samples: int,
    timeout: float,
    only: Sequence[str],
    config: Path | None,
    as_json: bool,
) -> None:
    """Examine, print, and exit with 1 if a check failed."""
    unknown = [each for each in only if each not in NAMES]
    if unknown:
        fail(f"there is no check {unknown[0]!r}; there are {', '.join(NAMES)}", 2)
    page = _Page(as_json=as_json)
    try:
        run(_doctor(page, names, samples, timeout, only, config))
    except KeyboardInterrupt:
        page.close(interrupted=True)
        raise
    page.close()
    raise SystemExit(1 if page.failures else 0)


async def _doctor(
    page: _Page,
    names: Sequence[str],
    samples: int,
    timeout: float,  # noqa: ASYNC109  of each call
    only: Sequence[str],
    config: Path | None,
) -> None:
    async with Antiphon.from_config(config) as gateway:
        if not gateway.settings.providers:
            fail(NOTHING_TO_REACH)
        try:
            places = await choose(gateway, names)
        except (ModelNotFound, ModelUnpriced) as error:
            fail(describe(error), 2)
        if not places:
            fail("no route names a deployment; name one as PROVIDER/MODEL")
        visits = [
            Visit(gateway, each.provider, each.deployment, seconds=timeout, samples=samples)
            for each in places
        ]
        page.open([each.diagnosis for each in visits])
        await make_round(visits, only, page.go_on)


class _Page:
    """What is printed, as it becomes known."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._diagnoses: Sequence[Diagnosis] = ()
        self._at = 0
        self._shown = 0

    @property
    def failures(self) -> int:
        """Checks that failed."""
        return self._count(Status.FAIL)

    def open(self, diagnoses: Sequence[Diagnosis]) -> None:
        """These are going to be filled."""
        self._diagnoses = diagnoses

    def go_on(self) -> None:
        """Print what has become known, as far as its turn has come."""
        while not self._as_json and self._at < len(self._diagnoses):
            if not self._print_on(self._diagnoses[self._at]).complete:
                return
            self._at += 1
            self._shown = 0

    def close(self, *, interrupted: bool = False) -> None:
        """Print the rest, be its turn come or not, and the verdict."""
        if self._as_json:
            show_json(self._as_object(interrupted=interrupted))
            return
        for diagnosis in self._diagnoses[self._at :]:
            self._print_on(diagnosis)
            self._shown = 0
        say(self._verdict(interrupted=interrupted))

    def _print_on(self, diagnosis: Diagnosis) -> Diagnosis:
        for finding in diagnosis.findings[self._shown :]:
            if not self._shown:
                say(f"{diagnosis.deployment}  {diagnosis.address}")
            say(_line(finding))
            self._shown += 1
        if diagnosis.complete:
            say()
        return diagnosis

    def _verdict(self, *, interrupted: bool) -> str:
        failed, warned = self.failures, self._count(Status.WARN)
        word = "FAIL" if failed else "warn" if warned else "ok"
        made = sum(len(each.findings) for each in self._diagnoses)
        return (
            f"{'interrupted; so far ' if interrupted else ''}{word}: "
            f"{failed} failed, {_plural(warned, 'warning')}, {self._count(Status.SKIP)} skipped "
            f"of {_plural(made, 'check')} at {_plural(len(self._diagnoses), 'deployment')}; "
            f"{_plural(self._spent.total, 'token')} spent"
        )

    def _as_object(self, *, interrupted: bool) -> dict[str, object]:
        return {
            "ok": not self.failures,
            "interrupted": interrupted,
            "tokens": self._spent,
            "deployments": [
                {
                    "deployment": each.deployment,
                    "address": each.address,
                    "ok": not each.count(Status.FAIL),
                    "complete": each.complete,
                    "tokens": each.spent,
                    "checks": each.findings,
                }
                for each in self._diagnoses
            ],
        }

    @property
    def _spent(self) -> Spent:
        return sum((each.spent for each in self._diagnoses), Spent())

    def _count(self, status: Status) -> int:
        return sum(each.count(status) for each in self._diagnoses)


def _line(finding: Finding) -> str:
    took = "" if finding.milliseconds is None else f"{finding.milliseconds:.1f} ms"
    mark = _MARKS[finding.status]
    return f"  {mark:<4}  {finding.check:<{_CHECK}}  {took:>11}  {finding.detail}".rstrip()


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
