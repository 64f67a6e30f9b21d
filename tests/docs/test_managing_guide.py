"""The guide on managing budgets and limits: its commands run, and its request is answered."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from antiphon.access.allowances import MOST, MOST_OF_ONE
from tests.docs.pages import ROOT, blocks
from tests.server.administering import AUTH, administered
from tests.server.stage import KEY

PAGE = "docs/guides/managing-budgets-and-limits.md"
SHELL = [each.text for each in blocks("sh", PAGE)]


def test_the_commands_run_one_after_the_other(tmp_path):
    [configuration] = blocks("yaml", PAGE)
    (tmp_path / "antiphon.yaml").write_text(configuration.text)
    command = f'antiphon() {{ "{sys.executable}" -m antiphon "$@"; }}\nset -euo pipefail\n'
    script = command + "".join(text for text in SHELL if "curl" not in text)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ANTIPHON_DATA": str(tmp_path / "data"),
        "ANTIPHON_PORT": "0",
        "APP_KEY": KEY,
        "OPENAI_API_KEY": "any",
        "PYTHONPATH": str(ROOT / "src"),
    }
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "configuration" in done.stdout
    assert done.stdout.count("budget.create") == 2
    assert done.stdout.count("budget.remove") == 1
    assert "finance@example.com" not in done.stdout.partition("number")[2], "no name in the audit"


async def test_the_request_is_answered(tmp_path):
    [text] = [text for text in SHELL if "curl" in text]
    path = re.search(r"http://127\.0\.0\.1:4100/api/v1/(\S+)", text)[1]
    body = json.loads(re.search(r"-d '(.*?)'", text)[1])
    keys = {**AUTH, "keys": [{"key": KEY, "team": "web"}]}
    async with administered(tmp_path, auth=keys) as office:
        assert (await office.post(path, body))["limit"] == "250.00"


def test_the_numbers_are_those_of_the_code():
    page = (ROOT / PAGE).read_text()
    assert f"{MOST_OF_ONE:,} can be in force for one organisation, {MOST:,} in all" in page
