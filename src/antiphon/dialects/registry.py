"""The dialects that are spoken here, and the families that they belong to, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.base import Dialect
from antiphon.dialects.embeddings import OPENAI_EMBEDDINGS, EmbedDialect
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.embedder import GEMINI_BATCH_EMBED, GEMINI_EMBED
from antiphon.dialects.ollama import OLLAMA, OLLAMA_GENERATE
from antiphon.dialects.ollama.embedder import OLLAMA_EMBED, OLLAMA_EMBEDDINGS
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.dialects.untranslated import Untranslated

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            OPENAI_CHAT,
            OPENAI_RESPONSES,
            ANTHROPIC_MESSAGES,
            GEMINI,
            OLLAMA,
            OLLAMA_GENERATE,
        )
    }
)

EMBEDDINGS: Mapping[str, EmbedDialect] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (
            OPENAI_EMBEDDINGS,
            GEMINI_EMBED,
            GEMINI_BATCH_EMBED,
            OLLAMA_EMBED,
            OLLAMA_EMBEDDINGS,
        )
    }
)
"""The dialects of embeddings, by name."""
EMBEDDING_AT: Mapping[str, EmbedDialect] = MappingProxyType(
    {
        spoken: dialect
        for dialect in (OPENAI_EMBEDDINGS, GEMINI_EMBED, OLLAMA_EMBED)
        for spoken in dialect.beside
    }
)
"""How a provider of a chat dialect is asked for vectors by callers of another shape."""


class Family(msgspec.Struct, frozen=True, eq=False):
    """A vendor's API, as others offer it too.

    Attributes:
        spoken: Names of the dialects beside which its other endpoints stand.
        passed: Speaks its endpoints that nobody translates.
        stored: Speaks those that give back what was stored.
    """

    name: str
    spoken: tuple[str, ...]
    passed: Untranslated
    stored: Untranslated


def _family(name: str, dialect: Dialect, *spoken: str) -> Family:
    return Family(
        name, spoken, Untranslated(name, dialect), Untranslated(name, dialect, verbatim=True)
    )


OPENAI = _family("openai", OPENAI_CHAT, "openai_chat", "openai_responses")
ANTHROPIC = _family("anthropic", ANTHROPIC_MESSAGES, "anthropic_messages")
