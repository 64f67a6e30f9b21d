"""The guide on reloading: its plan is what the command says, and its command loads the file."""

from __future__ import annotations

import re
import socket
from pathlib import Path

from antiphon.config.pinned import PINNED
from tests.cli.processes import Antiphon, ended
from tests.docs.pages import ROOT, blocks

PAGE = "docs/guides/reloading.md"
KEY = "caller-key-0123456789abcdef"


def test_the_plan_and_the_reload(tmp_path: Path):
    [configuration] = blocks("yaml", PAGE)
    [plan] = blocks("text", PAGE)
    [command] = blocks("sh", PAGE)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    text = configuration.text.replace("4100", port)
    antiphon = Antiphon(tmp_path)
    antiphon.write(text)
    with antiphon.serving(APP_KEY=KEY) as served:
        env = {"ANTIPHON_ADMIN_KEY": served.admin_key, "APP_KEY": KEY}
        changed = text.replace(port, "4200").replace(
            "lab/sim-small", "[lab/sim-large, lab/sim-small]"
        )
        antiphon.write(changed)
        url = ["--url", served.address]
        told = antiphon("config", "plan", *url, **env, status=1).stdout
        assert told == plan.text.replace("4100", port)
        words = command.text.split()
        assert words[0] == "antiphon"
        told = antiphon(*words[1:], *url, **env).stdout
        assert told.startswith("generation 2 is in force\n")
        assert ended(served.process) == 0


def test_what_needs_a_restart_is_what_the_code_says():
    page = (ROOT / PAGE).read_text().partition("## What needs a restart")[2]
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|$", page, re.MULTILINE)
    told = {name: why for names, why in rows for name in re.findall(r"`([\w.]+)`", names)}
    assert told.pop("auth.admin_key")
    assert told == {".".join(map(str, path)): why for path, why in PINNED.items()}
