"""What limits have counted is what the ledger has, however requests ended."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest

from antiphon.usage.ledger.tables import WORDS
from tests.server.every_path import PRICED, ROUTES, SPECS, EveryPath
from tests.server.limited import AUTH
from tests.server.stage import KEY, stage

REQUESTS, TOKENS, DOLLARS, CONCURRENCY = range(4)
LOTS = {"requests": 10_000, "tokens": 10**9, "dollars": 10**6, "concurrency": 50, "per": "day"}


@pytest.mark.parametrize("reserve", ["likely", "most"])
async def test_sums_are_those_of_the_ledger(tmp_path, reserve):
    scopes = ("key", "team", "organisation", "provider", "provider_key")
    rules = [{"scope": each, "reserve": reserve, **LOTS} for each in scopes]
    rules.append({"scope": "deployment", "share": "total", "reserve": reserve, **LOTS})
    async with stage(
        tmp_path,
        list(SPECS),
        provider={"models": PRICED},
        providers_of={"two": {"api_key": "sk-other"}},
        models=ROUTES,
        auth=AUTH,
        limits={"rules": rules},
    ) as road:
        await EveryPath(road, headers={"authorization": f"Bearer {KEY}"}).walk()
        await road.at_rest()
        assert await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
        sums: dict[tuple[str, int], int] = {}
        for each in road.gateway.limits.meters:
            scope, amount = each.key[0], each.key[3]
            amount = {4: TOKENS, 5: DOLLARS}.get(amount, amount)
            sums[scope, amount] = sums.get((scope, amount), 0) + each.total
    with closing(sqlite3.connect(tmp_path / "antiphon.db")) as database:
        tokens, cost, attempts, requests = database.execute(
            f"SELECT sum({' + '.join(WORDS)}), sum(cost), count(*), count(DISTINCT request_id)"
            " FROM attempts"
        ).fetchone()
    assert tokens > 500
    assert attempts > requests > 8
    for scope in (*scopes, "deployment"):
        assert sums[scope, TOKENS] == tokens, scope
        assert sums[scope, DOLLARS] == cost, scope
        assert sums[scope, CONCURRENCY] == 0, scope
        asked = requests if scope in {"key", "team", "organisation"} else attempts
        assert sums[scope, REQUESTS] == asked, scope
