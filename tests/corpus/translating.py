"""Recorded requests, translated without a gateway, for every dialect of a provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from antiphon.dialects.base import Payload
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import AntiphonError, InvalidRequest
from antiphon.pipeline.translation import Translation
from antiphon.wire.shallow import Members
from tests.corpus.asking import Put, heard_of, refusing, request_of, wrong
from tests.corpus.exchanges import Exchange
from tests.corpus.relaying import SPOKEN, WIRES
from tests.pipeline.anything import face_of


def put_of(exchange: Exchange) -> Iterator[Put]:
    """The request for each other dialect; nothing where none is recorded."""
    body = request_of(exchange)
    for target in SPOKEN:
        if body is not None and target != WIRES[exchange["wire"]]:
            yield _put(exchange, {"model": "m"} | body, target)


def _put(exchange: Exchange, given: dict[str, Any], target: str) -> Put:
    heard = heard_of(exchange)
    refused = exchange["response"]["status"] >= 400
    sent: dict[str, Any] | None = None
    needs: tuple[str, ...] = ()
    status, answer = 200, ""
    try:
        needs = tuple(refusing(heard, target, given))
        payload = Payload(
            DIALECTS[heard], Members.parse(json.dumps(given, ensure_ascii=False).encode())
        )
        if needs:
            status = 400
        else:
            body = Translation(payload, face_of(target)).body
            sent = json.loads(body)
            # What a provider reads of it, with what the path says.
            named = {"model": "m", "stream": False} | sent
            DIALECTS[target].decode_request(Members.parse(json.dumps(named).encode()))
    except InvalidRequest as error:
        status, answer = 400, str(error)
    except AntiphonError as error:
        status, answer = error.status, str(error)
    return Put(exchange["id"], heard, target, status, answer, given, sent, needs, refused)


def lost(one: Put) -> list[str]:
    """What of a request did not arrive; nothing if all did, or both providers refuse it."""
    if one.sent is None and one.status == 400 and one.refused:
        return []
    return wrong(one)
