"""Dispatch: one dict look-up from method and path to the door that answers.

Doors are bare ASGI. Health and metrics are too, since a probe must be cheap when all else is
not. The management API is FastAPI, and is loaded behind the first answers (`Deferred`).

Hot path.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from antiphon.config.settings import Settings
from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.base import Dialect
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.ollama import OLLAMA
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import AntiphonError, PathNotFound
from antiphon.gateway.gateway import Antiphon
from antiphon.idempotency.answers import Answers
from antiphon.server import gemini, ollama
from antiphon.server.asgi import (
    TEXT,
    App,
    Door,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
    answer,
    headers_of,
)
from antiphon.server.caller import Caller, Doorman
from antiphon.server.counting import CountDoor, MessagesQuestion
from antiphon.server.doors import ChatDoor, InferenceDoor
from antiphon.server.embedding import EmbedDoor, embed_doors
from antiphon.server.errors import answer_error
from antiphon.server.health import (
    HealthDetailDoor,
    HealthDoor,
    LivenessDoor,
    MetricsDoor,
    ReadinessDoor,
)
from antiphon.server.line import AsgiLine, Line
from antiphon.server.models import ModelsDoor
from antiphon.server.once import Once
from antiphon.server.passing import PassingDoors
from antiphon.server.problems import answer_problem, is_managed
from antiphon.server.writes import Writes

_MANAGED = ("/api/", "/docs", "/openapi.json")
_ASKED: Mapping[str, Sequence[str]] = {
    "openai_chat": ("/v1/chat/completions", "/chat/completions", "/openai/v1/chat/completions"),
    "openai_responses": ("/v1/responses", "/responses", "/openai/v1/responses"),
    "anthropic_messages": ("/v1/messages", "/messages", "/anthropic/v1/messages"),
}
"""Where each dialect is spoken; bare paths for clients whose base URL has no `/v1`."""
_COUNTS = tuple(f"{path}/count_tokens" for path in _ASKED["anthropic_messages"])
_MODELS = (
    *("/v1/models", "/models", "/openai/v1/models", "/anthropic/v1/models"),
    *(f"{mount}{version}/models" for mount in ("", "/gemini") for version in gemini.VERSIONS),
    "/gemini/models",
)
_ANTHROPICS = ("/anthropic/", "/v1/messages", "/messages")
"""Beginnings of the paths whose callers read Anthropic's errors."""
_CORS_METHODS = b"GET, POST, PUT, PATCH, DELETE, OPTIONS"
_EXPOSED = b"idempotent-replayed, " + b", ".join(
    b"x-" + name
    for name in (
        b"request-id",
        b"antiphon-request-id",
        b"antiphon-deployment",
        b"antiphon-attempts",
        b"antiphon-overhead-ms",
        b"antiphon-cost",
        b"antiphon-warnings",
        b"antiphon-cache",
        b"antiphon-degraded",
        b"antiphon-generation",
    )
)


class _Table(NamedTuple):
    """Who answers where; another one takes its place where bodies may be larger, or less so."""

    max_body: int
    passing: PassingDoors
    direct: Mapping[bytes, InferenceDoor]
    plain: Mapping[bytes, InferenceDoor]
    models: Door
    doors: Mapping[str, Door]


class GatewayApp:
    """The gateway as an ASGI application.

    Args:
        gateway: Started by whoever serves this application.
        management: The management API, an ASGI application.

    Attributes:
        answers: What requests with an idempotency key got; entered by whoever serves this.
    """

    def __init__(self, gateway: Antiphon, management: App) -> None:
        settings = gateway.settings
        max_body = settings.server.max_body_bytes
        self._gateway = gateway
        self._root = settings.server.root_path.rstrip("/")
        self._doorman = _doorman(settings)
        self.answers = Answers(settings.idempotency, clock=gateway.clock)
        self._writes = Writes(gateway, management, self.answers)
        self._once = Once(gateway, self.answers, max_body=max_body)
        self._table = self._laid(max_body)

    def adopt(self, settings: Settings) -> None:
        """Go by other settings from the next request on."""
        max_body = settings.server.max_body_bytes
        self._doorman = _doorman(settings)
        self.answers.adopt(settings.idempotency)
        if max_body != self._table.max_body:
            self._table = self._laid(max_body)
            self._once.max_body = max_body

    def _laid(self, max_body: int) -> _Table:
        """Every door."""
        gateway = self._gateway
        passing = PassingDoors(gateway, max_body=max_body)
        chat: Mapping[str, InferenceDoor] = {
            **{
                path: ChatDoor(gateway, DIALECTS[name], max_body=max_body)
                for name, paths in _ASKED.items()
                for path in paths
            },
            **ollama.chat_doors(gateway, max_body=max_body),
        }
        asked: Mapping[str, InferenceDoor] = {
            **chat,
            **embed_doors(gateway, max_body=max_body),
        }
        doors: Mapping[str, InferenceDoor] = {**passing.fixed, **asked}
        models = _Rendered(ModelsDoor(gateway), self._refuse)
        counts = _Rendered(
            CountDoor(gateway, ANTHROPIC_MESSAGES, MessagesQuestion(), max_body=max_body),
            self._refuse,
        )
        told = ollama.doors(gateway, max_body=max_body)
        all_doors: Mapping[str, Door] = {
            **doors,
            **dict.fromkeys(_MODELS, models),
            **dict.fromkeys(_COUNTS, counts),
            **{path: _Rendered(door, self._refuse) for path, door in told.items()},
            "/health": _Rendered(HealthDoor(gateway), self._refuse),
            "/health/detailed": _Rendered(HealthDetailDoor(gateway), self._refuse),
            "/livez": _Rendered(LivenessDoor(), self._refuse),
            "/readyz": _Rendered(ReadinessDoor(gateway), self._refuse),
            "/metrics": _Rendered(MetricsDoor(gateway), self._refuse),
        }
        return _Table(
            max_body, passing, self._rooted(asked), self._rooted(passing.fixed), models, all_doors
        )

    def direct(self, target: bytes, headers: Headers) -> Callable[[Line], Awaitable[None]] | None:
        """Whoever answers a request of the hottest kind, without ASGI between; else None.

        Called by our own protocol. What is not plain, a page's `Origin` or headers that have to
        be refused, goes the long way.
        """
        # A query says nothing to chat; what is passed on would lose it here.
        path, _, query = target.partition(b"?")
        table = self._table
        door = table.direct.get(path) or table.plain.get(target)
        try:
            if door is None and b":" in path:
                door = self._gemini(self._unrooted(path.decode("latin-1")), query)
            if not isinstance(door, InferenceDoor):
                return None
            caller = Caller(headers)
            self._doorman.admit(caller)
        except AntiphonError:
            return None
        if caller.origin is not None:
            return None
        if caller.idempotency is None or not door.repeatable:
            return partial(door.answer, caller)
        return partial(self._once.answer, door, caller, target)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request: finds the door, whose coroutine does the rest."""
        if scope["type"] != "http":
            return _refuse_protocol(scope, send)
        path = self._unrooted(scope["path"])
        try:
            caller = Caller(scope["headers"])
            self._doorman.admit(caller)
        except AntiphonError as error:
            return self._refuse(scope, send, error)
        if caller.origin is not None and self._doorman.allows(caller.origin):
            if scope["method"] == "OPTIONS":
                return _preflight(send, caller.origin)
            send = _with_cors(send, caller.origin)
        door = self._table.doors.get(path)
        if door is None:
            return self._elsewhere(path, caller, scope, receive, send)
        return self._called(door, caller, scope, receive, send)

    def _called(
        self, door: Door, caller: Caller, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        """Have a door answer, or what it has answered already."""
        if caller.idempotency is None or not isinstance(door, InferenceDoor):
            return door(caller, scope, receive, send)
        if not door.repeatable:
            return door(caller, scope, receive, send)
        query: bytes = scope["query_string"]
        target = gemini.raw_path(scope).encode("latin-1") + (b"?" + query if query else b"")
        return self._once.answer(door, caller, target, AsgiLine(scope, receive, send))

    def _unrooted(self, path: str) -> str:
        root = self._root
        if root and (path == root or path.startswith(root + "/")):
            return path.removeprefix(root) or "/"
        return path

    def _gemini(self, path: str, query: bytes) -> InferenceDoor | _Rendered | None:
        """The door of a path with a model and a method in it; None where it is none.

        Raises:
            InvalidRequest: Its query cannot be answered.
        """
        place = gemini.place_of(path, query)
        if place is None:
            return None
        if place.method in gemini.CHATS:
            return gemini.GeminiDoor(self._gateway, place, max_body=self._table.max_body)
        shape = gemini.EMBEDS.get(place.method)
        if shape is not None:
            return EmbedDoor(
                self._gateway,
                shape,
                max_body=self._table.max_body,
                model=place.model,
                key=place.key,
            )
        door = gemini.CountingDoor(self._gateway, place, max_body=self._table.max_body)
        return _Rendered(door, self._refuse)

    def _rooted(self, doors: Mapping[str, InferenceDoor]) -> Mapping[bytes, InferenceDoor]:
        return {
            f"{prefix}{path}".encode(): door
            for prefix in {"", self._root}
            for path, door in doors.items()
        }

    def _elsewhere(
        self, path: str, caller: Caller, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        if path.startswith(_MANAGED):
            managed = {**scope, "path": path, "root_path": self._root}
            return self._writes(caller, managed, receive, send)
        if path == "/":
            return _banner(scope, send)
        try:
            door = self._open(path, scope)
        except AntiphonError as error:
            return self._refuse(scope, send, error)
        return self._called(door, caller, scope, receive, send)

    def _open(self, path: str, scope: Scope) -> Door:
        """The door of a path that holds a name.

        Raises:
            PathNotFound: There is none.
            InvalidRequest: Its query cannot be answered.
        """
        asked = self._gemini(self._unrooted(gemini.raw_path(scope)), scope["query_string"])
        if asked is not None:
            return asked
        is_method = scope["method"] == "POST" and ":" in path
        if path.startswith(tuple(f"{models}/" for models in _MODELS)) and not is_method:
            return self._table.models
        passing = self._table.passing.find(path)
        if passing is None:
            raise PathNotFound(f"Nothing answers on {path[:200]!r}.")
        return passing

    def _refuse(self, scope: Scope, send: Send, error: AntiphonError) -> Awaitable[None]:
        path, request_id = self._unrooted(scope["path"]), self._gateway.request_ids.new()
        if is_managed(path):
            return answer_problem(send, error, request_id)
        dialect = _heard(path, scope["headers"])
        told = request_id.encode()
        headers: Headers = [(dialect.id_header, told), (b"x-antiphon-request-id", told)]
        return answer_error(send, dialect, error, headers, request_id)


def _doorman(settings: Settings) -> Doorman:
    server = settings.server
    return Doorman(
        open_to=None if settings.auth.required else [server.host], origins=server.cors.origins
    )


class _Rendered:
    """A door whose errors are rendered here; the doors of inference render their own."""

    def __init__(
        self, door: Door, refuse: Callable[[Scope, Send, AntiphonError], Awaitable[None]]
    ) -> None:
        self._door = door
        self._refuse = refuse

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._door(caller, scope, receive, send)
        except AntiphonError as error:
            await self._refuse(scope, send, error)


def _heard(path: str, headers: Headers) -> Dialect:
    """The dialect in which an error is told, where no door of inference tells it."""
    if path.startswith(_ANTHROPICS) or any(name == b"anthropic-version" for name, _ in headers):
        return ANTHROPIC_MESSAGES
    if gemini.is_geminis(path, headers):
        return GEMINI
    return OLLAMA if path.startswith(ollama.BEGINNINGS) else OPENAI_CHAT


async def _banner(scope: Scope, send: Send) -> None:
    """What stands at the root: Ollama's words, for clients that look whether it runs."""
    is_page = any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
    said = b"Antiphon is running. See /docs.\n" if is_page else ollama.BANNER
    await answer(send, 200, [TEXT], b"" if scope["method"] == "HEAD" else said)


async def _preflight(send: Send, origin: str) -> None:
    headers: Headers = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-methods", _CORS_METHODS),
        (b"access-control-allow-headers", b"*, authorization"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
    ]
    await answer(send, 200, headers, b"")


def _with_cors(send: Send, origin: str) -> Send:
    """Let a page of an allowed origin read the answer."""

    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            cors: Headers = [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", _EXPOSED),
                (b"vary", b"origin"),
            ]
            message = {**message, "headers": [*headers_of(message), *cors]}
        await send(message)

    return send_with_cors


async def _refuse_protocol(scope: Scope, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
    else:
        raise NotImplementedError(f"No {scope['type']} here.")
