"""`antiphon demo`: the first thing that anybody sees."""

from __future__ import annotations

import subprocess
import sys

from tests.cli.processes import environment

WITHOUT_OPENAI = """
import sys
sys.modules["openai"] = None
sys.argv = ["antiphon", "demo"]
from antiphon.cli.main import main
main()
"""


def test_it_shows_the_main_job_and_exits(antiphon):
    text = antiphon("demo").stdout
    assert text.count("-> first/sim-small, attempts 1") == 2
    assert text.count("-> second/sim-small, attempts") == 2
    assert text.count("tokens") == 4
    assert text.count("added by the gateway") == 4
    assert "antiphon serve" in text
    assert list(antiphon.home.iterdir()) == [], "it leaves nothing behind"


def test_without_openais_client_it_says_how_to_get_it(antiphon):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPENAI],
        env=environment(antiphon.home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'antiphon[demo]'" in done.stderr
    assert "Traceback" not in done.stderr
