"""The drawing of one request, character by character."""

from __future__ import annotations

import sys
import time

import msgspec
import pytest

from antiphon.cli.paper import Paper, clean
from antiphon.cli.waterfall import duration, money, waterfall
from antiphon.usage.ledger.facts import AttemptFacts, Failure, RequestFacts
from antiphon.usage.ledger.tables import WORDS

NOTHING = dict.fromkeys(WORDS, 0)
USED = {**NOTHING, "input_tokens": 120, "cache_read_tokens": 80, "output_tokens": 40}


def attempt(number: int, provider: str, begin: float, end: float, **changes: object):
    facts = AttemptFacts(
        number=number,
        provider=provider,
        model="small",
        dialect="openai_chat",
        outcome="refused",
        code="server_error",
        offset_ms=begin,
        first_byte_ms=None,
        duration_ms=end - begin,
        stop="",
        usage=NOTHING,
        cost_usd="0.000000000",
        charge="nothing",
        price="",
        reserved_usd="0.000000000",
    )
    return msgspec.structs.replace(facts, **changes)


FALLBACK = RequestFacts(
    id="req_0123456789ab-0000002a",
    state="finished",
    route="fast",
    dialect="openai_chat",
    dialects=("openai_chat",),
    stream=True,
    status=200,
    outcome="ok",
    error=None,
    cache="none",
    degraded="",
    started="2026-01-31T12:00:00.250000Z",
    ended="2026-01-31T12:00:02.250000Z",
    duration_ms=2000.0,
    first_token_ms=1610.5,
    overhead_ms=500.4,
    warnings=("max_tokens was cut to 4096",),
    key_id="static-1a2b3c4d",
    team="web",
    department="",
    user="app",
    usage=USED,
    cost_usd="0.001230000",
    charge="reported",
    attempts=(
        attempt(1, "one", 0.1, 400.0, first_byte_ms=390.0),
        attempt(2, "second", 400.0, 1000.0, code="connect_timeout", outcome="failed"),
        attempt(
            3,
            "one",
            1500.0,
            2000.0,
            first_byte_ms=100.0,
            outcome="ok",
            code="",
            stop="stop",
            usage=USED,
            cost_usd="0.001230000",
            charge="reported",
        ),
    ),
)

GOLDEN = """\
req_0123456789ab-0000002a
  ok, after 2.00 s, first token after 1.61 s, no provider was waited for during 500 ms
  route fast, openai_chat, a stream, 2026-01-31 12:00:00.250
  key static-1a2b3c4d, team web, user app

  1  one/small     ───────●                                 server_error     400 ms
  2  second/small         ─────────────                     connect_timeout  600 ms
  3  one/small                         ·········──●━━━━━━━  ok               500 ms
                   0                                2.00 s
                   ─ waiting  ● first byte  ━ answering  · pause

  tokens    200 in, 40 out (80 read from the cache)
  cost      $0.00123, reported
  cache     none
  stop      stop
  warning   max_tokens was cut to 4096
"""
ASCII = GOLDEN.translate(str.maketrans("─●━·", "-o=."))

REFUSED = msgspec.structs.replace(
    FALLBACK,
    route="no\x1b[31m-such\nmodel",
    stream=False,
    status=404,
    outcome="failed",
    error=Failure("model_not_found", "The model 'x\x9b2J' does not exist here."),
    duration_ms=0.2,
    first_token_ms=None,
    overhead_ms=0.2,
    warnings=(),
    team="",
    user="",
    usage=NOTHING,
    cost_usd="0.000000000",
    charge="nothing",
    attempts=(),
)
REFUSED_GOLDEN = """\
req_0123456789ab-0000002a
  404 model_not_found, after 0.2 ms, no provider was waited for during 0.2 ms
  route no?[31m-such?model, openai_chat, whole, 2026-01-31 12:00:00.250
  key static-1a2b3c4d

  tokens    0 in, 0 out
  cost      $0
  cache     none
  error     model_not_found: The model 'x?2J' does not exist here.
"""


@pytest.fixture
def paper(monkeypatch):
    def make(columns: int, encoding: str = "utf-8") -> Paper:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TZ", "UTC")
        time.tzset()
        monkeypatch.setattr(type(sys.stdout), "encoding", encoding, raising=False)
        return Paper()

    yield make
    monkeypatch.undo()
    time.tzset()


def drawn(facts: RequestFacts, paper: Paper) -> str:
    return "".join(f"{line}\n" for line in waterfall(facts, paper))


def test_a_fallback_with_waits(paper):
    assert drawn(FALLBACK, paper(83)) == GOLDEN


def test_in_ascii(paper):
    assert drawn(FALLBACK, paper(83, "ascii")) == ASCII


def test_hostile_words(paper):
    assert drawn(REFUSED, paper(80)).replace("\ufffd", "?") == REFUSED_GOLDEN


@pytest.mark.parametrize("columns", [1, 40, 80, 120, 200, 1000])
def test_it_fits_where_it_can(paper, columns):
    bars = [line for line in drawn(FALLBACK, paper(columns)).splitlines() if "/small" in line]
    assert all(len(line) <= max(columns, 60) for line in bars)
    assert {line.rindex(" ms") for line in bars} == {len(bars[0]) - 3}


def test_another_process_runs_it_or_died(paper):
    page = drawn(
        msgspec.structs.replace(
            FALLBACK, state="unfinished", status=None, outcome="", ended=None, charge="nothing"
        ),
        paper(80),
    )
    assert "unfinished, it is not written how it ended" in page


@pytest.mark.parametrize(
    ("attempts", "whole"),
    [
        ((attempt(1, "one", 0.0, 0.0),), 0.0),
        ((attempt(1, "one", 5.0, 5.0, first_byte_ms=0.0),), 5.0),
        ((attempt(1, "one", 0.0, 10.0, first_byte_ms=99.0),), 5.0),
        (tuple(attempt(n, "one", n, n + 0.5) for n in range(1, 21)), 21.0),
    ],
)
def test_odd_times(paper, attempts, whole):
    facts = msgspec.structs.replace(FALLBACK, attempts=attempts, duration_ms=whole)
    page = drawn(facts, paper(80))
    assert page.count("one/small") == len(attempts)
    assert all(len(line) <= 80 for line in page.splitlines()[5:])


def test_durations():
    told = [duration(each) for each in (0.04, 99.9, 100, 999.4, 1000, 61_000, 130_000, 7_200_000)]
    assert told == [
        "0.0 ms",
        "99.9 ms",
        "100 ms",
        "999 ms",
        "1.00 s",
        "61.00 s",
        "2.2 min",
        "120.0 min",
    ]


def test_money():
    assert [money(each) for each in ("0.000000000", "12.500000000", "10.000000001")] == [
        "$0",
        "$12.5",
        "$10.000000001",
    ]


def test_nothing_that_steers_a_terminal_passes():
    assert clean("a\x1b]0;x\x07b\u202ec\r\n\t\x9b1m\u200b").translate({0xFFFD: "?"}) == (
        "a?]0;x?b?c????1m?"
    )
