"""A part of the server that is loaded when it is first asked for.

The management API stands on FastAPI, whose import takes a third of a second and ten megabytes
beyond what the server loads anyway. A gateway that only serves inference never pays for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module

from antiphon.gateway.gateway import Antiphon
from antiphon.server.asgi import App, Receive, Scope, Send


class Deferred:
    """An ASGI application that is made on a thread at the first request."""

    def __init__(self, load: Callable[[], App]) -> None:
        self._load = load
        self._app: App | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._app is None:
            async with self._lock:
                if self._app is None:
                    self._app = await asyncio.to_thread(self._load)
        await self._app(scope, receive, send)


def management(gateway: Antiphon) -> App:
    """The management API; loads FastAPI."""
    return import_module("antiphon.server.management").create_management(gateway)
