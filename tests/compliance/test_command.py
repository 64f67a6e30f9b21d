"""The command as a process: what it says, and how it ends."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from antiphon.simulator import Simulator, SimulatorSpec
from antiphon.testing.compliance import GOLDEN
from antiphon.testing.compliance.command import main
from antiphon.testing.compliance.dialect.suite import CHECKS
from antiphon.testing.compliance.provider import suite
from tests.house.source import ROOT

KEY = "KIT_KEY"


def run(*arguments, env=None):
    paths = f"{ROOT / 'src'}:{ROOT}"
    return subprocess.run(
        [sys.executable, "-m", "antiphon.testing.compliance", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": paths, **(env or {})},
    )


def test_the_list_names_every_check():
    done = run("list")
    assert done.returncode == 0
    told = {tuple(line.split()[:2]) for line in done.stdout.splitlines()}
    expected = {("dialect", name) for name in CHECKS} | {("provider", n) for n in suite.CHECKS}
    assert told == expected


def test_a_dialect_that_passes():
    done = run("dialect", "anthropic_messages", "--only", "golden", "usage.totals")
    assert done.returncode == 0, done.stdout
    assert "dialect anthropic_messages: 7 passed, 0 failed, 0 not supported" in done.stdout


def test_a_third_partys_dialect_that_fails_for_programs():
    done = run("dialect", "tests.compliance.broken:LEAKY", "--only", "unknown", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["counts"] == {"passed": 4, "failed": 1, "not supported": 0}
    [failed] = [each for each in report["results"] if each["outcome"] == "failed"]
    assert failed["check"] == "unknown.foreign"
    assert failed["mistakes"][0]["where"] == "at the top"


def test_what_cannot_be_done_ends_with_a_word():
    done = run("dialect", "nope")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("No dialect 'nope'; ours are anthropic_messages, ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dialect", "no.such.module:X"], "cannot be imported"),
        (["dialect", "tests.compliance.broken:Altered"], "no object of a class that is a Dialect"),
        (["dialect", "tests.compliance.broken:NoSuch.thing"], "no object of a class"),
        (["dialect", "gemini", "--cases", "/nowhere/at/all"], "is no folder"),
        (["dialect", "gemini", "--only", "golden.nope"], "No check golden.nope"),
        (["record", "tests.compliance.broken:LEAKY", "--cases", "/nowhere"], "holds no cases"),
        (["provider", "--url", "ftp://x", "--dialect", "gemini", "--model", "m"], "http"),
    ],
    ids=lambda value: value[1] if isinstance(value, list) else "",
)
def test_what_cannot_be_done(arguments, told, capsys):
    assert main(arguments) == 2
    assert told in capsys.readouterr().err


def test_a_key_that_is_not_set(capsys):
    assert main([*_provider("http://127.0.0.1:9"), "--key-env", "NO_SUCH_KEY"]) == 2
    assert capsys.readouterr().err == "NO_SUCH_KEY is not set.\n"


def test_results_are_recorded_anew(tmp_path):
    shutil.copytree(GOLDEN / "gemini" / "plain", tmp_path / "plain")
    (tmp_path / "plain" / "canonical.json").unlink()
    (tmp_path / "plain" / "written.sse").write_text("something else")
    done = run("record", "gemini", "--cases", tmp_path)
    assert done.returncode == 0
    assert {line.rpartition("/")[2] for line in done.stdout.split()} == {
        "canonical.json",
        "written.sse",
    }
    for name in ("canonical.json", "written.sse"):
        assert (tmp_path / "plain" / name).read_bytes() == (
            GOLDEN / "gemini/plain" / name
        ).read_bytes()


async def test_a_provider():
    spec = SimulatorSpec(keys=frozenset({"sk-right"}))
    async with Simulator(spec) as simulator:
        asked = [*_provider(simulator.base_url), "--key-env", KEY]
        dry = await asyncio.to_thread(run, *asked, "--dry-run", env={KEY: "sk-right"})
        assert (dry.returncode, simulator.requests) == (0, 0)
        most = int(re.search(r"at most (\d+) requests", dry.stderr)[1])
        done = await asyncio.to_thread(run, *asked, "--json", env={KEY: "sk-right"})
        assert done.returncode == 0, done.stdout
        assert 0 < simulator.requests <= most
        wrong = await asyncio.to_thread(
            run, *asked, "--only", "answers.whole", env={KEY: "sk-wrong"}
        )
    assert json.loads(done.stdout)["counts"]["failed"] == 0
    assert wrong.returncode == 1
    assert "sk-wrong" not in wrong.stdout + wrong.stderr


def _provider(url):
    return ["provider", "--url", url, "--dialect", "openai_chat", "--model", "sim-small"]
