"""How it serves: what it says to an impossible request, and how long an answer takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from antiphon.dialects.base import Dialect
from antiphon.errors import AntiphonError, Disposition, NotAnAnswer, UpstreamError
from antiphon.gateway.doctor.findings import Finding, fail, ok, skip, warn
from antiphon.gateway.doctor.talk import bound, waited
from antiphon.gateway.doctor.visit import Visit, reason
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.recording import overhead
from antiphon.providers.transport import Head

_THINKING = 1024
"""Tokens for a model that thinks first: one would not do."""
_FAILURES = 3
"""Failed samples after which no more are taken."""


async def errors(visit: Visit) -> Finding:
    """An impossible request is refused, in words that the gateway understands.

    If not, a mistake of a caller looks like a fault of the deployment: it is tried elsewhere, and
    the deployment counts as failing.
    """
    deployment = visit.deployment
    if deployment.signer is not None:
        return skip("requests are signed there")
    if not deployment.keys.alive:
        return skip("no key is left to ask with")
    face = deployment.face
    head = face.head(deployment.keys.take(), stream=False) + face.lines
    body = msgspec.json.encode({"model": deployment.model, "messages": "none", "input": 5})
    began = visit.now()
    told, said = await visit.send(head, body)
    return _judged(visit, told, said, visit.since(began))


async def latency(visit: Visit) -> Finding:
    """How long an answer of one token takes: the provider's share, over several samples."""
    if not visit.answered:
        await _sample(visit)
    own: list[float] = []
    times: list[float] = []
    failed: list[AntiphonError] = []
    for _ in range(visit.samples):
        try:
            exchange = await _sample(visit)
        except AntiphonError as error:
            failed.append(error)
            if len(failed) == _FAILURES:
                break
        else:
            times.append(waited(exchange))
            own.append(overhead(exchange, visit.now()) * 1000)
    lost = ""
    if failed:
        lost = f"{len(failed)} of {len(times) + len(failed)} failed: {reason(failed[0])}"
    if not times:
        return fail(lost)
    figures = {f"p{rank}_ms": percentile(times, rank) for rank in (50, 95, 99)}
    shown = ", ".join(f"{name.removesuffix('_ms')} {ms:.0f} ms" for name, ms in figures.items())
    figures |= {"gateway_ms": percentile(own, 50), "samples": len(times), "failed": len(failed)}
    said = f"{shown} of {len(times)}; the gateway added {figures['gateway_ms']:.1f} ms"
    result = warn if failed else ok
    return result(f"{said}; {lost}" if lost else said, figures["p50_ms"], **figures)


def percentile(values: Sequence[float], rank: int) -> float:
    """The smallest value that so many percent of all do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * rank / 100), 1) - 1]


async def _sample(visit: Visit) -> Exchange:
    # Each asks something else: an answer out of a cache would tell nothing.
    question = f"{visit.gateway.request_ids.new()}: say yes"
    asked = {"messages": [{"role": "user", "content": question}]}
    tokens = _THINKING if visit.deployment.facts.reasoning else 1
    async with visit.ask(**asked, **bound(visit, tokens)) as (exchange, _):
        pass
    return exchange


def _judged(visit: Visit, told: Head, said: bytes, spent: float) -> Finding:
    status, dialect = told.status, visit.deployment.face.dialect
    if status < HTTPStatus.BAD_REQUEST:
        return fail(f"an impossible request was answered with {status}", spent)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return fail(f"an impossible request was answered with {status}, its own fault", spent)
    if not _speaks(dialect, said):
        return fail(f"refused with {status}, and not in words of {dialect.name}", spent)
    error = dialect.decode_error(status, dict(told.headers), said)
    if error.disposition is Disposition.CALLERS_FAULT:
        return ok(f"refused with {status}: {error.code}", spent)
    return warn(f"refused, but not for what was wrong: {reason(error)}", spent)


def _speaks(dialect: Dialect, said: bytes) -> bool:
    """Whether this is an error in the words of the dialect."""
    try:
        dialect.inspect_reply(said)
    except NotAnAnswer as error:
        return error.code == "error_body"
    except UpstreamError:
        return True
    return False
