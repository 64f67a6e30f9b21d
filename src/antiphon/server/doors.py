"""The doors of inference: bare ASGI, no request object, no middleware.

Hot path: a door reads the body, opens the pipeline and sends what comes out.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError, current_task

from antiphon.dialects.base import Dialect, Payload
from antiphon.errors import AntiphonError, Draining, InternalFault, MethodNotAllowed
from antiphon.gateway.gateway import Antiphon
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.recording import overhead
from antiphon.pipeline.replies import StreamReply, WholeReply
from antiphon.server.asgi import JSON, Headers, Receive, Scope, Send, read_body
from antiphon.server.caller import Caller
from antiphon.server.errors import answer_error
from antiphon.server.protocol import CALLER, GatewayProtocol
from antiphon.telemetry.trace import Trace
from antiphon.wire.shallow import Members

_log = logging.getLogger("antiphon.server")
_NO_CACHE = (b"cache-control", b"no-cache")
_NO_BUFFER = (b"x-accel-buffering", b"no")


class ChatDoor:
    """One dialect's chat endpoint.

    Args:
        max_body: Bound of a request's body, in bytes.
    """

    def __init__(self, gateway: Antiphon, dialect: Dialect, *, max_body: int) -> None:
        self._gateway = gateway
        self._dialect = dialect
        self._max_body = max_body

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        gateway = self._gateway
        delivery = _Delivery(gateway, self._dialect, send)
        if gateway.tracer is not None:
            delivery.trace = gateway.tracer.begin(scope["headers"])
        connection = _connection(scope)
        task = connection.task if connection is not None else current_task()
        assert task is not None
        try:
            self._check(scope)
            # Before the body, so that a stranger cannot make us read 32 MB.
            snapshot = gateway.snapshot
            principal = gateway.pipeline.authenticate(snapshot, caller.credential)
            payload = Payload(
                self._dialect, Members.parse(await read_body(receive, caller, self._max_body))
            )
            exchange = Exchange(
                id=delivery.id,
                started=delivery.started,
                payload=payload,
                snapshot=snapshot,
                principal=principal,
                interrupt=task.cancel,
                hops=caller.hops,
                served=True,
                trace=delivery.trace,
            )
            delivery.exchange = exchange
            async with gateway.pipeline.open(exchange) as reply:
                await delivery.send_reply(reply)
        except AntiphonError as error:
            await delivery.send_error(error)
        except CancelledError:
            exchange = delivery.exchange
            if exchange is not None and exchange.interrupted is not None:
                task.uncancel()
                await delivery.send_error(exchange.interrupted)
            elif connection is None or not connection.left:
                raise
        # A task boundary: a defect must neither hang a caller nor be shown to it.
        except Exception:  # noqa: BLE001
            _log.exception("Request %s met a defect", delivery.id)
            await delivery.send_error(InternalFault("The gateway met a defect."))

    def _check(self, scope: Scope) -> None:
        if scope["method"] != "POST":
            raise MethodNotAllowed(scope["method"], ["POST"])
        if self._gateway.draining:
            raise Draining("The gateway is shutting down.", retry_after=1)


class _Delivery:
    """One answer on its way out."""

    __slots__ = (
        "_complete",
        "_dialect",
        "_gateway",
        "_send",
        "_stream",
        "exchange",
        "id",
        "started",
        "trace",
    )

    def __init__(self, gateway: Antiphon, dialect: Dialect, send: Send) -> None:
        self._gateway = gateway
        self._dialect = dialect
        self._send = send
        self._stream: StreamReply | None = None
        self._complete = False
        self.exchange: Exchange | None = None
        self.trace: Trace | None = None
        self.id = gateway.request_ids.new()
        self.started = gateway.clock.monotonic()

    async def send_reply(self, reply: WholeReply | StreamReply) -> None:
        headers, send = self._headers(), self._send
        if isinstance(reply, WholeReply):
            body = reply.body
            headers += (JSON, (b"content-length", b"%d" % len(body)))
            self._complete = True
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        headers += ((b"content-type", reply.content_type.encode()), _NO_CACHE, _NO_BUFFER)
        self._stream = reply
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        more = True
        while more:
            piece = await reply.next()
            more = not reply.ended
            self._complete = not more
            await send({"type": "http.response.body", "body": piece, "more_body": more})
        await reply.drain()

    async def send_error(self, error: AntiphonError) -> None:
        """Say what went wrong: as a status, or inside a stream that has begun."""
        if self._complete:
            return
        self._complete = True
        if self.exchange is None:
            gateway = self._gateway
            gateway.pipeline.recording.refusal(
                error,
                request=self.id,
                seconds=gateway.clock.monotonic() - self.started,
                heard=self._dialect.name,
                trace=self.trace,
            )
        if self._stream is not None:
            piece = self._stream.fail(error)
            await self._send({"type": "http.response.body", "body": piece})
            return
        await answer_error(self._send, self._dialect, error, self._headers(), self.id)

    def _headers(self) -> Headers:
        request_id = self.id.encode()
        exchange = self.exchange
        if exchange is None or not exchange.attempts:
            return [(b"x-request-id", request_id), (b"x-antiphon-request-id", request_id)]
        attempts = exchange.attempts
        spent = overhead(exchange, self._gateway.clock.monotonic())
        headers: Headers = [
            (b"x-request-id", request_id),
            (b"x-antiphon-request-id", request_id),
            (b"x-antiphon-deployment", attempts[-1].deployment.name.encode()),
            (b"x-antiphon-attempts", b"%d" % len(attempts)),
            (b"x-antiphon-overhead-ms", b"%.3f" % (spent * 1000)),
            (b"x-antiphon-generation", b"%d" % exchange.snapshot.generation),
        ]
        if exchange.warnings:
            headers.append((b"x-antiphon-warnings", "; ".join(exchange.warnings).encode("latin-1")))
        return headers


def _connection(scope: Scope) -> GatewayProtocol | None:
    """The caller's connection, where our own protocol serves it."""
    extensions = scope.get("extensions")
    return extensions.get(CALLER) if extensions else None
