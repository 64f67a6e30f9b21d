"""`GET /v1/models`: the names that the caller may ask for, in the shape that its client reads."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec

from antiphon.errors import ModelNotFound
from antiphon.gateway.gateway import Antiphon
from antiphon.server.asgi import JSON, Receive, Scope, Send, answer
from antiphon.server.caller import Caller
from antiphon.server.gemini import is_geminis, key_of
from antiphon.server.health import only_get
from antiphon.server.model_lists import (
    CODEX_CATALOGUE,
    anthropic_page,
    as_anthropic,
    as_gemini,
    as_openai,
    gemini_page,
    openai_list,
    today_of,
)

_LONGEST_QUERY = 4096


class ModelsDoor:
    """The list, and one entry by its name.

    `anthropic-version` asks for Anthropic's pages, `client_version` for Codex's catalogue, a key
    in `x-goog-api-key` or in the query for Gemini's pages; whoever says nothing gets OpenAI's list.
    """

    def __init__(self, gateway: Antiphon) -> None:
        self._gateway = gateway

    async def __call__(self, caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
        gateway = self._gateway
        only_get(scope)
        path, asked = str(scope["path"]), scope["query_string"]
        key = key_of(asked)
        is_gemini = is_geminis(path, caller.headers) or key is not None
        caller.credential = caller.credential or key
        principal = await gateway.principal(caller)
        entries = gateway.models(principal)
        generation = b"%d" % gateway.generation
        is_anthropic = "/anthropic/" in path or any(
            name == b"anthropic-version" for name, _ in caller.headers
        )
        query = parse_qs(asked[:_LONGEST_QUERY].decode("latin-1"))
        today = today_of(gateway.clock.now())
        name = path.partition("/models")[2].removeprefix("/")
        if name:
            found = next((entry for entry in entries if entry.name == name), None)
            if found is None:
                near = filter(principal.may_use, gateway.nearest(name))
                raise ModelNotFound(name, [each for each in near if each != name])
            if is_gemini:
                shown = as_gemini(found)
            else:
                shown = as_anthropic(found, today) if is_anthropic else as_openai(found)
            body = msgspec.json.encode(shown)
        elif is_gemini:
            body = gemini_page(entries, query)
        elif is_anthropic:
            body = anthropic_page(entries, query, today)
        elif "client_version" in query:
            body = CODEX_CATALOGUE
        else:
            body = openai_list(entries)
        await answer(send, 200, [JSON, (b"x-antiphon-generation", generation)], body)
