"""`antiphon deployments`: at the gateway that asks them."""

from __future__ import annotations

import httpx2

ASKED = {"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}


def test_at_a_gateway(configured, closed_port):
    with configured.serving("--port", str(closed_port)) as served:
        url, key = ["--url", served.address], {"ANTIPHON_ADMIN_KEY": served.admin_key}
        path = f"{served.address}/v1/chat/completions"
        assert httpx2.post(path, json=ASKED).status_code == 200
        told = configured("deployments", "list", *url, **key).stdout
        assert "one/sim-small" in told
        assert "closed" in told
        assert "1 of 1" in told
        told = configured("deployments", "reset", "one/sim-small", *url, **key).stdout
        assert told == "one/sim-small is in use again\n"
        audit = served.get("/api/v1/audit?act=deployment.reset", served.admin_key).json()["data"]
        assert [each["target"] for each in audit] == ["one/sim-small"]
        refused = configured("deployments", "reset", "one/none", *url, status=1, **key).stderr
        assert "There is no deployment 'one/none'" in refused


def test_without_a_gateway_there_is_nothing_to_ask(configured):
    told = "how deployments do is known to a gateway that runs"
    assert told in configured("deployments", "list", status=1).stderr
