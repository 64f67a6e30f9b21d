"""How many tokens a prompt would be: asked of the provider where it counts, else estimated."""

from __future__ import annotations

from typing import Literal, NamedTuple

from antiphon.dialects.base import Payload
from antiphon.errors import AntiphonError, NothingCleared
from antiphon.gateway.gateway import Antiphon
from antiphon.model.principal import Principal
from antiphon.pipeline.facts import Headers
from antiphon.pipeline.translation import written_for
from antiphon.providers.deployment import Deployment
from antiphon.providers.face import Face
from antiphon.providers.transport import Call, Timeouts
from antiphon.wire.shallow import Members

_TIMEOUTS = Timeouts(connect=3, first_byte=10, idle=10, total=10)
"""A client waits for a count before it goes on: an estimate in time is better than a late count."""
_OK = 200


class Counted(NamedTuple):
    """Tokens of a prompt, and who says so."""

    tokens: int
    source: Literal["provider", "estimated"]


async def count(
    gateway: Antiphon,
    principal: Principal,
    payload: Payload,
    members: Members,
    *,
    lines: bytes,
    headers: Headers,
) -> Counted:
    """Count a prompt for whoever would answer it.

    Args:
        gateway: Whose routes and limits hold.
        principal: Who asks.
        payload: What would be asked.
        members: What the caller sent to be counted.
        lines: Headers of the caller that go on to a provider of its dialect.
        headers: All of the caller's.

    Raises:
        ModelNotFound, Forbidden: The caller cannot ask for the model.
        Overloaded: Too much is under way.
        MalformedBody, InvalidRequest: The prompt has to be read, and cannot be.
    """
    pipeline = gateway.pipeline
    plan = pipeline.plan(gateway.snapshot, payload.model, principal)
    try:
        question = pipeline.question(payload, principal, headers)
        first = plan.chooser.choose(question, gateway.clock.monotonic()).order[0].deployment
    except NothingCleared:
        # Nobody is asked; what a prompt is to some tokenizer is no secret to its writer.
        return Counted(plan.deployments[0].calibration.count(payload.request), "estimated")
    gateway.concurrency.take()
    try:
        counted = await _ask(gateway, first, payload, members, lines)
    finally:
        gateway.concurrency.give()
    if counted is not None:
        return Counted(counted, "provider")
    return Counted(first.calibration.count(payload.request), "estimated")


async def _ask(
    gateway: Antiphon, deployment: Deployment, payload: Payload, members: Members, lines: bytes
) -> int | None:
    """What the deployment that would answer says; None where it does not count."""
    face = deployment.face_for(payload.dialect, gateway.clock.monotonic())
    if not face.counts:
        return None
    if not payload.passes(face.dialect):
        members, lines = written_for(payload, face), b""
    try:
        return await _asked(gateway, deployment, face, members, lines)
    except AntiphonError:
        # It counts badly today; the question itself goes on as it would have.
        return None


async def _asked(
    gateway: Antiphon, deployment: Deployment, face: Face, members: Members, lines: bytes
) -> int | None:
    body = face.dialect.count_request(members, deployment.model).encode()
    key = deployment.keys.take()
    head = face.counting_head(key) + (lines or face.lines)
    answer = await gateway.transport.send(Call(deployment.origin, head, body, _TIMEOUTS))
    try:
        told = await answer.head()
        said = await answer.whole()
    finally:
        answer.close()
    if told is None or told.status != _OK:
        return None
    return face.dialect.read_count(said)
