"""May we, and is it there: the key, the list of models, the day on which one is switched off."""

from __future__ import annotations

import difflib
from http import HTTPStatus

import msgspec

from antiphon.errors import Disposition, UpstreamError
from antiphon.gateway.doctor.findings import Finding, fail, ok, skip, warn
from antiphon.gateway.doctor.visit import Visit, reason
from antiphon.providers.keys import Key
from antiphon.providers.model_names import model_names
from antiphon.providers.retirement import retirement as last_day
from antiphon.providers.transport import Head

_NO_LIST = "there is no list of models to show it to; chat tells"
_ABSENT = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED)


async def key(visit: Visit) -> Finding:
    """The provider takes each of the keys; what it refuses is set aside, as the road does it."""
    asked = visit.provider.models_head()
    if asked is None:
        return skip(_NO_LIST)
    began = visit.now()
    shown = await _show_all(visit, asked)
    spent = visit.since(began)
    if shown.refused:
        return _partly(visit, shown, spent)
    if not shown.accepted:
        return warn(f"not to be seen: {shown.unclear}", spent) if shown.unclear else skip(_NO_LIST)
    if not asked[1].secret:
        return ok("none is configured, and none is asked for", spent)
    told, _ = await visit.send(_without_key(visit, asked[0]))
    if _is_success(told):
        return skip("the list of models is open to everybody; chat tells")
    return ok(f"accepted: {', '.join(shown.accepted)}", spent)


async def models(visit: Visit) -> Finding:
    """The model stands in the provider's list, where it has one."""
    began, spent = visit.now(), None
    if visit.listing is None:
        asked = visit.provider.models_head()
        if asked is None:
            return skip("there is no list of models")
        visit.listing = await visit.send(asked[0])
        spent = visit.since(began)
    told, body = visit.listing
    error = _refusal(visit, told, body)
    if told.status in _ABSENT:
        return skip(f"there is no list of models ({told.status})")
    if error is not None:
        return warn(reason(error), spent)
    names = model_names(body)
    if not names:
        return warn("what came is no list of models", spent)
    if not visit.knows_a_model or visit.deployment.model in names:
        return ok(f"{'listed, ' if visit.knows_a_model else ''}one of {len(names)}", spent)
    near = difflib.get_close_matches(visit.deployment.model, names, n=3, cutoff=0.4)
    return warn(f"not one of the {len(names)} that are listed{_hint(near)}", spent)


async def retirement(visit: Visit) -> Finding:
    """The model is not about to be switched off, as far as the catalog knows."""
    if visit.deployment.row.self_hosted:
        return skip("nobody switches off what runs on your own machines")
    known = last_day(visit.deployment.facts, now=visit.gateway.clock.now())
    if known is None:
        return skip("no date is known")
    if known.is_due:
        return warn(known.message, days=known.days)
    return ok(f"is there until {known.day}", days=known.days)


class _Shown(msgspec.Struct):
    """What became of the keys, by their fingerprints, when each asked for the list of models.

    Attributes:
        unclear: What was said that says nothing of a key.
    """

    accepted: list[str] = []
    refused: dict[str, str] = {}
    unclear: str = ""


async def _show_all(visit: Visit, asked: tuple[bytes, Key]) -> _Shown:
    keys, shown = visit.provider.keys, _Shown()
    heads = {asked[1].fingerprint: asked}
    for _ in keys.status()[1:]:
        head = visit.provider.models_head()
        if head is not None:
            heads.setdefault(head[1].fingerprint, head)
    for name, (head, each) in heads.items():
        told, body = await visit.send(head)
        error = _refusal(visit, told, body)
        if error is not None and error.disposition is Disposition.DEAD_KEY:
            keys.set_aside(each, error.code, by="")
            shown.refused[name] = reason(error)
            continue
        visit.listing = told, body
        if error is None:
            shown.accepted.append(name)
        elif told.status not in _ABSENT:
            shown.unclear = reason(error)
    return shown


def _partly(visit: Visit, shown: _Shown, spent: float) -> Finding:
    """Some key is refused; it is a failure where no other is left."""
    refused = list(shown.refused.items())
    why = "; ".join(f"{name}: {said}" for name, said in refused)
    if visit.provider.keys.alive:
        return warn(f"{len(refused)} of {len(refused) + len(shown.accepted)} refused: {why}", spent)
    if not visit.provider.settings.keys:
        return fail(f"one is asked for, and none is configured: {refused[0][1]}", spent)
    return fail(refused[0][1] if len(refused) == 1 else f"all are refused: {why}", spent)


def _refusal(visit: Visit, told: Head, body: bytes) -> UpstreamError | None:
    """What an answer without success says; None where it is one with success."""
    if _is_success(told):
        return None
    return visit.provider.dialect.decode_error(told.status, dict(told.headers), body)


def _is_success(told: Head) -> bool:
    return HTTPStatus.OK <= told.status < HTTPStatus.MULTIPLE_CHOICES


def _without_key(visit: Visit, head: bytes) -> bytes:
    """The same request from nobody: what everybody gets says nothing of a key."""
    name = visit.provider.key_header.lower().encode() + b":"
    lines = head.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.lower().startswith(name))


def _hint(near: list[str]) -> str:
    return f"; nearest: {', '.join(near)}" if near else ""
