"""Anthropic Messages, and the servers that are like it."""

from antiphon.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES, AnthropicMessages

__all__ = ["ANTHROPIC_MESSAGES", "AnthropicMessages"]
