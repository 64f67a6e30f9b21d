"""Which models are in the memory of servers that tell it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from antiphon.dialects.ollama.listing import read_models
from antiphon.errors import UpstreamError
from antiphon.providers.provider import Provider
from antiphon.providers.transport import Call, Timeouts, Upstream

_TIMEOUTS = Timeouts(connect=1, first_byte=2, idle=2, total=2)
_OK = 200
_NEWEST = ":latest"
"""What a name means that says no version."""


class Loaded(msgspec.Struct, frozen=True):
    """A model of a server that tells what is in its memory.

    Attributes:
        loaded: Whether it is.
        memory_bytes: What it takes there; null where it is not.
        video_bytes: Of that, in the memory of graphics cards.
    """

    loaded: bool
    memory_bytes: int | None = None
    video_bytes: int | None = None


_NOT_LOADED = Loaded(loaded=False)


class Memory:
    """What servers told of their memory.

    Args:
        told: By providers, of each model by its name.
    """

    def __init__(self, told: Mapping[str, Mapping[str, Loaded]]) -> None:
        self._told = told

    def of(self, provider: str, model: str) -> Loaded | None:
        """A model; None where its server does not tell."""
        told = self._told.get(provider)
        if told is None:
            return None
        return told.get(model) or told.get(f"{model}{_NEWEST}") or _NOT_LOADED


async def memory(providers: Iterable[Provider], transport: Upstream) -> Memory:
    """Ask all servers that tell it, at once; one that does not answer in time tells nothing."""
    asked = [(each, head) for each in providers if (head := _head(each)) is not None]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask(each, head, transport)) for each, head in asked]
    told: dict[str, Mapping[str, Loaded]] = {}
    for (provider, _), task in zip(asked, tasks, strict=True):
        found = task.result()
        if found is not None:
            told[provider.name] = found
    return Memory(told)


def _head(provider: Provider) -> bytes | None:
    try:
        return provider.loaded_head()
    except UpstreamError:  # no key of it is live
        return None


async def _ask(provider: Provider, head: bytes, transport: Upstream) -> Mapping[str, Loaded] | None:
    try:
        answer = await transport.send(Call(provider.address.origin, head, b"", _TIMEOUTS))
        try:
            told = await answer.head()
            body = await answer.whole()
        finally:
            answer.close()
        if told is None or told.status != _OK:
            return None
        models = read_models(body)
    except UpstreamError:
        return None
    return {each.name: Loaded(True, each.size, each.size_vram) for each in models}  # noqa: FBT003
