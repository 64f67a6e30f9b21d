"""The guide on keys and teams: its commands run as they stand, and its request is answered."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable

from antiphon.access.proxy import TrustedProxy
from antiphon.access.roles import SCOPES, Role, Scope
from antiphon.clock import SystemClock
from antiphon.secret import Secret
from tests.docs.pages import ROOT, blocks
from tests.server.administering import administered

PAGE = "docs/guides/keys-and-teams.md"
SHELL = [each.text for each in blocks("sh", PAGE)]


def test_the_commands_run_one_after_the_other(tmp_path):
    configuration, _ = blocks("yaml", PAGE)
    (tmp_path / "antiphon.yaml").write_text(configuration.text)
    command = f'antiphon() {{ "{sys.executable}" -m antiphon "$@"; }}\nset -euo pipefail\n'
    script = command + "".join(text for text in SHELL if "curl" not in text)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ANTIPHON_DATA": str(tmp_path / "data"),
        "ANTIPHON_PORT": "0",
        "OPENAI_API_KEY": "any",
        "PYTHONPATH": str(ROOT / "src"),
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = ((tmp_path / name).read_text() for name in ("anna.key", "anna-new.key"))
    assert first.startswith("ak-1")
    assert second.startswith("ak-1")
    assert first != second
    assert "all is well" in done.stdout
    assert done.stdout.count("key.revoke") == 1
    assert "Anna Ångström" not in done.stdout.partition("number")[2], "no name is in the audit"


async def test_the_request_is_answered(tmp_path):
    [text] = [text for text in SHELL if "curl" in text]
    path = re.search(r"http://127\.0\.0\.1:4100/api/v1/(\S+)", text)[1]
    body = json.loads(re.search(r"-d '(.*?)'", text)[1])
    async with administered(tmp_path) as office:
        assert (await office.post(path, body))["key"].startswith("ak-1")


def test_the_table_of_roles_says_what_the_code_does():
    page = (ROOT / PAGE).read_text()
    rows = re.findall(
        r"^\| `([\w-]+)` \| (\w+) \| ([^|]+) \| ([^|]+) \| (\w+) \|$", page, re.MULTILINE
    )
    assert [row[0] for row in rows] == [role.value for role in Role]
    for role, asks, sees, makes, manages in rows:
        scopes = SCOPES[Role(role)]
        assert (asks == "yes") == (Scope.INFERENCE in scopes)
        assert ("all of" in sees) == (Scope.READ in scopes)
        assert makes.startswith("yes") == (Scope.OPERATE in scopes)
        assert (manages == "yes") == (Scope.MANAGE in scopes)


def test_the_header_of_a_proxy_is_believed():
    [block] = blocks("python", PAGE)
    told: dict[str, Callable[[str, str], str]] = {}
    exec(block.text, told)
    secret = "a-secret-of-at-least-thirty-two-bytes"
    proxy = TrustedProxy([Secret(secret)], clock=SystemClock())
    for name in ("Ann Example", "王芳"):
        assert proxy.identify(told["person"](name, secret).encode()) == name
