"""The dialects that are spoken here, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.base import Dialect
from antiphon.dialects.openai_chat import OPENAI_CHAT

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (OPENAI_CHAT, ANTHROPIC_MESSAGES)}
)
