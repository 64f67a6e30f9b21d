"""Each official SDK in each language, and how it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

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
        return _DIALECTS[self.sdk]

    @property
    def path(self) -> str:
        """Where it asks."""
        return _PATHS[self.dialect]

    @property
    def version(self) -> str:
        """What its base URL ends with; some put that there themselves."""
        return "" if self.sdk == "anthropic" else "/v1"

    @property
    def reads_thoughts(self) -> bool:
        """Whether it reads `reasoning_content`, where its dialect has nothing better."""
        return self.sdk != "ai-openai-chat"

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

_PATHS: Final = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
}

CLIENTS: Final = [
    *(Client(PYTHON, sdk) for sdk in asking.SDKS),
    *(Client(JAVASCRIPT, sdk) for sdk in javascript.SDKS),
]
