"""Asking providers which models they have, for people who start without a configuration."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from antiphon.errors import UpstreamError
from antiphon.providers.provider import Provider, model_names
from antiphon.providers.transport import Call, Timeouts, Upstream

_TIMEOUTS = Timeouts(connect=2, first_byte=3, idle=3, total=3)
_OK = 200


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
    except UpstreamError as error:
        return provider.models, f"cannot be asked for its models: {error.message}"
    assert head is not None
    if head.status != _OK:
        return provider.models, f"answered {head.status} when asked for its models"
    return model_names(body) or provider.models, ""
