"""`antiphon teams`, `users`, `departments`, `organisations` and `audit`."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest

NAMES = ["Forschung & Entwicklung", "王芳", "Ольга", "فاطمة", "שרה", "ศิริพร", "O'Brien 😀"]


def told(done) -> object:
    return json.loads(done.stdout)


def test_a_tenant_from_nothing(inside):
    department = inside("departments", "create", NAMES[0]).stdout.strip()
    assert department.startswith("dep_")
    team = told(inside("teams", "create", "Web", "--department", NAMES[0], "--json"))
    assert team["department"] == department
    for name in NAMES[1:]:
        inside("users", "create", name, "--team", "web")
    assert [each["name"] for each in told(inside("users", "list", "--json"))] == NAMES[:0:-1]
    key = told(inside("keys", "create", "x", "--user", "王芳", "--json"))
    assert key["team"] == team["id"]
    assert [each["id"] for each in told(inside("keys", "list", "--user", "王芳", "--json"))] == [
        key["id"]
    ]
    assert told(inside("users", "role", "王芳", "read-only", "--json"))["role"] == "read-only"
    assert "still has teams" in inside("departments", "remove", NAMES[0], status=1).stderr
    inside("users", "remove", "王芳", "--erase")
    gone = told(inside("users", "show", key["user"], "--json"))
    assert gone["name"] == key["user"]
    inside("teams", "remove", "Web")
    assert told(inside("keys", "show", key["id"], "--json"))["state"] == "revoked"
    inside("departments", "remove", NAMES[0])
    assert inside("teams", "list").stdout == "there is no team\n"


def test_another_organisation(inside):
    other = inside("organisations", "create", "Zweite").stdout.strip()
    inside("teams", "create", "web", "--organisation", "zweite")
    assert told(inside("teams", "list", "--json")) == []
    [team] = told(inside("teams", "list", "--organisation", other, "--json"))
    assert "no such team" in inside("teams", "show", team["id"], status=1).stderr
    inside("organisations", "remove", "Zweite")
    assert (
        "no such organisation" in inside("teams", "list", "--organisation", other, status=1).stderr
    )


def test_the_audit(inside):
    team = inside("teams", "create", "web").stdout.strip()
    inside("teams", "remove", team)
    acts = told(inside("audit", "list", "--json"))
    assert [each["act"] for each in acts] == ["team.remove", "team.create", "organisation.create"]
    assert {each["via"] for each in acts[:2]} == {"cli"}
    assert len(told(inside("audit", "list", "--act", "team.create", "--json"))) == 1
    assert len(told(inside("audit", "list", "--target", team, "--limit", "1", "--json"))) == 1
    done = inside("audit", "verify")
    head = re.search(r"head: (\S+)", done.stdout)[1]
    assert head.startswith("3:")
    verdict = told(inside("audit", "verify", "--head", head, "--json"))
    assert verdict["holds"]
    assert verdict["entries"] == 3
    inside("audit", "verify", "--head", "3:xyz", status=2)
    other = head[:-1] + ("0" if head[-1] != "0" else "1")
    assert "not what was kept" in inside("audit", "verify", "--head", other, status=1).stdout


def test_what_was_tampered_with(antiphon):
    antiphon("teams", "create", "web")
    path = antiphon.home / "data" / "antiphon.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE audit SET actor = 'somebody' WHERE number = 2")
    path.chmod(0o400)
    done = antiphon("audit", "verify", status=1)
    assert "altered: entry 2 was changed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told", "status"),
    [
        (["audit", "verify"], "there is no database yet", 1),
        (["audit", "list"], "there is no database yet", 1),
        (["teams", "create", "a\u202eb"], "name", 2),
        (["teams", "create", ""], "name", 2),
        (["teams", "create", "\udcff"], "not text", 2),
        (["teams", "create", "x", "--department", "nowhere"], "no department named", 1),
        (["users", "create", "x", "--role", "root"], "role", 2),
    ],
)
def test_asked_wrongly(inside, arguments, told, status):
    assert told in inside(*arguments, status=status).stderr
