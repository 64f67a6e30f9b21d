"""The doors of embeddings: one shape of requests for vectors each."""

from __future__ import annotations

from typing_extensions import override

from antiphon.dialects.base import Dialect
from antiphon.dialects.embeddings import EmbedDialect, EmbedPayload
from antiphon.errors import MethodNotAllowed
from antiphon.gateway.gateway import Antiphon
from antiphon.server.caller import Caller
from antiphon.server.doors import Asked, InferenceDoor
from antiphon.server.line import Line
from antiphon.wire.shallow import Members


class EmbedDoor(InferenceDoor):
    """An endpoint for vectors.

    Args:
        dialect: The shape that is spoken there.
        model: Of the path, decoded; empty where the body names it.
    """

    def __init__(
        self, gateway: Antiphon, dialect: EmbedDialect, *, max_body: int, model: str = ""
    ) -> None:
        super().__init__(gateway, max_body=max_body)
        self._dialect = dialect
        self._model = model

    @override
    def heard(self, caller: Caller) -> Dialect:
        return self._dialect

    @override
    def check(self, caller: Caller, method: bytes) -> None:
        if method != b"POST":
            raise MethodNotAllowed(method.decode(), ["POST"])

    @override
    def read(self, caller: Caller, line: Line, body: bytes) -> Asked:
        dialect = self._dialect
        payload = EmbedPayload(dialect, Members.parse(body), self._model)
        return payload, caller.forwarded(dialect) if dialect.forwarded else b"", None
