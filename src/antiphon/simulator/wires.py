"""The names of the wire formats, as recordings and faults use them."""

from typing import Final

CHAT: Final = "openai-chat"
MESSAGES: Final = "anthropic-messages"
RESPONSES: Final = "openai-responses"
OLLAMA: Final = "ollama"
WIRES: Final = frozenset({CHAT, MESSAGES, RESPONSES, OLLAMA})
"""All that are spoken here."""
