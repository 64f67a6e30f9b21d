"""Health, readiness and metrics, as bare ASGI: a probe calls no provider."""

from __future__ import annotations

import msgspec

from antiphon.errors import Forbidden, MethodNotAllowed, Unauthenticated
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.health import Health, HealthDetail
from antiphon.model.principal import ANONYMOUS, Principal
from antiphon.server.asgi import JSON, NEVER_KEPT, TEXT, Receive, Scope, Send, answer
from antiphon.server.caller import Caller


class LivenessDoor:
    """`/livez`: the event loop turns."""

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        await answer(send, 200, [TEXT, NEVER_KEPT], b"ok\n")


class ReadinessDoor:
    """`/readyz`: 200 while new requests are taken; 503, and why, while they are not."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        obstacle = self._gateway.obstacle
        await answer(
            send, 503 if obstacle else 200, [TEXT, NEVER_KEPT], f"{obstacle or 'ready'}\n".encode()
        )


class HealthDoor:
    """`/health`: healthy, degraded or unhealthy, for load balancers and for anybody who asks."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        await _answer_health(send, self._gateway.health())


class HealthDetailDoor:
    """`/health/detailed`: everything, with the admin key."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        await require_admin(self._gateway, caller)
        await _answer_health(send, await self._gateway.health_in_detail())


class MetricsDoor:
    """`/metrics`, for Prometheus, with the admin key."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        await require_admin(self._gateway, caller)
        body = self._gateway.metrics.exposition()
        await answer(
            send, 200, [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")], body
        )


async def _answer_health(send: Send, health: Health | HealthDetail) -> None:
    status = 503 if health.status == "unhealthy" else 200
    await answer(send, status, [JSON, NEVER_KEPT], msgspec.json.encode(health))


def only_get(scope: Scope) -> None:
    """Refuse what does not read.

    Raises:
        MethodNotAllowed: It is neither GET nor HEAD.
    """
    if scope["method"] not in ("GET", "HEAD"):
        raise MethodNotAllowed(scope["method"], ["GET", "HEAD"])


async def require_admin(gateway: Antiphon, caller: Caller) -> None:
    """Let only the admin key in.

    Raises:
        Unauthenticated: There is no key, or an unknown one.
        Forbidden: It is a key of another scope.
    """
    if not (await require_key(gateway, caller, "The admin key")).is_root:
        raise Forbidden("This needs a key with the scope 'admin'.")


async def require_key(gateway: Antiphon, caller: Caller, which: str = "A key") -> Principal:
    """Let only known keys in, also where the doors of inference ask for none.

    Raises:
        Unauthenticated: There is no key, or an unknown one.
    """
    if caller.credential is None:
        raise Unauthenticated(f"{which} is required.")
    principal = await gateway.principal(caller)
    if principal is ANONYMOUS:
        raise Unauthenticated("The API key is not known here.")
    return principal
