"""Ollama's endpoints: exact paths, and the same behind `/ollama`.

`/api/chat` and `/api/generate` are asked like any other dialect. Those that tell of models are
answered from the configuration: a gateway keeps no models and loads none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from typing_extensions import override

from antiphon.dialects.base import Payload
from antiphon.dialects.ollama import OLLAMA, OLLAMA_GENERATE
from antiphon.dialects.ollama.dialect import Ollama
from antiphon.dialects.ollama.listing import (
    COMPLETION,
    LocalModel,
    read_shown_name,
    write_ps,
    write_show,
    write_tags,
    write_version,
)
from antiphon.errors import MethodNotAllowed, ModelNotFound, PathNotFound
from antiphon.gateway.gateway import Antiphon
from antiphon.gateway.listing import ModelEntry
from antiphon.model.principal import Principal
from antiphon.server.asgi import JSON, TEXT, Door, Receive, Scope, Send, answer
from antiphon.server.caller import Caller
from antiphon.server.doors import Asked, ChatDoor
from antiphon.server.health import only_get
from antiphon.server.line import AsgiLine, Line
from antiphon.wire.shallow import Members

MOUNT: Final = "/ollama"
BANNER: Final = b"Ollama is running"
SPOKEN: Final = "0.13.5"
"""The version of Ollama whose API is spoken: clients ask for it and leave out what is newer."""
CHATS: Final[dict[str, Ollama]] = {"/api/chat": OLLAMA, "/api/generate": OLLAMA_GENERATE}
BEGINNINGS: Final = (
    *("/api/chat", "/api/generate", "/api/tags", "/api/ps", "/api/version", "/api/show"),
    *("/api/embed", "/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete"),
    *("/api/blobs", f"{MOUNT}/"),
)
"""Beginnings of the paths whose callers read Ollama's errors."""
_KEPT: Final = ("pull", "push", "create", "copy", "delete", "blobs")
"""Endpoints that change the models of a server."""
_LATEST: Final = ":latest"


def chat_doors(gateway: Antiphon, *, max_body: int) -> dict[str, ChatDoor]:
    """The doors that ask a model, by path."""
    return {
        f"{mount}{path}": OllamaDoor(gateway, dialect, max_body=max_body)
        for path, dialect in CHATS.items()
        for mount in ("", MOUNT)
    }


def doors(gateway: Antiphon, *, max_body: int) -> dict[str, Door]:
    """The doors that tell of models, by path."""
    told: dict[str, Door] = {
        "/api/tags": _Told(gateway, lambda entries: write_tags([*map(_listed, entries)])),
        "/api/ps": _Told(gateway, lambda _: write_ps(())),
        "/api/version": _Told(None, lambda _: write_version(SPOKEN)),
        "/api/show": _Shown(gateway, max_body=max_body),
        **{f"/api/{name}": _refuse for name in _KEPT},
    }
    mounted = {f"{mount}{path}": door for path, door in told.items() for mount in ("", MOUNT)}
    return {**mounted, MOUNT: _banner, f"{MOUNT}/": _banner}


class OllamaDoor(ChatDoor):
    """Ollama's chat or completion.

    A request that asks nothing loads a model, or lets it go. It goes to a deployment that speaks
    this dialect; for any other there is nothing to be loaded, and that is what is said.
    """

    def __init__(self, gateway: Antiphon, dialect: Ollama, *, max_body: int) -> None:
        super().__init__(gateway, dialect, max_body=max_body)
        self._ollama = dialect

    @override
    def read(self, caller: Caller, line: Line, body: bytes) -> Asked:
        members = Members.parse(body)
        payload = Payload(self._ollama, members)
        named = untagged(self._gateway, payload.model)
        if named != payload.model:
            asked = members.replace({"model": msgspec.json.encode(named)})
            payload = Payload(self._ollama, asked)
        return payload, b"", None

    @override
    def told_here(self, payload: Payload, principal: Principal) -> bytes | None:
        members = payload.members
        if members is None or not self._ollama.asks_nothing(members):
            return None
        gateway = self._gateway
        now = gateway.clock.monotonic()
        plan = gateway.pipeline.plan(gateway.snapshot, payload.model, principal)
        if plan.deployments[0].face_for(self._ollama, now).dialect is self._ollama:
            return None
        return self._ollama.encode_loaded(members, created=int(gateway.clock.now()))


class _Told:
    """Tells of all models that the caller may ask for."""

    def __init__(
        self, gateway: Antiphon | None, written: Callable[[Sequence[ModelEntry]], bytes]
    ) -> None:
        self._gateway = gateway
        self._written = written

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        only_get(scope)
        gateway = self._gateway
        entries: Sequence[ModelEntry] = []
        if gateway is not None:
            entries = gateway.models(await gateway.principal(caller))
        await answer(send, 200, [JSON], self._written(entries))


class _Shown:
    """Tells of one model."""

    def __init__(self, gateway: Antiphon, *, max_body: int) -> None:
        self._gateway = gateway
        self._max_body = max_body

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        gateway, line = self._gateway, AsgiLine(scope, receive, send)
        if line.method != b"POST":
            raise MethodNotAllowed(line.method.decode(), ["POST"])
        principal = await gateway.principal(caller)
        caller.check_size(self._max_body)
        name = read_shown_name(Members.parse(await line.whole_body(self._max_body)))
        entries = {entry.name: entry for entry in gateway.models(principal)}
        found = entries.get(name) or entries.get(name.removesuffix(_LATEST))
        if found is None:
            near = filter(principal.may_use, gateway.nearest(name))
            raise ModelNotFound(name, [each for each in near if each != name])
        await answer(send, 200, [JSON], write_show(_listed(found)))


async def _refuse(caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
    raise PathNotFound("No models are kept here: the configuration says which can be asked.")


async def _banner(caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
    only_get(scope)
    await answer(send, 200, [TEXT], b"" if scope["method"] == "HEAD" else BANNER)


def untagged(gateway: Antiphon, model: str) -> str:
    """The name that is meant: clients of Ollama add a tag where nobody gave the model one."""
    plans, named = gateway.snapshot.plans, model.removesuffix(_LATEST)
    return named if model not in plans and named in plans else model


def _listed(entry: ModelEntry) -> LocalModel:
    """An entry as a server tells of a model; what is not known of it is not denied."""
    facts = entry.facts
    can = {
        COMPLETION: True,
        "tools": facts.tools is not False,
        "vision": bool(facts.vision),
        "thinking": bool(facts.reasoning),
    }
    return LocalModel(
        entry.name,
        context_length=facts.context,
        capabilities=tuple(name for name, is_so in can.items() if is_so),
    )
