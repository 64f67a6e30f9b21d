"""The exceptions of the matrix: what a client does not ask, and what a provider cannot be given.

Each is held to: a client that is not asked has a reason, and a refusal must really come.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_NO_STOPS: Final = "Responses have no stop sequences"
_NO_FILES: Final = "the SDK takes pictures, and no other files"

UNASKED: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("openai-responses", "stops"): _NO_STOPS,
        ("pydantic-ai-responses", "stops"): _NO_STOPS,
        ("ai-openai", "stops"): _NO_STOPS,
        ("ollama", "pdf"): _NO_FILES,
        ("langchain-ollama", "pdf"): _NO_FILES,
        ("litellm-anthropic", "schema"): (
            "LiteLLM asks a model that it does not know to call a tool in place of a schema"
        ),
    }
)
"""By SDK and case: why it is not asked."""

REFUSED: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {("ollama", "pdf"): "Ollama reads no files: 400 `unsupported_parameter`"}
)
"""By a provider's dialect and a case: why callers get a refusal."""

UNNAMED: Final = frozenset({"openai_responses"})
"""Dialects of providers that take no stop sequences: the gateway watches for them."""


def unasked(sdk: str, case: str) -> str | None:
    """Why a client is not asked for a case; None where it is."""
    return UNASKED.get((sdk, _kind(case)))


def refused(provider: str, case: str) -> str | None:
    """Why a provider's dialect cannot do a case; None where it can."""
    return REFUSED.get((provider, _kind(case)))


def _kind(case: str) -> str:
    return case.removesuffix("_stream")
