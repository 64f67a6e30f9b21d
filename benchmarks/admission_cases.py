"""What a key and limits cost a whole request: setups as in `hot_cases`."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Callable

from antiphon.access.callers import Callers
from antiphon.access.desk import Access
from antiphon.access.keys import StaticKeys
from antiphon.access.walls import operator_here
from antiphon.clock import SystemClock
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.gateway.books import SCHEMAS
from antiphon.gateway.gateway import Antiphon
from antiphon.limits.config import LimitsSettings, of_section
from antiphon.limits.limits import Limits
from antiphon.model.principal import HOME, Principal
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.limiting import Limiting, leave
from antiphon.pipeline.turns import Turns
from antiphon.server.rates import rate_lines
from antiphon.storage.database import Database
from antiphon.telemetry.metrics import Metrics

Timed = Callable[[], object]
Setup = Callable[[], Timed]
Asked = Callable[[Antiphon, Principal], Exchange]

_BOB = Principal(
    key_id="key_0123456789abcdef",
    team="web",
    user="bob",
    subject="sub_b",
    organisation="org_default",
)
_RULES = [
    {"scope": "key", "requests": 10**9, "tokens": 10**12, "concurrency": 1000},
    {"scope": "team", "requests": 10**9, "tokens": 10**12},
    {"scope": "deployment", "requests": 10**9, "tokens": 10**12},
]


def admission_cases(gateway: Callable[[], Antiphon], asked: Asked) -> dict[str, Setup]:
    """The cases, by name."""

    def asks(served: Antiphon, limiting: Limiting | None = None) -> Exchange:
        exchange = asked(served, _BOB)
        exchange.plan = served.snapshot.plan("bench")
        if limiting is not None:
            limiting.admit(exchange, exchange.plan)
        return exchange

    def limiting(served: Antiphon) -> Limiting:
        settings = LimitsSettings.model_validate({"rules": _RULES})
        limits = Limits(settings, of_section(settings, {}), clock=served.clock)
        return Limiting(limits, {}, metrics=Metrics(), clock=served.clock)

    def admitted() -> Timed:
        """`pipeline.limiting`: five limits of a caller, estimated, taken and settled."""
        served = gateway()
        limits, exchange = limiting(served), asks(served)
        plan = exchange.plan
        assert plan is not None

        def admit() -> None:
            limits.admit(exchange, plan)
            leave(exchange)

        return admit

    def attempted() -> Timed:
        """`pipeline.turns`: two limits of a deployment, taken and settled."""
        served = gateway()
        limits = limiting(served)
        exchange = asks(served, limits)
        (deployment,) = served.deployments()

        def attempt() -> None:
            turns = Turns(limits, exchange, served.clock)
            turns.takes(deployment)
            turns.close()

        return attempt

    def shown() -> Timed:
        """`server.rates`: the rate headers."""
        served = gateway()
        exchange = asks(served, limiting(served))
        limited = exchange.limited
        assert limited is not None
        return lambda: rate_lines(limited, OPENAI_CHAT, 1_790_164_800.0)

    return {
        "access.callers": known,
        "limits.admitted": admitted,
        "limits.attempted": attempted,
        "limits.shown": shown,
    }


def known() -> Timed:
    """`access.callers`: who is calling, of a key in the database that is in use."""
    folder = tempfile.mkdtemp(prefix="antiphon-bench-")
    atexit.register(shutil.rmtree, folder)
    clock = SystemClock()
    database = Database(f"sqlite:///{folder}/antiphon.db", SCHEMAS)
    desk = Access.open(database, clock=clock).at(operator_here(), HOME)
    key = desk.keys.create().secret.reveal().encode()
    callers, keys = Callers(required=True, clock=clock), StaticKeys(())
    callers.open(database)
    asyncio.run(callers.principal(keys, key))
    return lambda: callers.known(keys, key)
