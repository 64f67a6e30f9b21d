"""One gateway for all tests of the walls: what one leaves behind is another tenant to the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kills.children import Nursery
from tests.kills.workload import ADMIN
from tests.walls.tenants import STATIC, Gateway


@pytest.fixture(scope="module")
def gateway(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("walls")
    provider = nursery.start(folder, "simulate")
    config = {
        "server": {"port": 0, "drain_seconds": 1},
        "auth": {
            "required": True,
            "admin_key": ADMIN,
            "keys": [{"key": STATIC.text, "team": "web", "user": "canary000q"}],
        },
        "storage": {"data_dir": str(folder)},
        "providers": {
            "lab": {
                "dialect": "openai_chat",
                "base_url": f"{provider.address()}/v1",
                "api_key": "sk-upstream",
            }
        },
        "models": {"fast": {"deployments": ["lab/sim-small"], "cache": {"ttl": 60}}},
    }
    child = nursery.start(folder, config=config)
    running = Gateway(child.address())
    yield running
    running.close()
    assert child.waits_for_end() == 0
    assert provider.waits_for_end() == 0
