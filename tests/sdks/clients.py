"""Each official SDK in each language, and how it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import pytest

from tests.sdks import asking, javascript
from tests.sdks.jobs import Heard, Job

PYTHON: Final = "python"
JAVASCRIPT: Final = "js"


class Client(NamedTuple):
    """An SDK in one language."""

    language: str
    sdk: str

    def __str__(self) -> str:
        return f"{self.language}:{self.sdk}"

    @property
    def dialect(self) -> str:
        """The dialect that it speaks."""
        if self.language == PYTHON:
            return asking.SDKS[self.sdk].dialect
        return _DIALECTS[self.sdk]

    @property
    def path(self) -> str:
        """Where it asks."""
        return _PATHS[self.dialect]

    @property
    def version(self) -> str:
        """What its base URL ends with; many put that there themselves."""
        if self.dialect.startswith("openai_") or self.sdk == "ai-anthropic":
            return "/v1"
        return ""

    @property
    def mount(self) -> str:
        """Where the gateway has the API of its dialect, beside the usual paths."""
        return _MOUNTS[self.dialect]

    @property
    def reads_thoughts(self) -> bool:
        """Whether it reads `reasoning_content`, where its dialect has nothing better."""
        return self.sdk not in {"ai-openai-chat", "langchain-openai"}

    def raises(self, status: int) -> str:
        """A pattern of the class that it raises on a status."""
        for library, names in _RAISED.items():
            if self.sdk.startswith(library):
                return names.get(status) or names[status // 100 * 100]
        return _OFFICIAL[status]

    async def asked(self, jobs: Sequence[Job]) -> list[Heard]:
        """What it heard, job by job."""
        if self.language == JAVASCRIPT:
            return await javascript.asked(jobs)
        return [await asking.asked(job) for job in jobs]


_DIALECTS: Final = {
    "openai-chat": "openai_chat",
    "openai-responses": "openai_responses",
    "anthropic": "anthropic_messages",
    "ai-openai": "openai_responses",
    "ai-openai-chat": "openai_chat",
    "ai-anthropic": "anthropic_messages",
    "ai-compatible": "openai_chat",
}
"""What the JavaScript ones speak."""

_PATHS: Final = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "gemini": "/v1beta/models/any:generateContent",
    "ollama": "/api/chat",
}

_MOUNTS: Final = {
    "openai_chat": "/openai",
    "openai_responses": "/openai",
    "anthropic_messages": "/anthropic",
    "gemini": "/gemini",
    "ollama": "/ollama",
}

_OFFICIAL: Final = {
    400: "BadRequestError",
    401: "AuthenticationError",
    404: "NotFoundError",
    429: "RateLimitError",
    502: "InternalServerError",
}
_RAISED: Final[Mapping[str, Mapping[int, str]]] = {
    "ai-": {400: "APICallError", 500: "APICallError"},
    "google-genai": {400: "ClientError", 500: "ServerError"},
    "ollama": {400: "ResponseError", 500: "ResponseError"},
    "langchain-openai": {
        400: "OpenAI(InvalidRequest|ContextOverflow)Error",
        401: "OpenAIAuthenticationError",
        404: "OpenAIModelNotFoundError",
        429: "OpenAIRateLimitError",
        500: "OpenAIAPIError",
    },
    "langchain-anthropic": {
        400: "Anthropic(InvalidRequest|ContextOverflow)Error",
        401: "AnthropicAuthenticationError",
        404: "AnthropicModelNotFoundError",
        429: "AnthropicRateLimitError",
        500: "AnthropicAPIError",
    },
    "langchain-google-genai": {
        400: "Google(InvalidRequest|ContextOverflow)Error",
        401: "GoogleAuthenticationError",
        404: "GoogleModelNotFoundError",
        429: "GoogleRateLimitError",
        500: "GoogleAPIError",
    },
    "langchain-ollama": {400: "ResponseError", 500: "ResponseError"},
    "pydantic-ai": {
        400: "Model(RequestRejected|ContextWindowExceeded)Error",
        401: "ModelAuthenticationError",
        404: "ModelNotFoundError",
        429: "ModelRateLimitError",
        500: "ModelServerError",
    },
    "litellm": {
        400: "(BadRequest|ContextWindowExceeded)Error",
        401: "AuthenticationError",
        404: "NotFoundError",
        429: "RateLimitError",
        500: "(InternalServer|BadGateway|API)Error",
    },
}
"""By the beginning of a name: a class for a status, or for its hundred."""

_LOOSE: Final = ("langchain", "litellm", "pydantic-ai")
"""Libraries that warn of themselves: what they do with others is not ours to mend."""

CLIENTS: Final = [
    *(Client(PYTHON, sdk) for sdk in asking.SDKS),
    *(Client(JAVASCRIPT, sdk) for sdk in javascript.SDKS),
]


def each(clients: Sequence[Client] = CLIENTS) -> pytest.MarkDecorator:
    """A test of each client."""
    loose = [
        pytest.mark.filterwarnings(f"ignore::{kind}")
        for kind in ("DeprecationWarning", "RuntimeWarning", "UserWarning")
    ]
    return pytest.mark.parametrize(
        "client",
        [
            pytest.param(one, id=str(one), marks=loose if one.sdk.startswith(_LOOSE) else ())
            for one in clients
        ],
    )
