"""`POST /v1/messages/count_tokens`: how many tokens a prompt would be."""

from __future__ import annotations

import msgspec

from antiphon.dialects.base import Dialect, Payload
from antiphon.errors import Draining, MethodNotAllowed
from antiphon.gateway.counting import count
from antiphon.gateway.gateway import Antiphon
from antiphon.server.asgi import JSON, Receive, Scope, Send, answer
from antiphon.server.caller import Caller
from antiphon.server.line import AsgiLine
from antiphon.wire.shallow import Members

_SOURCE = b"x-antiphon-token-count"


class CountDoor:
    """Counts prompts of one dialect; says in a header whether the provider did or we guessed.

    Args:
        required: Members that a question must have and a prompt to be counted need not.
        max_body: Bound of a request's body, in bytes.
    """

    def __init__(
        self,
        gateway: Antiphon,
        dialect: Dialect,
        *,
        required: dict[str, bytes],
        max_body: int,
    ) -> None:
        self._gateway = gateway
        self._dialect = dialect
        self._required = required
        self._max_body = max_body

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        gateway, line = self._gateway, AsgiLine(scope, receive, send)
        if line.method != b"POST":
            raise MethodNotAllowed(line.method.decode(), ["POST"])
        if gateway.draining:
            raise Draining("The gateway is shutting down.", retry_after=1)
        principal = gateway.principal(caller.credential)
        caller.check_size(self._max_body)
        members = Members.parse(await line.whole_body(self._max_body))
        asked = {name: raw for name, raw in self._required.items() if name not in members}
        payload = Payload(self._dialect, members.replace(asked))
        counted = await count(gateway, principal, payload, members, caller.forwarded(self._dialect))
        body = msgspec.json.encode({"input_tokens": counted.tokens})
        request_id = gateway.request_ids.new().encode()
        headers = [JSON, (_SOURCE, counted.source.encode()), (self._dialect.id_header, request_id)]
        await answer(send, 200, headers, body)
