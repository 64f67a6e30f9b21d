"""One request across the walls, and what may be answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx2

from tests.walls.document import KINDS, MORE, NAMES, Operation, members_of, required_of, value_of
from tests.walls.tenants import STATIC, Gateway, Key, Tenant

REFUSED = {401, 403, 404}
_PREFIXES = {
    "organisation": "org",
    "department": "dep",
    "team": "team",
    "user": "user",
    "key": "key",
    "request": "req",
    "notice": "evt",
    "budget": "bud",
    "limit": "lim",
}
_VOLATILE = frozenset({"instance", "behind", "next_cursor", "next"})


class Asked(NamedTuple):
    """A request.

    Attributes:
        ids: The ids that it names, by what they are ids of.
    """

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, object] | None

    def send(
        self, gateway: Gateway, key: Key, more: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key.text}"} if key.text else {}
        headers |= more or {}
        content = {} if self.body is None else {"json": self.body}
        return gateway.http.request(
            self.operation.method,
            self.operation.path.format(**self.path),
            params=self.query,
            headers=headers,
            **content,
        )

    def with_ids(self, ids: Mapping[str, str]) -> Asked:
        """The same with other ids."""
        return self._replace(
            path={name: ids.get(value, value) for name, value in self.path.items()},
            query={name: ids.get(value, value) for name, value in self.query.items()},
            body=None if self.body is None else _swapped(self.body, ids),
        )

    def put(self, place: str | None, id_: str) -> Asked:
        """The same with this id in that place."""
        path, query, body = dict(self.path), dict(self.query), dict(self.body or {})
        for part in (path, query, body):
            if place in part:
                part[place] = id_
        return self._replace(path=path, query=query, body=None if self.body is None else body)

    @property
    def named(self) -> set[str]:
        """All ids and texts that it holds."""
        return {*self.path.values(), *self.query.values(), *_texts(self.body)}


def asking(
    operation: Operation,
    own: Tenant,
    pick: Mapping[str, Tenant],
    choose: Any,
    *,
    query: Sequence[str] = (),
    members: Sequence[str] = (),
) -> Asked:
    """A request whose ids are of whoever is picked for each place; else one's own.

    Args:
        pick: By name of the parameter or member.
        choose: Chooses one of several.
        query: The parameters of the query that are sent.
        members: Those of the body, beside what is required.
    """
    body: dict[str, object] | None = None
    if operation.body is not None:
        known = members_of(operation)
        body = dict(MORE.get(operation.label, {}))
        for name in {*required_of(operation), *(each for each in members if each in known)}:
            if name in body:
                continue
            if name in KINDS and known[name].get("type", "string") == "string":
                body[name] = _id_of(pick.get(name, own), name, choose)
            else:
                word = own.name() if name in NAMES else "plain"
                body[name] = value_of(operation, known[name], word)
    return Asked(
        operation,
        {name: _id_of(pick.get(name, own), name, choose) for name in operation.ids},
        {name: _query_of(pick.get(name, own), name, choose) for name in query},
        body,
    )


def _query_of(tenant: Tenant, name: str, choose: Any) -> str:
    return tenant.canary if name in NAMES else _id_of(tenant, name, choose)


def _id_of(tenant: Tenant, name: str, choose: Any) -> str:
    kind = KINDS.get(name, "any")
    pool = (
        [each for ids in tenant.ids.values() for each in ids] if kind == "any" else tenant.ids[kind]
    )
    return choose(pool) if pool else absent(kind, 0)


def absent(kind: str, number: int) -> str:
    """An id that is nobody's, shaped like those that are somebody's."""
    if kind == "request":
        return f"req_{number:012x}-00000001"
    return f"{_PREFIXES.get(kind, kind[:4])}_{number:016x}"


def check(
    gateway: Gateway, asked: Asked, key: Key, own: Tenant | None, tenants: Sequence[Tenant]
) -> httpx2.Response:
    """Send a request, and hold the answer to the walls.

    Args:
        own: Whose key it is; None for nobody's.
        tenants: All that there are.
    """
    others = [each for each in tenants if each is not own]
    hidden = {} if own is None else own.kept_from(key)
    for other in others:
        hidden |= {each: kind for kind, ids in other.ids.items() for each in ids}
    foreign = {each: hidden[each] for each in asked.named if each in hidden}
    in_path = bool(foreign.keys() & set(asked.path.values()))
    victims: list[Tenant] = []
    if asked.operation.writes:
        victims = [each for each in others if foreign.keys() & each.every]
        victims += [own] if own is not None and in_path else []
    before = [gateway.acts(each) for each in victims]
    answer = asked.send(gateway, key)
    told = f"{asked.operation.label} {asked.path} {asked.query} {asked.body} as {key.role}"
    assert answer.status_code < 500, f"{told}: {answer.status_code} {answer.text}"
    _no_canary(answer, asked, key, own, others, told)
    if own is None and key is not STATIC:
        assert answer.status_code == 401, told
    if foreign:
        if in_path:
            assert answer.status_code in REFUSED, f"{told}: {answer.status_code} {answer.text}"
        after = [gateway.acts(each) for each in victims]
        assert before == after, f"{told}: something was done to what is another's"
        swap = {each: absent(kind, number) for number, (each, kind) in enumerate(foreign.items())}
        twin = asked.with_ids(swap).send(gateway, key)
        assert twin.status_code == answer.status_code, f"{told}: {answer.text} / {twin.text}"
        back = {new: old for old, new in swap.items()}
        assert _plain(answer, {}) == _plain(twin, back), f"{told}: {answer.text} / {twin.text}"
    return answer


def _no_canary(
    answer: httpx2.Response,
    asked: Asked,
    key: Key,
    own: Tenant | None,
    others: Sequence[Tenant],
    told: str,
) -> None:
    said = answer.content.decode() + str(answer.headers)
    # What somebody says may be said back to them; the audit tells it later, too.
    named = set(asked.named)
    if own is not None:
        own.said |= named
        named |= own.said if asked.operation.path.endswith("/audit") else set()
    sent = " ".join(named)
    for other in others:
        if other.canary not in sent:
            assert other.canary not in said, f"{told}: {answer.text}"
        for each in other.every - named:
            assert each not in said, f"{told}: {answer.text}"
    if own is not None:
        for text in own.hidden_from(key) | own.kept_from(key).keys():
            assert text in sent or text not in said, f"{told}: {text} in {answer.text}"


def _plain(answer: httpx2.Response, ids: Mapping[str, str]) -> object:
    """An answer without what differs from request to request, with other ids."""
    text = answer.text
    for old, new in ids.items():
        text = text.replace(old, new)
    if "json" not in answer.headers.get("content-type", ""):
        return text
    return _still(json.loads(text))


def _still(value: object) -> object:
    if isinstance(value, dict):
        return {name: _still(each) for name, each in value.items() if name not in _VOLATILE}
    if isinstance(value, list):
        return [_still(each) for each in value]
    return re.sub(r"req_[0-9a-f]+-[0-9a-f]+", "req", value) if isinstance(value, str) else value


def _swapped(value: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _swapped(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [_swapped(each, ids) for each in value]
    return ids.get(value, value) if isinstance(value, str) else value


def _texts(value: object) -> set[str]:
    if isinstance(value, dict):
        return {text for each in value.values() for text in _texts(each)}
    if isinstance(value, list):
        return {text for each in value for text in _texts(each)}
    return {value} if isinstance(value, str) else set()
