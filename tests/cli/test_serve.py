"""`antiphon serve`: what it finds, what it prints, and how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess

import httpx2
import pytest

from tests.cli.processes import ended


def test_no_file_and_one_model(antiphon, providers):
    env = {"LLM_BASE_URL": providers[0], "LLM_MODEL": "sim-small", "LLM_API_KEY": "any"}
    with antiphon.serving("--port", "0", **env) as served:
        assert "configuration: the environment" in served.text
        assert served.models() == ["default", "openai_compatible/sim-small"]
        asked = {"model": "default", "messages": [{"role": "user", "content": "Hi"}]}
        answer = httpx2.post(f"{served.address}/v1/chat/completions", json=asked)
        assert answer.json()["choices"][0]["message"]["content"]
        assert answer.headers["x-antiphon-deployment"] == "openai_compatible/sim-small"
        assert ended(served.process) == 0


def test_no_file_and_models_that_the_provider_lists(antiphon, providers):
    with antiphon.serving("--port", "0", LLM_BASE_URL=providers[0]) as served:
        listed = [f"openai_compatible/{name}" for name in ("sim-small", "sim-large", "sim-reason")]
        assert f"models: {', '.join(listed)}" in served.text
        assert served.models() == listed
        assert served.get(f"/v1/models/{listed[1]}").json()["id"] == listed[1]
        asked = {"model": "sim-large", "messages": [{"role": "user", "content": "Hi"}]}
        answer = httpx2.post(f"{served.address}/v1/chat/completions", json=asked)
        assert answer.status_code == 404
        assert f"Did you mean '{listed[1]}'?" in answer.json()["error"]["message"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_curl_line_works(configured):
    with configured.serving() as served:
        done = subprocess.run(
            f"{served.curl} -sS", shell=True, capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout)["choices"][0]["message"]["content"]


def test_the_curl_line_asks_for_a_key_where_one_is_required(configured):
    text = (configured.home / "antiphon.yaml").read_text()
    configured.write(text + "auth: {required: true, keys: [{key: 0123456789abcdef0123}]}\n")
    with configured.serving("--host", "0.0.0.0") as served:
        assert "-H 'authorization: Bearer YOUR_KEY'" in served.curl
        assert "//127.0.0.1:" in served.curl, "nobody can connect to 0.0.0.0 everywhere"
        assert "only this machine" not in served.text
        assert served.get("/v1/models").status_code == 401
        assert served.get("/v1/models", "0123456789abcdef0123").status_code == 200


def test_the_admin_key_is_printed_once_and_opens_what_it_should(configured):
    with configured.serving() as served:
        key = served.admin_key
        assert key is not None
        assert "antiphon_requests" in served.get("/metrics", key).text
        assert served.get("/metrics").status_code == 401
        assert served.get("/metrics", f"{key}x").status_code == 401
        assert served.get("/api/v1/status", key).json()["status"] == "healthy"
        assert ended(served.process) == 0
    assert key not in configured.admin_key_file.read_text()
    with configured.serving() as served:
        assert served.admin_key is None
        assert served.get("/metrics", key).status_code == 200
        assert ended(served.process, signal.SIGTERM) == 0
        assert "Traceback" not in served.process.stderr.read()


def test_an_admin_key_of_ones_own_leaves_no_file(configured):
    key = "my-own-admin-key-0123456789"
    with configured.serving(ANTIPHON_ADMIN_KEY=key) as served:
        assert served.admin_key is None
        assert key not in served.text
        assert served.get("/metrics", key).status_code == 200
    assert not configured.admin_key_file.exists()


def test_nothing_to_reach(antiphon):
    done = antiphon("serve", status=1)
    assert "no provider is configured" in done.stderr
    assert "antiphon demo" in done.stderr
    assert not antiphon.admin_key_file.exists(), "a key that nobody was shown"


def test_a_provider_that_is_down_is_named(antiphon, closed_port):
    url = f"http://127.0.0.1:{closed_port}/v1"
    with antiphon.serving("--port", "0", LLM_BASE_URL=url) as served:
        assert "openai_compatible: cannot be asked for its models" in served.text
        assert served.get("/readyz").status_code == 200
        assert ended(served.process) == 0


def test_a_port_in_use(configured):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = configured("serve", "--port", str(port), status=1)
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert "--port" in done.stderr
    assert not configured.admin_key_file.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--config", "absent.yaml"], "absent.yaml"),
        (["--host", "0.0.0.0"], "auth.required"),
        (["--port", "70000"], "65535"),
    ],
)
def test_what_cannot_be_served(configured, arguments, message):
    assert message in configured("serve", *arguments, status=1).stderr


def test_a_data_folder_that_cannot_be_written(configured):
    (configured.home / "data").write_text("a file")
    assert "the database cannot be kept there" in configured("serve", status=1).stderr


def test_a_running_stream_survives_the_signal(configured):
    text = (configured.home / "antiphon.yaml").read_text()
    configured.write(text.replace("drain_seconds: 1", "drain_seconds: 10"))
    asked = {"model": "fast", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    with configured.serving() as served:
        url = f"{served.address}/v1/chat/completions"
        with httpx2.stream("POST", url, json=asked, timeout=20) as answer:
            served.process.send_signal(signal.SIGTERM)
            assert answer.read().endswith(b"data: [DONE]\n\n")
        assert served.process.wait(20) == 0
