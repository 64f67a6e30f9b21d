"""Which models there are: an entry of a list, and asking providers for theirs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from antiphon.errors import ConfigurationError, UpstreamError
from antiphon.providers.model_names import model_names
from antiphon.providers.models import ModelFacts
from antiphon.providers.provider import Provider
from antiphon.providers.transport import Call, Timeouts, Upstream

_TIMEOUTS = Timeouts(connect=2, first_byte=3, idle=3, total=3)
_OK = 200
_NOT_FOR_CHAT = re.compile(
    r"embed|bge-|\baqa\b|veo|lyria|robotics|computer-use|rerank|moderation|guard|whisper|tts|speech|transcri|audio|realtime|voice|live"
    r"|image|dall-e|sora|video|ocr|search|research|davinci|babbage|instruct$|codex|-pro\b",
    re.IGNORECASE,
)
"""Words in the names of models that answer no chat, or not on this endpoint."""


class ModelEntry(msgspec.Struct, frozen=True):
    """A name that callers may ask for.

    Attributes:
        deployments: What stands behind it, in order.
        facts: What is known of the first of them.
    """

    name: str
    deployments: tuple[str, ...]
    facts: ModelFacts = ModelFacts()


async def list_models(
    providers: Iterable[Provider], transport: Upstream
) -> tuple[list[str], Mapping[str, str]]:
    """All `provider/model` names that answer, and why a provider did not."""
    listed: list[str] = []
    failed: dict[str, str] = {}
    chosen = list(providers)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask(each, transport)) for each in chosen]
    for provider, task in zip(chosen, tasks, strict=True):
        names, reason = task.result()
        listed += [f"{provider.name}/{name}" for name in names]
        if reason:
            failed[provider.name] = reason
    return listed, failed


def to_try(names: Sequence[str]) -> str:
    """The one to show to somebody who wants to see an answer; providers list all sorts."""
    return next((name for name in names if not _NOT_FOR_CHAT.search(name)), names[0])


async def _ask(provider: Provider, transport: Upstream) -> tuple[Sequence[str], str]:
    """The names, and what went wrong; names that are known anyway are given in any case."""
    try:
        asked = provider.models_head()
        if asked is None or provider.settings.models:
            return provider.models, ""
        call = Call(origin=provider.address.origin, head=asked[0], body=b"", timeouts=_TIMEOUTS)
        answer = await transport.send(call)
        try:
            head = await answer.head()
            body = await answer.whole()
        finally:
            answer.close()
    except (ConfigurationError, UpstreamError) as error:
        return provider.models, f"cannot be asked for its models: {error.message}"
    assert head is not None
    if head.status != _OK:
        return provider.models, f"answered {head.status} when asked for its models"
    return model_names(body) or provider.models, ""
