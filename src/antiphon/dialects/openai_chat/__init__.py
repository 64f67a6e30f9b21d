"""OpenAI Chat Completions, and the many servers that are like it."""

from antiphon.dialects.openai_chat.dialect import OPENAI_CHAT, OpenAIChat

__all__ = ["OPENAI_CHAT", "OpenAIChat"]
