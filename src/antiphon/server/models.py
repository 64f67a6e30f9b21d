"""`GET /v1/models`: the names that the caller may ask for."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec

from antiphon.errors import ModelNotFound
from antiphon.gateway.gateway import Antiphon
from antiphon.server.asgi import JSON, Receive, Scope, Send, answer
from antiphon.server.caller import Caller
from antiphon.server.health import only_get


class ModelsDoor:
    """The list, and one entry by its name, in OpenAI's shape."""

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        gateway = self._gateway
        only_get(scope)
        entries = gateway.models(gateway.principal(caller.credential))
        name = unquote(str(scope["path"]).partition("/models")[2].removeprefix("/"))
        if not name:
            rows = [entry.as_openai() for entry in entries]
            body = msgspec.json.encode({"object": "list", "data": rows})
        else:
            found = [entry for entry in entries if entry.name == name]
            if not found:
                raise ModelNotFound(name, gateway.nearest(name))
            body = msgspec.json.encode(found[0].as_openai())
        await answer(send, 200, [JSON], body)
