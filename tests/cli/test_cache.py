"""`antiphon cache`: at the gateway whose memory it is."""

from __future__ import annotations

import httpx2

ASKED = {"model": "kept", "messages": [{"role": "user", "content": "Hello"}]}


def test_at_a_gateway(configured, closed_port):
    file = configured.home / "antiphon.yaml"
    file.write_text(
        file.read_text() + "  kept: {deployments: [one/sim-small], cache: {}}\n"
        "  other: {deployments: [one/sim-small], cache: {}}\n"
    )
    with configured.serving("--port", str(closed_port)) as served:
        url, key = ["--url", served.address], {"ANTIPHON_ADMIN_KEY": served.admin_key}
        for model in ("kept", "kept", "other"):
            path = f"{served.address}/v1/chat/completions"
            assert httpx2.post(path, json={**ASKED, "model": model}).status_code == 200
        told = configured("cache", "show", *url, **key).stdout
        assert told.startswith("2 answers, ")
        cleared = configured("cache", "clear", "--alias", "kept", *url, **key).stdout
        assert cleared == "1 answers removed\n"
        path = "/api/v1/cache"
        figures = served.get(path, served.admin_key).json()
        assert figures["memory"]["entries"] == 1
        assert [(each["name"], each["hits"]) for each in figures["routes"]] == [
            ("kept", 1),
            ("other", 0),
        ]
        audit = served.get("/api/v1/audit?act=cache.clear", served.admin_key).json()["data"]
        assert [(each["target"], each["details"]) for each in audit] == [
            ("kept", {"alias": "kept"})
        ]


def test_without_a_gateway_there_is_nothing_to_ask(configured):
    told = "stored answers are in the memory of a gateway that runs"
    assert told in configured("cache", "show", status=1).stderr
    assert told in configured("cache", "clear", "--offline", status=2).stderr
