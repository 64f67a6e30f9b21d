"""Texts as vectors: the contract of its dialects, and OpenAI's, which most servers speak."""

from antiphon.dialects.embeddings.dialect import EmbedDialect
from antiphon.dialects.embeddings.openai import OPENAI_EMBEDDINGS, OpenAiEmbeddings
from antiphon.dialects.embeddings.payload import EmbedPayload

__all__ = ["OPENAI_EMBEDDINGS", "EmbedDialect", "EmbedPayload", "OpenAiEmbeddings"]
