"""Health, readiness and metrics, as bare ASGI: a probe calls no provider."""

from __future__ import annotations

import msgspec

from antiphon.errors import Forbidden, MethodNotAllowed, Unauthenticated
from antiphon.gateway.gateway import Antiphon
from antiphon.model.principal import Principal
from antiphon.server.asgi import JSON, TEXT, Receive, Scope, Send, answer
from antiphon.server.caller import Caller


class LivenessDoor:
    """`/livez`: the event loop turns."""

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        await answer(send, 200, [TEXT], b"ok\n")


class ReadinessDoor:
    """`/readyz`: 200 while new requests are taken, 503 while draining."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        if self._gateway.draining:
            await answer(send, 503, [TEXT], b"draining\n")
        else:
            await answer(send, 200, [TEXT], b"ready\n")


class HealthDoor:
    """`/health`: healthy, degraded or unhealthy, for people and load balancers."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        health = self._gateway.health()
        body = msgspec.json.encode(health)
        await answer(send, 503 if health.status == "unhealthy" else 200, [JSON], body)


class MetricsDoor:
    """`/metrics`, for Prometheus, with the admin key."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        require_admin(self._gateway, caller)
        body = self._gateway.metrics.exposition()
        await answer(
            send, 200, [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")], body
        )


def only_get(scope: Scope) -> None:
    """Refuse what does not read.

    Raises:
        MethodNotAllowed: It is neither GET nor HEAD.
    """
    if scope["method"] not in ("GET", "HEAD"):
        raise MethodNotAllowed(scope["method"], ["GET", "HEAD"])


def require_admin(gateway: Antiphon, caller: Caller) -> None:
    """Let only the admin key in.

    Raises:
        Unauthenticated: There is no key, or an unknown one.
        Forbidden: It is a key of another scope.
    """
    if "admin" not in require_key(gateway, caller, "The admin key").scopes:
        raise Forbidden("This needs a key with the scope 'admin'.")


def require_key(gateway: Antiphon, caller: Caller, which: str = "A key") -> Principal:
    """Let only known keys in, also where the doors of inference ask for none.

    Raises:
        Unauthenticated: There is no key, or an unknown one.
    """
    if caller.credential is None:
        raise Unauthenticated(f"{which} is required.")
    principal = gateway.snapshot.keys.find(caller.credential)
    if principal is None:
        raise Unauthenticated("The API key is not known here.")
    return principal
