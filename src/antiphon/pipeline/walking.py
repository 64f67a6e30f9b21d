"""What a reply needs of whoever finds its answer (`attempt.Walk`, `degrading.Descent`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from antiphon.clock import NEVER
from antiphon.errors import UpstreamError
from antiphon.model.usage import Usage
from antiphon.pipeline.exchange import Attempt
from antiphon.pipeline.relay import Relay
from antiphon.providers.deployment import Deployment
from antiphon.providers.transport import Answer, Head


class Walking(Protocol):
    """Owns the answer that is open; whoever reads it says how it ended."""

    @property
    def attempt(self) -> Attempt:
        """The attempt under way; there is one once `open` was called."""
        ...

    @property
    def waits(self) -> bool:
        """Whether `settled` is to be awaited."""
        ...

    async def open(self, patience: float = NEVER) -> tuple[Answer, Head] | None:
        """The next answer with a success status, or None if `patience` seconds were silent."""
        ...

    def reads(self, relay: Relay) -> None:
        """The open answer is a stream, read by this relay."""
        ...

    def began(self) -> None:
        """The open answer, a stream, gives content."""
        ...

    def succeeded(self, usage: Usage | None, said: int) -> None:
        """The open answer is whole and good."""
        ...

    def go_on(self, candidates: Iterator[Deployment]) -> None:
        """The answer broke after some of it was given: only these may go on with it."""
        ...

    def failed(self, error: UpstreamError) -> None:
        """The open attempt failed; the next `open` may find another."""
        ...

    def close(self) -> None:
        """Let go of the open answer."""
        ...

    def abandon(self) -> None:
        """Let go of everything."""
        ...

    async def settled(self) -> None:
        """Wait until the disk holds what was written, where the configuration asks for that."""
        ...
