"""A gateway under a fuzzer that knows its document, and what an answer must be."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from unittest import SkipTest

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
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

PROVOKED = {502, 503, 504, 529}
"""What a provider that fails provokes; nothing else of the 500s is ever an answer."""
CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
LONG = settings(
    max_examples=300,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SHARE = settings(LONG, max_examples=4, derandomize=True, database=None)
FAULTS = ("server-error", "unavailable", "reset", "rate-limited-long", "truncated", "bad-request")
NAMES = ("fast", *FAULTS, "one/sim-large")
BEARER = {"authorization": f"Bearer {ADMIN}"}
_MADE = {
    "/api/v1/organisations": "organisation_id",
    "/api/v1/departments": "department_id",
    "/api/v1/teams": "team_id",
    "/api/v1/users": "user_id",
    "/api/v1/keys": "key_id",
}
"""Where things are made, and what their ids are called in other paths."""
_INNER = {name: name.removesuffix("_id") for name in _MADE.values()}


class Surface:
    """A gateway that runs, and what it was asked.

    Attributes:
        ids: Of what is there, by the names of path parameters.
        statuses: Of its answers.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.statuses: Counter[int] = Counter()
        self.ids: dict[str, list[str]] = {name: [] for name in [*_MADE.values(), "request_id"]}
        self._turns = itertools.count()

    @property
    def document(self) -> schemathesis.BaseSchema:
        return schemathesis.openapi.from_url(f"{self.address}/openapi.json")

    def furnish(self) -> None:
        """Make a few of everything."""
        for path, name in _MADE.items():
            for number in range(3):
                answer = self._post(path, {"name": f"{name} {number}"})
                assert answer.status_code == 201, answer.text
                self.ids[name].append(answer.json()["id"])
        asked = {"model": "fast", "messages": [{"role": "user", "content": "Hi"}]}
        answer = self._post("/v1/chat/completions", asked)
        self.ids["request_id"].append(answer.headers["x-antiphon-request-id"])

    def _post(self, path: str, body: object) -> httpx2.Response:
        return httpx2.post(f"{self.address}{path}", json=body, headers=BEARER, timeout=PATIENCE)

    def fuzz(
        self,
        headers: Mapping[str, str],
        bound: settings,
        chosen: Callable[[str], bool] = lambda _: True,
    ) -> list[str]:
        """Each operation in turn, with what fits its description and with what does not."""
        done: dict[str, None] = {}
        for found in self.document.get_all_operations():
            operation = found.ok()
            if not chosen(operation.path):
                continue
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                ask = partial(self._ask, headers, fits=mode is GenerationMode.POSITIVE)
                cases = operation.as_strategy(generation_mode=mode)
                # Without parameters and body there is nothing that does not fit.
                with contextlib.suppress(Unsatisfiable, SkipTest, pytest.skip.Exception):
                    _each(cases, ask, bound)
                    done[operation.label] = None
        return list(done)

    def _ask(self, headers: Mapping[str, str], case: schemathesis.Case, *, fits: bool) -> None:
        if fits:
            self._aim(case)
        response = case.call(base_url=self.address, headers=dict(headers), timeout=PATIENCE)
        self.statuses[response.status_code] += 1
        assert response.status_code < 500 or response.status_code in PROVOKED, response.content
        case.validate_response(response, checks=CHECKS)
        name = _MADE.get(case.operation.path)
        if response.status_code == 201 and name is not None:
            self.ids[name].append(response.json()["id"])

    def _aim(self, case: schemathesis.Case) -> None:
        """A text that was made up names nothing: two out of three go to what exists."""
        turn = next(self._turns)
        if turn % 3 == 0:
            return
        body = case.body
        if isinstance(body, dict):
            known: dict[str, Sequence[str]] = {"model": NAMES, "name": [f"made up {turn}"]}
            known |= {inner: self.ids[name] for name, inner in _INNER.items()}
            case.body = {
                name: self._one(known[name], turn) if known.get(name) else value
                for name, value in body.items()
            }
        for name in case.path_parameters or {}:
            if self.ids.get(name):
                case.path_parameters[name] = self._one(self.ids[name], turn)

    def _one(self, pool: Sequence[str], turn: int) -> str:
        return pool[turn // 3 % len(pool)]


def _each(
    cases: SearchStrategy[schemathesis.Case],
    ask: Callable[[schemathesis.Case], None],
    bound: settings,
) -> None:
    @bound
    @given(case=cases)
    def fuzz(case: schemathesis.Case) -> None:
        ask(case)

    fuzz()


@contextlib.contextmanager
def running(nursery: Nursery, folder: Path) -> Iterator[Surface]:
    """A gateway in a process of its own, with a provider that fails when it is asked to."""
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
            "fast": {"deployments": ["one/sim-small"], "cache": {"ttl": 60}},
            **{fault: f"one/sim-small+fault:{fault}" for fault in FAULTS},
            "*": {"passthrough": True},
        },
    }
    child: Child = nursery.start(folder, config=config)
    surface = Surface(child.address())
    surface.furnish()
    yield surface
    assert child.waits_for_end() == 0
    assert provider.waits_for_end() == 0
