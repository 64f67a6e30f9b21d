"""S1. The whole HTTP surface, by its own description: schemathesis against a running gateway.

Every path of `/openapi.json`, the doors included, as admin and as nobody. What a simulator
provokes may be a 502, 503, 504 or 529; nothing else of the 500s is ever an answer, and what is
answered is what the document says.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple
from unittest import SkipTest

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.kills.children import PATIENCE, Child, Nursery
from tests.kills.workload import ADMIN

pytestmark = pytest.mark.campaign
PROVOKED = {502, 503, 504, 529}
CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
LONG = settings(
    max_examples=400,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
ASKED: dict[str, dict[str, object]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hi"}]},
    "/v1/messages": {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 50},
    "/v1/responses": {"input": "Hi"},
    "/api/chat": {"messages": [{"role": "user", "content": "Hi"}]},
    "/api/generate": {"prompt": "Hi"},
}
FAULTS = ("server-error", "unavailable", "reset", "rate-limited-long", "truncated", "bad-request")
NAMES = ("fast", *FAULTS, "one/sim-large")


class Surface(NamedTuple):
    """A gateway that runs for the module, and what it was asked."""

    address: str
    child: Child
    statuses: Counter[int]


@pytest.fixture(scope="module")
def surface(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surface]:
    folder = tmp_path_factory.mktemp("surface")
    provider = nursery.start(folder, "simulate")
    base = provider.address()
    config = {
        "server": {"port": 0, "drain_seconds": 1},
        "auth": {"admin_key": ADMIN},
        "storage": {"data_dir": str(folder)},
        "providers": {
            "one": {"dialect": "openai_chat", "base_url": f"{base}/v1", "api_key": "sk-upstream"}
        },
        "models": {
            "fast": "one/sim-small",
            **{fault: f"one/sim-small+fault:{fault}" for fault in FAULTS},
            "*": {"passthrough": True},
        },
    }
    child = nursery.start(folder, config=config)
    yield Surface(child.address(), child, Counter())
    assert child.waits_for_end() == 0
    assert provider.waits_for_end() == 0


@pytest.fixture(scope="module")
def document(surface: Surface) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{surface.address}/openapi.json")


def fuzzed(
    document: schemathesis.BaseSchema, surface: Surface, headers: dict[str, str], bound: settings
) -> list[str]:
    """Each operation in turn, with what fits its description and with what does not."""
    done: dict[str, None] = {}
    for found in document.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @bound
            @given(case=operation.as_strategy(generation_mode=mode))
            def fuzz(case: schemathesis.Case) -> None:
                checked(case, surface, headers)

            # Without parameters and body there is nothing that does not fit.
            with contextlib.suppress(Unsatisfiable, SkipTest, pytest.skip.Exception):
                fuzz()
                done[operation.label] = None
    return list(done)


def test_as_admin(document: schemathesis.BaseSchema, surface: Surface, say: Callable[[str], None]):
    done = fuzzed(document, surface, {"authorization": f"Bearer {ADMIN}"}, LONG)
    say(f"schemathesis: {len(done)} operations, answers {dict(surface.statuses)}")
    assert surface.statuses[200] > 100
    assert {f"POST {path}" for path in ASKED} <= set(done)
    assert {"POST /v1/messages/count_tokens", "GET /api/v1/status"} <= set(done)


def test_as_nobody(document: schemathesis.BaseSchema, surface: Surface):
    assert fuzzed(document, surface, {}, settings(LONG, max_examples=50))


def checked(case: schemathesis.Case, surface: Surface, headers: dict[str, str]) -> None:
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("model"), str) and len(body["model"]) % 3:
        # A text that was made up names no model: two out of three go to one that exists.
        case.body = {**body, "model": NAMES[len(body["model"]) % len(NAMES)]}
    response = case.call(base_url=surface.address, headers=headers, timeout=PATIENCE)
    surface.statuses[response.status_code] += 1
    assert response.status_code < 500 or response.status_code in PROVOKED, response.content
    case.validate_response(response, checks=CHECKS)


@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_is_provoked_is_described(
    surface: Surface, document: object, path: str, fault: str, stream: bool
):
    operation = document[path]["POST"]
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
