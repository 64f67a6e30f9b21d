"""`antiphon explain`, as a process: at a gateway that serves, and by the configuration alone."""

from __future__ import annotations

import json

import httpx2

from tests.cli.processes import PATIENCE

RULED = """  ruled:
    deployments: [one/sim-small, two/sim-small]
    strategy: [local_first, priority]
    rules: [{name: mandarin, when: {language: zh}, use: [two/sim-small]}]
"""
TABLE = """\
ruled -> two/sim-small (openai_chat, whole)
  as in-process
  configuration 1; sensitivity public; strategy local_first, priority
  rule mandarin matches
"""
ALONE = "no gateway serves here: this is what the configuration alone says"


def test_by_the_configuration_alone(configured):
    file = configured.home / "antiphon.yaml"
    file.write_text(file.read_text() + RULED)
    told = configured("explain", "-m", "ruled", "今天的天气怎么样")
    assert told.stdout.startswith(TABLE)
    assert "1  two/sim-small  chosen  rule mandarin" in told.stdout
    assert ALONE in told.stderr
    request = configured.home / "request.json"
    request.write_text(
        json.dumps({"model": "fast", "messages": [{"role": "user", "content": "Hi"}]})
    )
    header = "x-antiphon-provider-order: two"
    told = configured("explain", "--file", str(request), "--header", header, "--json")
    said = json.loads(told.stdout)
    assert (said["choice"], said["then"]) == ("two/sim-small", ["one/sim-small"])
    assert said["candidates"][0]["state"] == "chosen"
    assert not (configured.home / "antiphon.db").exists(), "nothing is made for it"


def test_at_a_gateway(configured, closed_port):
    with configured.serving("--port", str(closed_port)) as served:
        url = ["--url", served.address]
        admin = {"ANTIPHON_ADMIN_KEY": served.admin_key}
        told = configured("explain", "-m", "fast", "Hello", "--json", *url, **admin)
        said = json.loads(told.stdout)
        answer = httpx2.post(
            f"{served.address}/v1/chat/completions",
            json={"model": "fast", "messages": [{"role": "user", "content": "Hello"}]},
            timeout=PATIENCE,
        )
        assert said["choice"] == answer.headers["x-antiphon-deployment"]
        assert said["key_id"] == "admin"
        request_id = answer.headers["x-antiphon-request-id"]
        served.get(f"/api/v1/requests/{request_id}", served.admin_key)
        page = configured("logs", request_id).stdout
        assert "decision  sensitivity public; configuration 1" in page
        assert "1  one/sim-small  chosen" in page
        kept = json.loads(configured("logs", request_id, "--json").stdout)["decision"]
        assert [each["deployment"] for each in kept["candidates"]] == [
            "one/sim-small",
            "two/sim-small",
        ]
        wrong = configured("explain", "-m", "fast", "Hi", "--as", "nobody", *url, status=2, **admin)
        assert "No key has the id 'nobody'" in wrong.stderr
        refused = configured("explain", "-m", "none", "Hi", *url, **admin).stdout
        assert refused.startswith("none -> nobody")
        assert "refused with 404 model_not_found" in refused


def test_what_is_asked_wrongly(configured):
    for arguments, told in (
        (["Hi"], "say which model"),
        (["-m", "fast"], "say what would be asked"),
        (["-m", "fast", "Hi", "--header", "odd"], "'name: value'"),
        (["--file", "missing.json"], "missing.json: No such file"),
    ):
        assert told in configured("explain", *arguments, status=2).stderr, arguments
