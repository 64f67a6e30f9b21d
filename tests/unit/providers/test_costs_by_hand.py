"""Ten cases for each usage word and for the price of a request, every expected cost worked out.

The rate cards come from a library, and so does the arithmetic that they are compared with. Here
neither has a part: the prices are typed in, and the sums were done on paper. A dollar per million
tokens is 1,000 billionths of a dollar per token, so a cost is tokens x dollars x 1,000.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from antiphon.model.usage import Usage
from antiphon.providers.config import PriceSettings
from antiphon.providers.rates import Prices, RateCard, Term, Tier

EVENING = (16 * 3600 + 1800, 1800)
"""From 16:30 to 00:30 UTC."""


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def prices(**dollars: str) -> Prices:
    return Prices.of(PriceSettings.model_validate(dollars).in_billionths())


def card(*terms: Term) -> RateCard:
    return RateCard(terms, "by hand")


def always(**dollars: str) -> RateCard:
    return card(Term((Tier(0, prices(**dollars)),)))


BARE = always(input="2", output="8")
KIN = always(input="2", cache_write="2.50", output="8")
FULL_PRICES = {
    "input": "3",
    "cache_read": "0.30",
    "cache_write": "3.75",
    "cache_write_1h": "6",
    "output": "15",
    "reasoning": "18",
    "audio_input": "32",
    "audio_output": "64",
    "image": "5",
}
FULL = always(**FULL_PRICES)
FINE = always(
    input="0.0375",
    cache_read="0.00375",
    cache_write="0.046875",
    cache_write_1h="0.0751",
    output="0.1125",
    reasoning="0.2255",
    audio_input="0.3333",
    audio_output="0.7777",
    image="0.0099",
)
LONG = card(
    Term(
        (
            Tier(0, prices(**FULL_PRICES)),
            Tier(
                200_000,
                prices(
                    input="6",
                    cache_read="0.60",
                    cache_write="7.50",
                    cache_write_1h="12",
                    output="22.50",
                    reasoning="27",
                    audio_input="64",
                    audio_output="96",
                    image="10",
                ),
            ),
        )
    )
)
NIGHT = card(
    Term((Tier(0, prices(input="0.56", cache_read="0.07", output="1.68")),)),
    Term((Tier(0, prices(input="0.28", cache_read="0.035", output="0.84")),), hours=EVENING),
)
NEW_YEAR = at("2027-01-01")
LATER = card(
    Term(
        (
            Tier(
                0,
                prices(
                    input="1",
                    cache_read="0.10",
                    cache_write="1.25",
                    cache_write_1h="2",
                    output="5",
                    audio_input="4",
                    audio_output="8",
                    image="2",
                ),
            ),
        )
    ),
    Term(
        (
            Tier(
                0,
                prices(
                    input="1.50",
                    cache_read="0.15",
                    cache_write="1.875",
                    cache_write_1h="3",
                    output="7.50",
                    audio_input="6",
                    audio_output="12",
                    image="3",
                ),
            ),
        ),
        since=NEW_YEAR,
    ),
)
SEARCH = always(input="1", output="1", request="0.005")
LONG_SEARCH = card(
    Term(
        (
            Tier(0, prices(input="1", output="1", request="0.006")),
            Tier(200_000, prices(input="2", output="2", request="0.012")),
        )
    )
)
NIGHT_SEARCH = card(
    Term((Tier(0, prices(input="0", output="0", request="0.002")),)),
    Term((Tier(0, prices(input="0", output="0", request="0.001")),), hours=EVENING),
)
LATER_SEARCH = card(
    Term((Tier(0, prices(input="0", output="0", request="0.010")),)),
    Term((Tier(0, prices(input="0", output="0", request="0.012")),), since=NEW_YEAR),
)

LAST_SECOND = at("2026-12-31T23:59:59")
NOON = at("2026-11-26T12:00:00")

Case = tuple[RateCard, dict[str, int], float | None, int]

CASES: dict[str, list[Case]] = {
    "input_tokens": [
        (FULL, {"input": 1}, None, 3_000),  # 1 x 3,000
        (FULL, {"input": 1_234}, None, 3_702_000),  # 1,234 x 3,000
        (FINE, {"input": 1}, None, 38),  # 37.5, up
        (FINE, {"input": 3}, None, 113),  # 112.5, up
        (FINE, {"input": 2}, None, 75),  # 2 x 37.5
        (LONG, {"input": 200_000}, None, 600_000_000),  # at the border: 200,000 x 3,000
        (LONG, {"input": 200_001}, None, 1_200_006_000),  # above: 200,001 x 6,000, every token
        # 199,999 x 6,000 = 1,199,994,000; 2 x 600: the cache counts towards the length
        (LONG, {"input": 199_999, "cache_read": 2}, None, 1_199_995_200),
        (NIGHT, {"input": 1_000}, at("2026-11-26T17:00:00"), 280_000),  # 1,000 x 280
        (LATER, {"input": 1_000}, NEW_YEAR, 1_500_000),  # 1,000 x 1,500
    ],
    "cache_read_tokens": [
        (FULL, {"cache_read": 1}, None, 300),  # 1 x 300
        (FULL, {"cache_read": 98_765}, None, 29_629_500),  # 98,765 x 300
        (FINE, {"cache_read": 1}, None, 4),  # 3.75, up
        (FINE, {"cache_read": 5}, None, 19),  # 18.75, up
        (FINE, {"cache_read": 4}, None, 15),  # 4 x 3.75
        (LONG, {"cache_read": 200_000}, None, 60_000_000),  # 200,000 x 300
        (LONG, {"cache_read": 200_001}, None, 120_000_600),  # 200,001 x 600
        # 150,000 x 600 = 90,000,000; 50,001 x 6,000 = 300,006,000
        (LONG, {"cache_read": 150_000, "input": 50_001}, None, 390_006_000),
        (NIGHT, {"cache_read": 1_000}, NOON, 70_000),  # 1,000 x 70
        (BARE, {"cache_read": 500}, None, 1_000_000),  # no price of its own: 500 x 2,000
    ],
    "cache_write_tokens": [
        (FULL, {"cache_write": 1}, None, 3_750),  # 1 x 3,750
        (FULL, {"cache_write": 2_048}, None, 7_680_000),  # 2,048 x 3,750
        (FINE, {"cache_write": 1}, None, 47),  # 46.875, up
        (FINE, {"cache_write": 3}, None, 141),  # 140.625, up
        (FINE, {"cache_write": 8}, None, 375),  # 8 x 46.875
        (LONG, {"cache_write": 200_000}, None, 750_000_000),  # 200,000 x 3,750
        (LONG, {"cache_write": 200_001}, None, 1_500_007_500),  # 200,001 x 7,500
        # together at the border: 100,000 x 3,750 = 375,000,000; 100,000 x 300 = 30,000,000
        (LONG, {"cache_write": 100_000, "cache_read": 100_000}, None, 405_000_000),
        (LATER, {"cache_write": 1_000}, LAST_SECOND, 1_250_000),  # 1,000 x 1,250
        (BARE, {"cache_write": 500}, None, 1_000_000),  # 500 x 2,000
    ],
    "cache_write_1h_tokens": [
        (FULL, {"cache_write_1h": 1}, None, 6_000),  # 1 x 6,000
        (FULL, {"cache_write_1h": 3_333}, None, 19_998_000),  # 3,333 x 6,000
        (FINE, {"cache_write_1h": 1}, None, 76),  # 75.1, up
        (FINE, {"cache_write_1h": 9}, None, 676),  # 675.9, up
        (FINE, {"cache_write_1h": 10}, None, 751),  # 10 x 75.1
        (LONG, {"cache_write_1h": 200_000}, None, 1_200_000_000),  # 200,000 x 6,000
        (LONG, {"cache_write_1h": 200_001}, None, 2_400_012_000),  # 200,001 x 12,000
        # both kinds of writing: 7 x 3,750 = 26,250; 11 x 6,000 = 66,000
        (FULL, {"cache_write": 7, "cache_write_1h": 11}, None, 92_250),
        (LATER, {"cache_write_1h": 1_000}, NEW_YEAR, 3_000_000),  # 1,000 x 3,000
        (KIN, {"cache_write_1h": 400}, None, 1_000_000),  # what writing costs: 400 x 2,500
    ],
    "output_tokens": [
        (FULL, {"output": 1}, None, 15_000),  # 1 x 15,000
        (FULL, {"output": 777}, None, 11_655_000),  # 777 x 15,000
        (FINE, {"output": 1}, None, 113),  # 112.5, up
        (FINE, {"output": 3}, None, 338),  # 337.5, up
        (FINE, {"output": 4}, None, 450),  # 4 x 112.5
        # at the border: 200,000 x 3,000 = 600,000,000; 10 x 15,000 = 150,000
        (LONG, {"input": 200_000, "output": 10}, None, 600_150_000),
        # above it the answer is dearer too: 200,001 x 6,000 = 1,200,006,000; 10 x 22,500 = 225,000
        (LONG, {"input": 200_001, "output": 10}, None, 1_200_231_000),
        (LONG, {"output": 300_000}, None, 4_500_000_000),  # only the prompt is long: 15,000 each
        (NIGHT, {"output": 1_000}, at("2026-11-26T00:29:59"), 840_000),  # 1,000 x 840
        (NIGHT, {"output": 1_000}, at("2026-11-26T00:30:00"), 1_680_000),  # the night is over
    ],
    "reasoning_tokens": [
        (FULL, {"reasoning": 1}, None, 18_000),  # 1 x 18,000
        (FULL, {"reasoning": 2_500}, None, 45_000_000),  # 2,500 x 18,000
        (FINE, {"reasoning": 1}, None, 226),  # 225.5, up
        (FINE, {"reasoning": 3}, None, 677),  # 676.5, up
        (FINE, {"reasoning": 2}, None, 451),  # 2 x 225.5
        # 600,000,000 for the prompt; 100 x 18,000 = 1,800,000
        (LONG, {"input": 200_000, "reasoning": 100}, None, 601_800_000),
        # 1,200,006,000 for the prompt; 100 x 27,000 = 2,700,000
        (LONG, {"input": 200_001, "reasoning": 100}, None, 1_202_706_000),
        (FINE, {"output": 1, "reasoning": 1}, None, 339),  # each up by itself: 113 + 226
        (BARE, {"reasoning": 250}, None, 2_000_000),  # 250 x 8,000
        (NIGHT, {"reasoning": 100}, None, 168_000),  # no hour given, the dearest: 100 x 1,680
    ],
    "audio_input_tokens": [
        (FULL, {"audio_input": 1}, None, 32_000),  # 1 x 32,000
        (FULL, {"audio_input": 1_500}, None, 48_000_000),  # 1,500 x 32,000
        (FINE, {"audio_input": 1}, None, 334),  # 333.3, up
        (FINE, {"audio_input": 7}, None, 2_334),  # 2,333.1, up
        (FINE, {"audio_input": 10}, None, 3_333),  # 10 x 333.3
        (LONG, {"audio_input": 200_000}, None, 6_400_000_000),  # 200,000 x 32,000
        (LONG, {"audio_input": 200_001}, None, 12_800_064_000),  # 200,001 x 64,000
        (LATER, {"audio_input": 1_000}, LAST_SECOND, 4_000_000),  # 1,000 x 4,000
        (LATER, {"audio_input": 1_000}, NEW_YEAR, 6_000_000),  # 1,000 x 6,000
        (BARE, {"audio_input": 500}, None, 1_000_000),  # 500 x 2,000
    ],
    "audio_output_tokens": [
        (FULL, {"audio_output": 1}, None, 64_000),  # 1 x 64,000
        (FULL, {"audio_output": 1_111}, None, 71_104_000),  # 1,111 x 64,000
        (FINE, {"audio_output": 1}, None, 778),  # 777.7, up
        (FINE, {"audio_output": 9}, None, 7_000),  # 6,999.3, up
        (FINE, {"audio_output": 10}, None, 7_777),  # 10 x 777.7
        # 200,000 x 32,000 = 6,400,000,000; 2 x 64,000 = 128,000
        (LONG, {"audio_input": 200_000, "audio_output": 2}, None, 6_400_128_000),
        # 200,001 x 64,000 = 12,800,064,000; 2 x 96,000 = 192,000
        (LONG, {"audio_input": 200_001, "audio_output": 2}, None, 12_800_256_000),
        (LONG, {"audio_output": 400_000}, None, 25_600_000_000),  # 400,000 x 64,000
        (LATER, {"audio_output": 1_000}, NEW_YEAR, 12_000_000),  # 1,000 x 12,000
        (BARE, {"audio_output": 125}, None, 1_000_000),  # 125 x 8,000
    ],
    "image_tokens": [
        (FULL, {"image": 1}, None, 5_000),  # 1 x 5,000
        (FULL, {"image": 1_290}, None, 6_450_000),  # 1,290 x 5,000
        (FINE, {"image": 1}, None, 10),  # 9.9, up
        (FINE, {"image": 11}, None, 109),  # 108.9, up
        (FINE, {"image": 10}, None, 99),  # 10 x 9.9
        (LONG, {"image": 200_000}, None, 1_000_000_000),  # 200,000 x 5,000
        (LONG, {"image": 200_001}, None, 2_000_010_000),  # 200,001 x 10,000
        # each up by itself: 10 + 38 + 334
        (FINE, {"image": 1, "input": 1, "audio_input": 1}, None, 382),
        (LATER, {"image": 1_000}, LAST_SECOND, 2_000_000),  # 1,000 x 2,000
        (BARE, {"image": 3}, None, 6_000),  # 3 x 2,000
    ],
    "request": [
        (SEARCH, {}, None, 5_000_000),  # half a cent is 5,000,000 billionths
        (SEARCH, {"input": 100, "output": 50}, None, 5_150_000),  # + 100 x 1,000 + 50 x 1,000
        (SEARCH, {"input": 1_000_000}, None, 1_005_000_000),  # + a dollar
        (LONG_SEARCH, {"input": 200_000}, None, 206_000_000),  # 6,000,000 + 200,000 x 1,000
        (LONG_SEARCH, {"input": 200_001}, None, 412_002_000),  # 12,000,000 + 200,001 x 2,000
        (NIGHT_SEARCH, {"input": 9}, NOON, 2_000_000),
        (NIGHT_SEARCH, {"input": 9}, at("2026-11-26T16:30:00"), 1_000_000),
        (LATER_SEARCH, {"output": 9}, LAST_SECOND, 10_000_000),
        (LATER_SEARCH, {"output": 9}, NEW_YEAR, 12_000_000),
        # 1.5 billionths, up
        (always(input="0", output="0", request="0.0000000015"), {}, None, 2),
    ],
}


def test_there_are_ten_for_each_word() -> None:
    assert {word: len(cases) for word, cases in CASES.items()} == dict.fromkeys(
        (*Usage.__struct_fields__, "request"), 10
    )
    for word, cases in CASES.items():
        name = word.removesuffix("_tokens")
        assert all(name in usage for _, usage, _, _ in cases) or name == "request"


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=f"{word}-{number}")
        for word, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_a_cost(case: Case) -> None:
    rates, usage, moment, cost = case
    counted = Usage(**{f"{word}_tokens": count for word, count in usage.items()})
    assert rates.cost(counted, at=moment) == cost
    assert cost <= rates.bound(counted.input_total, counted.output_total)
