"""The Python SDKs do a job; what they read comes back in the words of all SDKs."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

# LiteLLM would fetch its price list as it is imported; nothing here goes out.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import anthropic
import ollama
import openai
from google.genai import errors as google
from pydantic_ai.exceptions import ModelAPIError

from tests.sdks import (
    by_anthropic,
    by_google,
    by_langchain,
    by_litellm,
    by_ollama,
    by_openai,
    by_pydantic_ai,
)
from tests.sdks.jobs import Answer, Heard, Job, Trouble

Asking: TypeAlias = Callable[[Job, list[Answer]], Awaitable[None]]


class Sdk(NamedTuple):
    """A Python SDK.

    Attributes:
        dialect: The one that it speaks.
        ask: How it is asked.
        raises: What its errors have in common.
    """

    dialect: str
    ask: Asking
    raises: type[Exception] | tuple[type[Exception], ...]


async def asked(job: Job) -> Heard:
    """Do a job; whatever the SDK raises is what was heard."""
    answers: list[Answer] = []
    sdk = SDKS[job.sdk]
    try:
        await sdk.ask(job, answers)
    except sdk.raises as error:
        return Heard(tuple(answers), _trouble(error))
    return Heard(tuple(answers))


def _trouble(error: Exception) -> Trouble:
    # A wrapper keeps what it wraps as the cause.
    both = [error, *filter(None, [error.__cause__])]
    names = ("status_code", "code")
    statuses = [status for one in both for name in names if (status := getattr(one, name, None))]
    replies = [one.response for one in both if hasattr(one, "response")]
    headers = [reply.headers for reply in replies if reply is not None]
    return Trouble(
        type(error).__name__,
        next((status for status in statuses if isinstance(status, int)), None),
        str(error),
        headers[0].get("retry-after") if headers else None,
    )


SDKS: Final[Mapping[str, Sdk]] = MappingProxyType(
    {
        "openai-chat": Sdk("openai_chat", by_openai.chat, openai.OpenAIError),
        "openai-responses": Sdk("openai_responses", by_openai.responses, openai.OpenAIError),
        "anthropic": Sdk("anthropic_messages", by_anthropic.messages, anthropic.AnthropicError),
        "google-genai": Sdk("gemini", by_google.generate, google.APIError),
        "ollama": Sdk("ollama", by_ollama.chat, ollama.ResponseError),
        "langchain-openai": Sdk("openai_chat", by_langchain.openai, openai.OpenAIError),
        "langchain-anthropic": Sdk(
            "anthropic_messages", by_langchain.anthropic, anthropic.AnthropicError
        ),
        "langchain-google-genai": Sdk("gemini", by_langchain.google, by_langchain.GOOGLE_ERRORS),
        "langchain-ollama": Sdk("ollama", by_langchain.ollama, ollama.ResponseError),
        "pydantic-ai-openai": Sdk("openai_chat", by_pydantic_ai.openai, ModelAPIError),
        "pydantic-ai-responses": Sdk("openai_responses", by_pydantic_ai.responses, ModelAPIError),
        "pydantic-ai-anthropic": Sdk("anthropic_messages", by_pydantic_ai.anthropic, ModelAPIError),
        "pydantic-ai-google": Sdk("gemini", by_pydantic_ai.google, ModelAPIError),
        "litellm-openai": Sdk("openai_chat", by_litellm.openai, openai.OpenAIError),
        "litellm-anthropic": Sdk("anthropic_messages", by_litellm.anthropic, openai.OpenAIError),
    }
)
"""Each SDK, by its name."""
