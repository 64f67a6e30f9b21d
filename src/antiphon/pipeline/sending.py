"""What is sent in one attempt: the caller's own bytes, or what they mean in another dialect.

Hot path: for a caller of the provider's dialect, one join.
"""

from __future__ import annotations

from collections.abc import Collection

from antiphon.dialects.embeddings import EmbedPayload
from antiphon.model.needs import Need
from antiphon.pipeline.embedding import EmbedTranslation
from antiphon.pipeline.exchange import Attempt, Exchange
from antiphon.pipeline.forms import form_of, passes
from antiphon.pipeline.plan import Plan
from antiphon.pipeline.translation import Translation


def write(
    exchange: Exchange,
    attempt: Attempt,
    plan: Plan,
    *,
    dropped: Collection[Need],
    now: float,
    cap: int = 0,
) -> tuple[bytes, bytes]:
    """The body of an attempt, and the header lines of its dialect.

    What is needed to read the answer is left in the attempt.

    Args:
        exchange: What is asked.
        attempt: Where.
        plan: Says how much is looked at of the form of the answer.
        dropped: What is left out of a request that goes through.
        now: Seconds since 1970.
        cap: Tokens that each answer may have; 0 where nothing is made shorter.

    Raises:
        CallerError: It cannot be read, or its answer cannot be checked.
    """
    payload, face = exchange.payload, attempt.face
    if passes(payload, face):
        if plan.checks_all:
            attempt.form = form_of(payload, face, plan, read=False)
        body = payload.encode(face.target, quirks=face.quirks, dropped=dropped, cap=cap)
        return body, exchange.forwarded or face.lines
    if isinstance(payload, EmbedPayload):
        translation = EmbedTranslation(payload, face)
    else:
        translation = Translation(payload, face, now=now, unsealed=exchange.unsealed, cap=cap)
        attempt.form = form_of(payload, face, plan, read=True)
    attempt.translation = translation
    payload.input_estimate = attempt.deployment.calibration.of(
        translation.measured, tools=translation.tools
    )
    alike = face.dialect is payload.dialect
    return translation.body, (exchange.forwarded or face.lines) if alike else face.lines
