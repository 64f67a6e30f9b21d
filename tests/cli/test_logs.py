"""`antiphon logs`, as a process beside a gateway that runs, ran, or never did."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.cli.processes import COMMAND, PATIENCE, Antiphon, Served, ended, environment, started

PATIENT = """  patient: {deployments: [one/fault:server-error], retry: {attempts: 3, backoff: 0.1}}
  kept: {deployments: [one/sim-small], capture: full}
"""

WATERFALL = """\
ID
  502 upstream, after TIME, no provider was waited for during TIME
  route patient, openai_chat, whole, WHEN
  key anonymous

  1  one/fault:server-error  ●  server_error  TIME
  2  one/fault:server-error  ·●  server_error  TIME
  3  one/fault:server-error  ·●  server_error  TIME
                             0  TIME
                             ─ waiting  ● first byte  ━ answering  · pause

  tokens    0 in, 0 out
  cost      $0
  cache     none
  error     upstream: No deployment of 'patient' gave an answer. Please try again.
"""


def masked(page: str) -> str:
    """A page without what differs from run to run; a bar is one stroke of each kind."""
    page = re.sub(r"req_[0-9a-f]{12}-[0-9a-f]{8}", "ID", page)
    page = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{3})?", "WHEN", page)
    page = re.sub(r"\b\d+(\.\d+)? (ms|s)\b", "TIME", page)
    lines = page.splitlines(keepends=True)
    return "".join(_bar(each) if re.match(" {2}( +0|\\d) ", each) else each for each in lines)


def _bar(line: str) -> str:
    line = re.sub(r" +(·?)·*─*●━*", r"  \1●", line)
    return re.sub(r"(?<=●) +", "  ", re.sub(r" +TIME$", "  TIME", line))


def ask(served: Served, model: str = "fast", **members: object) -> str:
    asked = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **members}
    answer = httpx2.post(f"{served.address}/v1/chat/completions", json=asked, timeout=PATIENCE)
    return answer.headers["x-antiphon-request-id"]


@pytest.fixture
def configured(configured: Antiphon) -> Antiphon:
    text = (configured.home / "antiphon.yaml").read_text()
    configured.write(text + PATIENT)
    return configured


@pytest.fixture(scope="module")
def past(tmp_path_factory, providers: list[str]) -> Path:
    """A home with six requests in the ledger, and no gateway any more."""
    antiphon = Antiphon(tmp_path_factory.mktemp("past"))
    antiphon.write(
        f"""server: {{port: 0, drain_seconds: 1}}
providers: {{one: {{dialect: openai_chat, base_url: "{providers[0]}", api_key: any}}}}
models:
  fast: one/sim-small
  broken: {{deployments: [one/fault:server-error], retry: {{attempts: 1}}}}
{PATIENT}"""
    )
    with antiphon.serving() as served:
        for model in ("fast", "no-such-model", "fast", "broken", "patient", "kept"):
            ask(served, model)
        assert ended(served.process) == 0
    return antiphon.home


@pytest.fixture
def logged(past: Path, tmp_path: Path) -> Antiphon:
    home = tmp_path / "home"
    shutil.copytree(past, home)
    return Antiphon(home)


@pytest.fixture
def patient(past: Path) -> str:
    """The id of the request that waited."""
    return ids_of(Antiphon(past), "--route", "patient")[0]


def ids_of(antiphon: Antiphon, *arguments: str) -> list[str]:
    out = antiphon("logs", "--json", *arguments).stdout
    return [json.loads(line)["id"] for line in out.splitlines()]


def files(folder: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


# ------------------------------------------------------------------ lists


def test_before_there_is_anything(configured):
    done = configured("logs", status=1)
    assert "there is no database yet" in done.stderr
    configured("logs", "req_1", status=1)
    assert not (configured.home / "data").exists()


def test_a_line_for_each_the_newest_at_the_end(logged):
    lines = logged("logs").stdout.splitlines()
    assert len(lines) == 6
    pattern = (
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  req_[0-9a-f]{12}-0000000\d  (\S+) +"
        r"(\S+(?: \+\d)?) +(ok|\d{3} \w+) +\d+\+\d+ tokens +\$[\d.]+ +[\d.]+ m?s"
    )
    found = [re.fullmatch(pattern, line) for line in lines]
    assert all(found), lines
    assert [each.groups() for each in found] == [
        ("fast", "one/sim-small", "ok"),
        ("no-such-model", "-", "404 model_not_found"),
        ("fast", "one/sim-small", "ok"),
        ("broken", "one/fault:server-error", "502 upstream"),
        ("patient", "one/fault:server-error +2", "502 upstream"),
        ("kept", "one/sim-small", "ok"),
    ]
    assert len({line.index("tokens") for line in lines}) == 1
    assert len({line.index("$") for line in lines}) <= 2


def test_it_only_looks(logged):
    before = files(logged.home / "data")
    request_id = ids_of(logged)[0]
    logged("logs")
    logged("logs", request_id, "--content")
    after = files(logged.home / "data")
    # SQLite needs a log, if an empty one, beside what it reads.
    assert {name: after[name] for name in before} == before
    assert all(name.endswith("-shm") or not after[name] for name in after.keys() - before.keys())


def test_beside_a_gateway_that_runs(configured):
    with configured.serving() as served:
        asked = [ask(served) for _ in range(3)]
        assert configured("logs", asked[-1]).stdout.startswith(asked[-1])
        assert ids_of(configured) == asked
        assert ended(served.process) == 0


def test_which(logged):
    """Each of the words reaches the ledger; what they mean there is tested with the server."""
    everything = ids_of(logged)
    assert len(everything) == 6
    assert ids_of(logged, "-n", "2", "--status", "2xx") == [everything[2], everything[5]]
    words = ("--model", "one/sim-small", "--since", "1h", "--route", "kept", "--outcome", "ok")
    assert ids_of(logged, *words) == [everything[5]]
    words = ("--errors", "--provider", "one", "--key", "anonymous")
    assert ids_of(logged, *words) == [everything[3], everything[4]]
    assert ids_of(logged, "--team", "web", "--user", "nobody", "--since", "2999-01-01") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--status", "many"),
        ("--since", "yesterday"),
        ("--since", "0001-01-01T00:00:00+14:00"),
        ("--outcome", "good"),
        ("-n", "-1"),
        ("--content",),
        ("req_1", "--follow"),
        ("req_1", "req_2"),
    ],
)
def test_asked_wrongly(configured, arguments):
    assert configured("logs", *arguments, status=2).stderr


def test_bad_bytes_as_arguments(logged):
    done = subprocess.run(
        [*_command(), b"--route", b"\xff\xfe"], cwd=logged.home, env=_env(logged), check=False
    )
    assert done.returncode == 0
    done = subprocess.run(
        [*_command(), b"req_\xff"],
        cwd=logged.home,
        env=_env(logged),
        check=False,
        text=True,
        stderr=subprocess.PIPE,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def _command() -> list[str]:
    return [*COMMAND, "logs"]


def _env(antiphon: Antiphon) -> dict[str, str]:
    return environment(antiphon.home)


def test_a_database_of_somebody_else(logged):
    path = logged.home / "data" / "antiphon.db"
    path.write_bytes(b"not a database" * 100)
    assert "not a database" in logged("logs", status=1).stderr
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE stars (name)")
    assert "not one of Antiphon's" in logged("logs", status=1).stderr


def test_a_database_of_tomorrow(logged):
    with closing(sqlite3.connect(logged.home / "data" / "antiphon.db")) as other, other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer Antiphon" in logged("logs", status=1).stderr


# ------------------------------------------------------------------ one


def test_a_waterfall_with_waits(logged, patient):
    assert masked(logged("logs", patient, COLUMNS="90").stdout) == WATERFALL


def test_where_the_encoding_has_no_strokes(logged, patient):
    page = logged("logs", patient, PYTHONIOENCODING="ascii").stdout
    assert page.isascii()
    assert "- waiting  o first byte  = answering  . pause" in page


def test_its_width(logged, patient):

    def widest(columns: int) -> int:
        page = logged("logs", patient, COLUMNS=str(columns)).stdout
        return max(len(line) for line in page.splitlines() if "one/" in line)

    assert widest(80) <= 80 < widest(120) <= 120


def test_as_json(logged, patient):
    [line] = logged("logs", patient, "--json").stdout.splitlines()
    told = json.loads(line)
    assert (told["id"], told["status"], len(told["attempts"])) == (patient, 502, 3)
    assert "capture" not in told


@pytest.mark.parametrize("hostile", ["", "x" * 10_000, "../../etc", "\x1b[2J';--"])
def test_ids_that_are_none(logged, hostile):
    done = logged("logs", "--", hostile, status=1)
    assert "no request" in done.stderr
    assert "\x1b" not in done.stderr


def test_names_that_steer_terminals(configured):
    with configured.serving() as served:
        request_id = ask(served, "\x1b[2J\x1b]0;owned\x07\nx" + "y" * 300)
        assert ended(served.process) == 0
    for arguments in ((), (request_id,)):
        page = configured("logs", *arguments).stdout
        assert "\x1b" not in page
        assert "\x07" not in page
    assert len(configured("logs").stdout.splitlines()) == 1


# ------------------------------------------------------------------ content


def test_content(logged):
    request_id = ids_of(logged, "--route", "kept")[0]
    page = logged("logs", request_id, "--content").stdout
    assert '{"model":"kept","messages":[{"role":"user","content":"Hi"}]}' in page
    assert "This is a simulated answer." in page
    told = json.loads(logged("logs", request_id, "--content", "--json").stdout)
    assert told["capture"]["level"] == "full"
    assert told["capture"]["request"]["size"] == 60
    other = ids_of(logged, "--route", "fast")[0]
    assert "nothing was kept" in logged("logs", other, "--content").stdout
    (logged.home / "data" / "captures.db").unlink()
    assert "nothing was kept" in logged("logs", request_id, "--content").stdout
    assert not (logged.home / "data" / "captures.db").exists()


def test_captures_that_cannot_be_read(logged):
    request_id = ids_of(logged, "--route", "kept")[0]
    (logged.home / "data" / "captures.db").write_bytes(b"nonsense" * 1000)
    assert logged("logs", request_id, "--content", status=1).stderr
    assert logged("logs", request_id).stdout


# ------------------------------------------------------------------ following


@contextmanager
def following(antiphon: Antiphon, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with started(antiphon.home, "logs", "--follow", "--json", *arguments) as process:
        yield process


def next_id(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return json.loads(line)["id"]


def test_follow(configured):
    with configured.serving() as served:
        first = [ask(served) for _ in range(3)]
        configured("logs", first[-1])
        with following(configured, "-n", "2") as process:
            assert [next_id(process) for _ in range(2)] == first[1:]
            for _ in range(3):
                asked = ask(served)
                assert next_id(process) == asked
            missing = ask(served, "no-such-model")
            assert next_id(process) == missing
            assert process.send_signal(signal.SIGINT) is None
            said = process.communicate(timeout=PATIENCE)
            assert (process.returncode, *said) == (130, "", "")
        assert ended(served.process) == 0


def test_follow_before_there_is_a_gateway_and_over_its_restart(configured):
    with following(configured) as process:
        assert "waiting" in process.stderr.readline()
        with configured.serving() as served:
            asked = ask(served)
            assert next_id(process) == asked
            assert ended(served.process) == 0
        with configured.serving() as served:
            asked = ask(served)
            assert next_id(process) == asked
            served.process.kill()
            served.process.wait()
        with configured.serving() as served:
            asked = ask(served)
            assert next_id(process) == asked
            assert ended(served.process) == 0
        assert process.poll() is None


def test_follow_over_retention(configured):
    with configured.serving() as served:
        before = [ask(served) for _ in range(5)]
        configured("logs", before[-1])
        with following(configured, "-n", "1") as process:
            assert next_id(process) == before[-1]
            path = configured.home / "data" / "antiphon.db"
            for _ in range(2):
                with closing(sqlite3.connect(path)) as other, other:
                    other.execute("DELETE FROM attempts")
                for _ in range(3):
                    asked = ask(served)
                    assert next_id(process) == asked
        assert ended(served.process) == 0


def test_follow_of_errors_in_lines(configured):
    with configured.serving() as served:
        configured("logs", ask(served, "no-such-model"))
        with started(configured.home, "logs", "-f", "--errors", "-n", "1") as process:
            assert "404 model_not_found" in process.stdout.readline()
            ask(served)
            asked = ask(served, "no-such-model")
            line = process.stdout.readline()
            assert asked in line
            assert "404 model_not_found" in line
            assert ended(process) == 130
        assert ended(served.process) == 0


def test_a_closed_pipe_ends_it_quietly(logged):
    with started(logged.home, "logs", "--follow", "-n", "6") as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == ""


def test_a_pipe_that_is_closed_while_a_list_is_written(logged):
    done = subprocess.run(
        f"{' '.join(_command())} -n 100000 --json | head -c 10",
        shell=True,
        cwd=logged.home,
        env=_env(logged),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (len(done.stdout), done.stderr) == (10, "")
