"""Recorded requests, asked of strict providers of the other dialects through the whole gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx2
from msgspec import Struct

from antiphon.config.load import load
from antiphon.dialects.base import Payload
from antiphon.dialects.gemini.paths import model_and_method
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import InvalidRequest
from antiphon.gateway.gateway import Antiphon
from antiphon.model.needs import Severity
from antiphon.server.serve import serving
from antiphon.simulator import Fleet, Simulator, SimulatorSpec
from antiphon.wire.shallow import Members
from tests.corpus.bodies import allowed, called, offered, said, strings
from tests.corpus.exchanges import Exchange
from tests.corpus.heard import KEY
from tests.corpus.relaying import SPOKEN, WIRES

STORED: Final = ("previous_response_id", "conversation", "background")
_PATHS: Final = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "ollama": "/api/chat",
    "ollama_generate": "/api/generate",
}
_PLAIN: Final = "sim-small"
_ABLE: Final = "sim-reason-vision"
_COMPLETED: Final = "ollama_generate"


class Put(Struct, frozen=True):
    """One recorded request, put to one provider.

    Attributes:
        status: What the caller got.
        answer: The body of it.
        given: What the caller gave.
        sent: What the provider got; None where it was not asked.
        refusing: The needs for which it may not be asked.
        refused: The recorded provider refused it as well.
    """

    id: str
    dialect: str
    target: str
    status: int
    answer: str
    given: Mapping[str, Any]
    sent: Mapping[str, Any] | None
    refusing: tuple[str, ...]
    refused: bool

    @property
    def spoken(self) -> str:
        """The dialect, whichever of its endpoints was asked."""
        return "ollama" if self.dialect == _COMPLETED else self.dialect


def heard_of(exchange: Exchange) -> str:
    """The dialect in which a recorded request is asked: a prompt is one of Ollama's two."""
    dialect, body = WIRES[exchange["wire"]], (exchange["request"] or {}).get("body") or {}
    return _COMPLETED if dialect == "ollama" and "prompt" in body else dialect


def request_of(exchange: Exchange) -> dict[str, Any] | None:
    """The recorded body as a caller of the gateway gives it; None where there is none.

    What a path says of it is among its members.
    """
    request = exchange["request"] or {}
    body = request.get("body")
    if not isinstance(body, dict):
        return None
    if exchange["wire"] == "gemini":
        path = request["path"].partition("?")[0].rpartition("/models/")[2]
        model, method = model_and_method(path)
        whole = _without_halves(body)
        return {"model": model, "stream": method == "streamGenerateContent", **whole}
    # The clouds have the model in the path. Nothing is stored here.
    return {name: value for name, value in body.items() if name not in STORED}


def _without_halves(value: Any) -> Any:
    """The same without the last sign of base64 that was cut when it was recorded."""
    match value:
        case {"data": str(data), **rest} if len(data) % 4 == 1:
            return {**rest, "data": data[:-1]}
        case dict():
            return {name: _without_halves(inner) for name, inner in value.items()}
        case list():
            return [_without_halves(inner) for inner in value]
        case _:
            return value


async def put(exchanges: list[Exchange], data: Path, targets: Sequence[str] = SPOKEN) -> list[Put]:
    """Every request, to every other dialect."""
    spec = SimulatorSpec(name="one", strict=True, models=(_PLAIN, _ABLE))
    async with Fleet([spec]) as fleet:
        simulator = fleet["one"]
        settings: dict[str, object] = {
            "server": {"port": 0, "drain_seconds": 0.5},
            "storage": {"data_dir": str(data)},
            "providers": {
                name: {"dialect": name, "base_url": simulator.base_url, "api_key": "sk-upstream"}
                for name in targets
            },
            "models": {"*": {"passthrough": True}},
        }
        gateway = Antiphon(load(settings, environ={}))
        async with (
            gateway,
            serving(gateway) as address,
            httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http,
        ):
            return [
                await _put(http, simulator, exchange, body, target)
                for exchange in exchanges
                if (body := request_of(exchange)) is not None
                for target in targets
                if target != WIRES[exchange["wire"]]
            ]


async def _put(
    http: httpx2.AsyncClient,
    simulator: Simulator,
    exchange: Exchange,
    body: Mapping[str, Any],
    target: str,
) -> Put:
    dialect = heard_of(exchange)
    # Ollama refuses thought and pictures of a model that knows none.
    given = {**body, "model": f"{target}/{_ABLE if target == 'ollama' else _PLAIN}"}
    sent, path = given, _PATHS.get(dialect, "")
    if dialect == "gemini":
        method = "streamGenerateContent?alt=sse" if given["stream"] else "generateContent"
        path = f"/v1beta/models/{given['model']}:{method}"
        sent = {name: value for name, value in given.items() if name not in {"model", "stream"}}
    simulator.forget()
    answer = await http.post(path, json=sent, headers={"authorization": f"Bearer {KEY}"})
    received = simulator.received
    return Put(
        id=exchange["id"],
        dialect=dialect,
        target=target,
        status=answer.status_code,
        answer=answer.text,
        given=given,
        sent=json.loads(received[-1].body) if received else None,
        refusing=tuple(refusing(dialect, target, given)),
        refused=exchange["response"]["status"] >= 400,
    )


def refusing(dialect: str, target: str, body: Mapping[str, Any]) -> Iterator[str]:
    """The needs of a request that may not be dropped, and that a dialect has no word for."""
    payload = Payload(DIALECTS[dialect], Members.parse(json.dumps(body).encode()))
    losses = DIALECTS[target].losses
    try:
        needs = payload.needs
    except InvalidRequest:
        # It is none, and is refused for that.
        return
    wished = body.get("provider")
    if isinstance(wished, dict) and wished.get("only"):
        # Recorded at a router of providers, of whom none is here by that name.
        yield "provider.only"
    for need in sorted(needs & losses.keys()):
        if losses[need].severity is Severity.REFUSE:
            yield need.value


def wrong(one: Put) -> list[str]:
    """What is not as promised; nothing if all is well."""
    if one.refusing:
        told = one.status == 400 and one.sent is None
        return [] if told else [f"{one.refusing} did not refuse it: {one.status}"]
    if one.sent is None or one.status != 200:
        # What a provider says of a number out of range, it says in any dialect, and we may too.
        shared = one.refused and one.status == 400
        return [] if shared else [f"{one.status}: {one.answer[:300]}"]
    everything = "\0".join(strings(one.sent))
    told = [
        f"{text[:200]!r} did not arrive"
        for text in said(one.spoken, one.given)
        if text.strip() not in everything
    ]
    calls = called(one.spoken, one.given), called(one.target, one.sent)
    if calls[0] != calls[1]:
        told.append(f"calls {calls[1]}, given {calls[0]}")
    tools = offered(one.given), offered(one.sent)
    if tools[1] not in (tools[0], allowed(one.given)):
        told.append(f"tools {tools[1]}, given {tools[0]}")
    return told
