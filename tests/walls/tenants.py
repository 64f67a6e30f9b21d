"""Several tenants at one gateway, each with people, keys of every role and a canary in every name."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2

from tests.kills.workload import ADMIN

ROLES = ("admin", "operator", "member", "read-only")
KINDS = (
    "organisation",
    "department",
    "team",
    "user",
    "key",
    "request",
    "notice",
    "budget",
    "limit",
)
_WORDS = ("Forschung", "销售", "équipe", "تحليل")


class Key(NamedTuple):
    """Somebody who asks.

    Attributes:
        text: What is sent.
        role: The word of its role; `root` for the whole gateway's, `none` without a key.
        team: The id of the only team that it sees, or empty.
    """

    text: str
    id: str
    role: str
    team: str = ""


NOBODY = Key("", "", "none")
STRANGER = Key("ak-1" + "A" * 43, "", "unknown")
STATIC = Key("static-key-0123456789abcdef", "", "static")
"""A key of the configuration: it belongs to the organisation that is always there."""


class Tenant:
    """An organisation.

    Attributes:
        canary: A text in each of its names.
        ids: What is there, by kind.
        keys: Those that open.
        canaries: By team: a text in the names of what belongs to it.
        team_of: By id: the team that something belongs to.
        asked_by: By request: the key that asked.
        names: By id: what teams and users are called.
        said: What its keys have said themselves.
        last: The status of the last answer of a model.
    """

    def __init__(self, gateway: Gateway, canary: str) -> None:
        self._gateway = gateway
        self._numbers = itertools.count(1)
        self.canary = canary
        self.ids: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.keys: list[Key] = []
        self.canaries: dict[str, str] = {}
        self.team_of: dict[str, str] = {}
        self.asked_by: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.said: set[str] = set()
        self.last = 0
        name = self.name()
        self.id = gateway.root("POST", "organisations", {"name": name})["id"]
        self.ids["organisation"].append(self.id)
        for _ in range(2):
            self.make_team()
        self.ids["department"].append(self.make("departments", {"name": self.name()})["id"])
        self.make_user(self.ids["team"][0])
        self.make_user("")
        for role in ROLES:
            self.make_key(role, "")
        team, user = self.ids["team"][0], self.ids["user"][0]
        whose = [("organisation", ""), ("team", self.names[team]), ("user", self.names[user])]
        for scope, name in whose:
            money = {"scope": scope, "name": name, "limit": "1000"}
            self.ids["budget"].append(self.make("budgets", money)["id"])
            calls = {"scope": scope, "name": name, "requests": 100_000}
            self.ids["limit"].append(self.make("limits", calls)["id"])
            if scope != "organisation":
                # Both are of the team, whose user it is.
                self.team_of[self.ids["budget"][-1]] = self.team_of[self.ids["limit"][-1]] = team
        for role in ("admin", "member"):
            self.make_key(role, self.ids["team"][0])

    @property
    def every(self) -> set[str]:
        """All of its ids."""
        return {each for ids in self.ids.values() for each in ids}

    def name(self, more: str = "") -> str:
        number = next(self._numbers)
        return f"{_WORDS[number % len(_WORDS)]} {self.canary} {number} {more}".strip()

    def make(self, path: str, body: Mapping[str, object]) -> Any:
        """Make something, as the whole gateway's admin."""
        return self._gateway.root("POST", path, body, organisation=self.id)

    def make_team(self) -> str:
        canary = f"{self.canary}-team{len(self.canaries)}x"
        name = f"{canary} {next(self._numbers)}"
        made = self.make("teams", {"name": name})["id"]
        self.names[made] = name
        self.canaries[made] = canary
        self.ids["team"].append(made)
        return made

    def make_user(self, team: str) -> str:
        name = self.name(self.canaries.get(team, ""))
        made = self.make("users", {"name": name, "team": team, "role": "admin"})["id"]
        self.ids["user"].append(made)
        self.team_of[made], self.names[made] = team, name
        return made

    def make_key(self, role: str, team: str) -> Key:
        body = {"name": self.name(self.canaries.get(team, "")), "role": role, "team": team}
        made = self.make("keys", body)
        key = Key(made["key"], made["id"], role, team)
        self.ids["key"].append(key.id)
        self.team_of[key.id] = team
        self.keys.append(key)
        return key

    def chat(self, key: Key) -> None:
        """Ask a model, so that the ledger has something of this tenant."""
        answer = self._gateway.http.post(
            "/v1/chat/completions",
            json={"model": "fast", "messages": [{"role": "user", "content": "Hello"}]},
            headers={"authorization": f"Bearer {key.text}"},
        )
        self.last = answer.status_code
        if answer.status_code == 200:
            made = answer.headers["x-antiphon-request-id"]
            self.ids["request"].append(made)
            self.asked_by[made], self.team_of[made] = key.id, key.team

    def look(self) -> None:
        """See what is there now: a key of it has changed something."""
        for kind in ("department", "team", "user", "key", "budget", "limit"):
            page = self._gateway.root(
                "GET", f"{kind}s", organisation=self.id, limit="200", removed="true"
            )
            for each in page["data"]:
                if each["id"] not in self.ids[kind]:
                    self.ids[kind].append(each["id"])
                    self.team_of[each["id"]] = each.get("team", "")
                if kind == "key" and each["state"] != "active":
                    self.keys = [key for key in self.keys if key.id != each["id"]]
        if not self.keys:
            self.make_key("admin", "")

    def hidden_from(self, key: Key) -> set[str]:
        """Texts of this tenant that a key of it may not see."""
        hides = bool(key.team) or key.role == "member"
        return {canary for team, canary in self.canaries.items() if hides and team != key.team}

    def kept_from(self, key: Key) -> dict[str, str]:
        """Ids of this tenant that are nobody's to a key of it, with what they are ids of."""
        if key.role != "member" and not key.team:
            return {}
        return {
            each: kind
            for kind, ids in self.ids.items()
            for each in ids
            if kind != "organisation" and not self._shows(key, each)
        }

    def _shows(self, key: Key, id_: str) -> bool:
        # Whoever sees its own key sees the id of its team.
        if key.id in {id_, self.asked_by.get(id_)} or (key.team and key.team == id_):
            return True
        return key.role != "member" and key.team == self.team_of.get(id_)


class Gateway:
    """What runs, and the whole gateway's admin."""

    def __init__(self, address: str) -> None:
        self.http = httpx2.Client(base_url=address, timeout=20, verify=False)
        self.document: Mapping[str, Any] = self.http.get("/openapi.json").json()
        self._canaries = itertools.count(1)

    def tenant(self) -> Tenant:
        """A new one."""
        return Tenant(self, f"canary{next(self._canaries):03}q")

    def root(self, method: str, path: str, body: object = None, **query: str) -> Any:
        content = {} if body is None else {"json": body}
        answer = self.http.request(
            method,
            f"/api/v1/{path}",
            params=query,
            headers={"authorization": f"Bearer {ADMIN}"},
            **content,
        )
        assert answer.status_code in {200, 201}, f"{method} {path}: {answer.text}"
        return answer.json()

    def acts(self, tenant: Tenant) -> object:
        """The last thing that was done at a tenant."""
        page = self.root("GET", "audit", organisation=tenant.id, limit="1")
        return page["data"]

    def close(self) -> None:
        self.http.close()
