"""The doors of embeddings: one shape of requests for vectors each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from typing_extensions import override

from antiphon.dialects.base import Dialect
from antiphon.dialects.embeddings import OPENAI_EMBEDDINGS, EmbedDialect, EmbedPayload
from antiphon.dialects.ollama.embedder import OLLAMA_EMBED, OLLAMA_EMBEDDINGS
from antiphon.gateway.gateway import Antiphon
from antiphon.server.caller import Caller
from antiphon.server.doors import Asked, InferenceDoor
from antiphon.server.line import Line
from antiphon.server.ollama import untagged
from antiphon.wire.shallow import Members

PATHS: Final[Mapping[str, EmbedDialect]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("/v1/embeddings", "/embeddings", "/openai/v1/embeddings"), OPENAI_EMBEDDINGS
        ),
        **dict.fromkeys(("/api/embed", "/ollama/api/embed"), OLLAMA_EMBED),
        **dict.fromkeys(("/api/embeddings", "/ollama/api/embeddings"), OLLAMA_EMBEDDINGS),
    }
)
"""Where each shape is spoken that has its model in the body; of Gemini's, see `gemini.EMBEDS`."""


class EmbedDoor(InferenceDoor):
    """An endpoint for vectors.

    Args:
        dialect: The shape that is spoken there.
        model: Of the path, decoded; empty where the body names it.
        key: Of the query, for callers who show none in a header.
    """

    repeatable = True

    def __init__(
        self,
        gateway: Antiphon,
        dialect: EmbedDialect,
        *,
        max_body: int,
        model: str = "",
        key: bytes | None = None,
    ) -> None:
        super().__init__(gateway, max_body=max_body)
        self._dialect = dialect
        self._model = model
        self.key = key

    @override
    async def answer(self, caller: Caller, line: Line) -> None:
        caller.credential = caller.credential or self.key
        await super().answer(caller, line)

    @override
    def heard(self, caller: Caller) -> Dialect:
        return self._dialect

    @override
    def read(self, caller: Caller, line: Line, body: bytes) -> Asked:
        dialect, members = self._dialect, Members.parse(body)
        payload = EmbedPayload(dialect, members, self._model)
        if dialect in (OLLAMA_EMBED, OLLAMA_EMBEDDINGS):
            named = untagged(self._gateway, payload.model)
            if named != payload.model:
                payload = EmbedPayload(dialect, members, named)
        return payload, caller.forwarded(dialect) if dialect.forwarded else b"", None


def embed_doors(gateway: Antiphon, *, max_body: int) -> dict[str, EmbedDoor]:
    """The doors whose paths are fixed."""
    return {path: EmbedDoor(gateway, shape, max_body=max_body) for path, shape in PATHS.items()}
