"""S1. The whole HTTP surface, by its own description: schemathesis against a running gateway.

Every path of `/openapi.json`, the doors included, as admin and as nobody. What a simulator
provokes may be a 502, 503, 504 or 529; nothing else of the 500s is ever an answer, and what is
answered is what the document says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import pytest
from hypothesis import settings

from antiphon.server.problems import is_managed
from tests.kills.children import PATIENCE, Nursery
from tests.surface.fuzzing import BEARER, CHECKS, FAULTS, LONG, Surface, running

pytestmark = pytest.mark.campaign
ASKED: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hi"}]},
    "/v1/messages": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 50},
    "/v1/responses": {"input": "Hi"},
    "/api/chat": {"messages": [{"role": "user", "content": "Hi"}]},
    "/api/generate": {"prompt": "Hi"},
}


@pytest.fixture(scope="module")
def surface(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surface]:
    with running(nursery, tmp_path_factory.mktemp("surface")) as surface:
        yield surface


def test_as_admin(surface: Surface, say: Callable[[str], None]):
    done = surface.fuzz(BEARER, LONG)
    say(f"schemathesis: {len(done)} operations, answers {dict(surface.statuses)}")
    assert surface.statuses[200] > 100
    assert surface.statuses[201] > 100
    assert {f"POST {path}" for path in ASKED} <= set(done)
    assert {"POST /v1/messages/count_tokens", "GET /api/v1/status"} <= set(done)


def test_as_the_admin_of_a_tenant(surface: Surface):
    """Writes that a tenant's own administrator may do, and those it may not."""
    made = httpx2.post(
        f"{surface.address}/api/v1/keys", json={"role": "admin"}, headers=BEARER, timeout=PATIENCE
    )
    bearer = {"authorization": f"Bearer {made.json()['key']}"}
    assert surface.fuzz(bearer, settings(LONG, max_examples=100), is_managed)


def test_as_nobody(surface: Surface):
    assert surface.fuzz({}, settings(LONG, max_examples=50))


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_is_provoked_is_described(surface: Surface, path: str, fault: str, stream: bool):
    operation = surface.document[path]["POST"]
    body = {"model": fault, "stream": stream, **ASKED[path]}
    case = operation.Case(body=body, media_type="application/json")
    response = case.call(base_url=surface.address, timeout=PATIENCE)
    case.validate_response(response, checks=CHECKS)


def test_everything_is_described(surface: Surface):
    """Every path that answers something else than 404 is in the document."""
    document = httpx2.get(f"{surface.address}/openapi.json", timeout=PATIENCE).json()
    for path in (
        *ASKED,
        "/v1/messages/count_tokens",
        "/v1/models",
        "/health",
        "/livez",
        "/readyz",
        "/metrics",
    ):
        assert path in document["paths"]
