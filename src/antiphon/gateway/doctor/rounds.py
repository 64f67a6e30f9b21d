"""The checks in their order, and the round over several deployments.

What depends on a check that failed is not tried: its finding says which one that was. Providers
are visited side by side, the deployments of one provider one after the other, so that none waits
behind the samples of another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

from antiphon.errors import AntiphonError
from antiphon.gateway.doctor.account import key, models, retirement
from antiphon.gateway.doctor.findings import Finding, Status, fail, skip
from antiphon.gateway.doctor.network import connect, resolve, tls
from antiphon.gateway.doctor.service import errors, latency
from antiphon.gateway.doctor.talk import chat, json_mode, stream, tools
from antiphon.gateway.doctor.visit import Visit, reason

_AT_ONCE = 8
"""Providers that are visited side by side."""


class Check(NamedTuple):
    """One thing to find out.

    Attributes:
        needs: Checks without which this one tells nothing new.
        talks: It needs a model, not only a provider.
    """

    name: str
    run: Callable[[Visit], Awaitable[Finding]]
    needs: tuple[str, ...] = ()
    talks: bool = False


CHECKS: Sequence[Check] = (
    Check("resolve", resolve),
    Check("connect", connect, ("resolve",)),
    Check("tls", tls, ("connect",)),
    Check("key", key, ("tls",)),
    Check("models", models, ("key",)),
    Check("retirement", retirement, talks=True),
    Check("chat", chat, ("key",), talks=True),
    Check("stream", stream, ("chat",), talks=True),
    Check("tools", tools, ("chat",), talks=True),
    Check("json", json_mode, ("chat",), talks=True),
    Check("errors", errors, ("key",), talks=True),
    Check("latency", latency, ("chat",), talks=True),
)
"""In the order in which they are made and shown."""

NAMES = tuple(each.name for each in CHECKS)


async def make_round(
    visits: Iterable[Visit], only: Sequence[str], told: Callable[[], None]
) -> None:
    """Make these checks at each deployment; all of them where none is named.

    What is found stands in the diagnoses of the visits at once, so that whoever is interrupted
    has it.

    Args:
        visits: Whom to visit, and in which order.
        only: Names of checks.
        told: Called after each finding.
    """
    chosen = [each for each in CHECKS if not only or each.name in only]
    beds: dict[str, list[Visit]] = {}
    for visit in visits:
        beds.setdefault(visit.provider.name, []).append(visit)
    places = asyncio.Semaphore(_AT_ONCE)
    async with asyncio.TaskGroup() as group:
        for same in beds.values():
            group.create_task(_of_one_provider(same, chosen, places, told))


async def _of_one_provider(
    visits: Iterable[Visit],
    chosen: Sequence[Check],
    places: asyncio.Semaphore,
    told: Callable[[], None],
) -> None:
    async with places:
        for visit in visits:
            await _examine(visit, chosen, told)


async def _examine(visit: Visit, chosen: Sequence[Check], told: Callable[[], None]) -> None:
    diagnosis = visit.diagnosis
    lost: dict[str, str] = {}
    """Checks that failed or hang on one that did, and that one."""
    for check in chosen:
        root = next((lost[need] for need in check.needs if need in lost), None)
        if root is not None:
            finding = skip(f"{root} failed")
            lost[check.name] = root
        elif check.talks and not visit.knows_a_model:
            finding = skip("no model is known there; name one as PROVIDER/MODEL")
        else:
            finding = await _made(check, visit)
            if finding.status is Status.FAIL:
                lost[check.name] = check.name
        diagnosis.findings.append(_fit_to_show(finding, check, visit))
        diagnosis.complete = check is chosen[-1]
        told()


async def _made(check: Check, visit: Visit) -> Finding:
    began = visit.now()
    try:
        return await check.run(visit)
    except TimeoutError:
        return fail(f"nothing within {visit.seconds:g} s", visit.since(began))
    except AntiphonError as error:
        return fail(reason(error), visit.since(began))


def _fit_to_show(finding: Finding, check: Check, visit: Visit) -> Finding:
    took = finding.milliseconds
    return Finding(
        check=check.name,
        status=finding.status,
        detail=visit.clean(finding.detail),
        milliseconds=None if took is None else round(took, 3),
        figures={name: round(figure, 3) for name, figure in finding.figures.items()},
    )
