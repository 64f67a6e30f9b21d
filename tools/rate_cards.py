"""Write `src/antiphon/providers/rates.json` from the library genai-prices.

    python tools/rate_cards.py            writes the file
    python tools/rate_cards.py --check    exits 1 where the file is not what would be written

Only providers that a row of the catalog names are written. Prices become integers, billionths of
a dollar per million tokens, rounded up, under our usage words. What we do not count (searches,
pages, hours of sound) is left out; a model that is sold by nothing else is written with the
reason why it has no price.

The library gives no price a date. Its notes say of some models when they were checked or verified;
that day is written with the model, and the latest of these days with the book.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from importlib import metadata
from pathlib import Path

import msgspec
from genai_prices import types
from genai_prices.data import providers as library

from antiphon.providers.catalog import load_catalog

TARGET = Path(__file__).parent.parent / "src/antiphon/providers/rates.json"

BILLION = 1_000_000_000
WORDS = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
    "input_image_mtok": "image",
}
REQUEST = "requests_kcount"
CHECKED = re.compile(
    r"\b(?:checked|verified)\b[^;()]{0,120}?\b(20\d\d-\d\d-\d\d)(?: and (20\d\d-\d\d-\d\d))?",
    re.IGNORECASE,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    text = render()
    if not parser.parse_args().check:
        TARGET.write_text(text, "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == text:
        return 0
    print(f"{TARGET.name} is not current: run tools/rate_cards.py", file=sys.stderr)
    return 1


def render() -> str:
    """The file, one model a line so that a change of prices can be read as a diff."""
    wanted = {name for row in load_catalog().values() for name in row.prices}
    found = sorted((p for p in library if p.id in wanted), key=lambda p: p.id)
    missing = wanted - {p.id for p in found}
    if missing:
        raise SystemExit(f"genai-prices has no {', '.join(sorted(missing))}")
    books = [f'"{p.id}":[\n' + ",\n".join(line(model) for model in p.models) + "\n]" for p in found]
    latest = max(checked(model) for provider in found for model in provider.models)
    source = f"genai-prices {metadata.version('genai-prices')}"
    notice = "Data of genai-prices, MIT License, (c) Pydantic Services Inc. 2025 to present"
    return (
        f'{{"source":"{source}",\n"checked":"{latest}",\n"notice":"{notice}",\n"providers":{{\n'
        + ",\n".join(books)
        + "\n}}\n"
    )


def line(model: types.ModelInfo) -> str:
    row: dict[str, object] = {"match": list(tests(model.match))}
    if model.context_window:
        row["context"] = model.context_window
    terms = [term(condition) for condition in conditions(model)]
    if any(set(tier) - {"above"} for found in terms for tier in found["tiers"]):
        row["terms"] = terms
    else:
        row["unpriced"] = "it is not sold by the token: " + ", ".join(
            sorted(units(model)) or ["no price is published"]
        )
    if checked(model):
        row["checked"] = checked(model)
    return msgspec.json.encode(row).decode()


def checked(model: types.ModelInfo) -> str:
    """The last day of which the library's notes say that this model was looked at."""
    days = (day for found in CHECKED.findall(model.price_comments or "") for day in found)
    return max(days, default="")


def conditions(model: types.ModelInfo) -> list[types.ConditionalPrice]:
    if isinstance(model.prices, types.ModelPrice):
        return [types.ConditionalPrice(prices=model.prices)]
    first = model.prices[0]
    if first.constraint is None:
        return model.prices
    # The library takes the first where none holds.
    return [types.ConditionalPrice(prices=first.prices), *model.prices]


def term(condition: types.ConditionalPrice) -> dict[str, object]:
    found: dict[str, object] = {}
    match condition.constraint:
        case types.StartDateConstraint(start_date=day):
            found["since"] = day.isoformat()
        case types.TimeOfDateConstraint(start_time=start, end_time=end):
            assert not start.utcoffset()
            assert not end.utcoffset()
            found["hours"] = [t.hour * 3600 + t.minute * 60 + t.second for t in (start, end)]
        case _:
            pass
    return {**found, "tiers": tiers(condition.prices)}


def tiers(prices: types.ModelPrice) -> list[dict[str, int]]:
    given = {key: value for key, value in prices.__dict__.items() if value is not None}
    starts = {
        tier.start
        for key, value in given.items()
        if key in WORDS and isinstance(value, types.TieredPrices)
        for tier in value.tiers
    }
    made: list[dict[str, int]] = []
    for above in sorted({0} | starts):
        tier = {"above": above} if above else {}
        for key, value in given.items():
            if key in WORDS:
                tier[WORDS[key]] = math.ceil(at(value, above) * BILLION)
            elif key == REQUEST:
                tier["request"] = math.ceil(at(value, above) * BILLION / 1000)
        made.append(tier)
    return made


def at(value: Decimal | types.TieredPrices, above: int) -> Decimal:
    if isinstance(value, Decimal):
        return value
    price = value.base
    for tier in value.tiers:
        if above >= tier.start:
            price = tier.price
    return price


def units(model: types.ModelInfo) -> set[str]:
    return {
        key
        for condition in conditions(model)
        for key, value in condition.prices.__dict__.items()
        if value is not None
    }


def tests(clause: object) -> Iterator[str]:
    match clause:
        case types.ClauseEquals(equals=text):
            yield "=" + text.lower()
        case types.ClauseStartsWith(starts_with=text):
            yield "^" + text.lower()
        case types.ClauseEndsWith(ends_with=text):
            yield "$" + text.lower()
        case types.ClauseContains(contains=text):
            yield "~" + text.lower()
        case types.ClauseRegex(regex=text):
            yield "/" + text
        case types.ClauseOr(or_=parts):
            for part in parts:
                yield from tests(part)
        case types.ClauseAnd(and_=parts):
            yield "&" + msgspec.json.encode([one(part) for part in parts]).decode()
        case _:
            raise SystemExit(f"unknown clause {clause!r}")


def one(clause: object) -> str:
    found = list(tests(clause))
    if len(found) != 1:
        raise SystemExit(f"{clause!r} stands for more than one test")
    return found[0]


if __name__ == "__main__":
    sys.exit(main())
