"""The names of the wire formats, as recordings and faults use them."""

from typing import Final

CHAT: Final = "openai-chat"
MESSAGES: Final = "anthropic-messages"
RESPONSES: Final = "openai-responses"
GEMINI: Final = "gemini"
OLLAMA: Final = "ollama"
WIRES: Final = frozenset({CHAT, MESSAGES, RESPONSES, GEMINI, OLLAMA})
"""All that are spoken here."""
MODELS: Final = "models"
"""No wire: recorded lists of models, which any base URL may have."""
