"""What recorded calls cost: our cost beside that of the library that our rate cards come from.

Both read the same recorded answer. Of the OpenAI chat dialect we count the usage ourselves; of
the other wires, which are not read here yet, the library counts and we only put prices on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from genai_prices import types as theirs
from genai_prices.data import providers as library

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import NotAnAnswer, UpstreamRefused
from antiphon.model.events import UsageReported
from antiphon.model.usage import Usage
from antiphon.providers.catalog import load_catalog
from antiphon.providers.rates import RateCard
from tests.corpus.exchanges import Exchange, read

BILLION = 1_000_000_000
MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)
CHAT = ("openai-chat", "openai-completions")
FLAVORS = {
    "anthropic-messages": ("default",),
    "openai-chat": ("chat", "default"),
    "openai-completions": ("chat", "default"),
    "openai-responses": ("responses", "default"),
    "openai-embeddings": ("embeddings", "chat", "default"),
    "gemini": ("default",),
    "gemini-embed": ("default",),
}
"""Wires, and by which of the library's extractors their usage is read."""
ROWS = {"vertexai": "gemini"}
"""Providers of the recordings that our catalog has under another name."""

CATALOG = load_catalog()
LIBRARY = {provider.id: provider for provider in library}


_DATA = r"^data: ?(\{.*\})\r?$"
EQUAL = "equal"
DIFFERS = "differs"
UNREAD = "a usage that the library cannot read"
NO_USAGE = "an answer without usage"
ONLY_OURS = "a usage that only we read"
ONLY_THEIRS = "a usage that only the library reads"


class UnreadableUsage(Exception):
    """The library's extractor breaks."""


class Compared(NamedTuple):
    """One exchange.

    Attributes:
        outcome: `equal`, `differs`, or why there is nothing to compare.
        model: The name that was asked for, or the answer's own where that alone is known.
        usage: As we count it.
        ours: In billionths of a dollar, rounded up once per word.
        theirs: In billionths of a dollar.
        reason: Why the two differ, or why the library cannot read it; empty where nobody knows.
    """

    exchange: Exchange
    outcome: str
    model: str = ""
    usage: Usage | None = None
    ours: int = 0
    theirs: Decimal = Decimal()
    reason: str = ""


def compare(exchange: Exchange) -> Compared:
    """Price an exchange twice."""
    row = CATALOG.get(ROWS.get(exchange["provider"], exchange["provider"]))
    if exchange["response"]["status"] >= 400:
        return Compared(exchange, "an error")
    if row is None or not row.prices:
        return Compared(exchange, "a provider that our book does not have")
    if exchange["wire"] not in FLAVORS:
        return Compared(exchange, "a wire that is not compared")
    try:
        return _compared(exchange, row.prices, LIBRARY[row.prices[0]])
    except UnreadableUsage:
        return Compared(exchange, UNREAD, reason=NUMBERED)


def _compared(exchange: Exchange, books: Sequence[str], provider: theirs.Provider) -> Compared:
    bodies = list(_bodies(exchange))
    counted = _extracted(provider, exchange["wire"], bodies)
    usage = _ours(exchange) if exchange["wire"] in CHAT else counted and converted(counted)
    if counted is None or usage is None:
        outcome = ONLY_OURS if usage else ONLY_THEIRS if counted else NO_USAGE
        return Compared(exchange, outcome)
    outcome = "a model that neither prices"
    for model in _names(exchange, bodies):
        known = provider.find_model(model, all_providers=library)
        card = CATALOG.prices.quote(books, model, now=MOMENT.timestamp()).card
        if known is not None and card is not None:
            return _priced(exchange, model, (provider, known, counted), (card, usage))
        if card is not None or (known is not None and _has_prices(known)):
            outcome = f"a model that only {'our book' if card else 'the library'} prices"
    return Compared(exchange, outcome)


def _priced(
    exchange: Exchange,
    model: str,
    their_side: tuple[theirs.Provider, theirs.ModelInfo, theirs.Usage],
    our_side: tuple[RateCard, Usage],
) -> Compared:
    provider, known, counted = their_side
    card, usage = our_side
    try:
        price = known.calc_price(counted, provider, genai_request_timestamp=MOMENT)
    except ValueError:
        return Compared(exchange, UNREAD, model, usage, reason=CONTRADICTORY)
    cost = price.total_price * BILLION
    ours = card.cost(usage, at=MOMENT.timestamp())
    words = sum(1 for word in Usage.__struct_fields__ if getattr(usage, word))
    if 0 <= ours - cost < max(words, 1):
        return Compared(exchange, EQUAL, model, usage, ours, cost)
    reason = next((why for why, holds in REASONS.items() if holds(exchange, usage, counted)), "")
    return Compared(exchange, DIFFERS, model, usage, ours, cost, reason)


def _has_prices(model: theirs.ModelInfo) -> bool:
    return any(value is not None for value in vars(model.get_prices(MOMENT)).values())


# ------------------------------------------------------------------ why they differ

NUMBERED = "The answer names modalities by number; the library's extractor takes only words."
CONTRADICTORY = (
    "The provider states more cached tokens than tokens of the prompt. The library refuses such a "
    "usage; we cut a detail to its sum."
)

Holds = Callable[[Exchange, Usage, theirs.Usage], bool]

REASONS: Mapping[str, Holds] = {
    "The provider counts cached tokens in `num_cached_tokens`, which the library does not read: it "
    "charges them in full.": lambda exchange, usage, counted: (
        "num_cached_tokens" in json.dumps(exchange["response"]["body"])
        and usage.cache_read_tokens > counted.reported_value("cache_read_tokens") == 0
    ),
    "Thought stands beside the completion: only `total_tokens` holds it. The library reads no "
    "total and charges nothing for it.": lambda _, usage, counted: (
        usage.total > counted.input_tokens + counted.output_tokens
        and usage.output_total - usage.reasoning_tokens == counted.output_tokens
    ),
    "The provider ran web searches, a cent each. We count tokens only.": lambda _, __, counted: (
        counted.reported_value("web_searches") > 0
    ),
    "Audio that was read from a cache has a price of its own in the library; our words count it as "
    "read from a cache.": lambda _, __, counted: (
        counted.reported_value("cache_audio_read_tokens") > 0
    ),
}
"""Every known cause, and how it is recognised. A difference that none of them explains fails."""


# ------------------------------------------------------------------ reading


def _bodies(exchange: Exchange) -> Iterator[dict[str, Any]]:
    """The objects of an answer, the last one first: usage comes at the end of a stream."""
    body = exchange["response"]["body"]
    if not isinstance(body, str):
        yield body if isinstance(body, dict) else {}
        return
    frames = [json.loads(each) for each in re.findall(_DATA, body, re.MULTILINE)]
    if exchange["wire"] == "anthropic-messages":
        yield _folded(frames)
        return
    for frame in reversed(frames):
        yield frame.get("response") or frame


def _folded(frames: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Anthropic's stream as a whole answer: the usage of its start, and what came over it."""
    message: dict[str, Any] = {}
    for frame in frames:
        if frame["type"] == "message_start":
            message = frame["message"]
        elif frame["type"] == "message_delta":
            said = {name: each for name, each in frame["usage"].items() if each is not None}
            message = {**message, "usage": {**message.get("usage", {}), **said}}
    return message


def _extracted(
    provider: theirs.Provider, wire: str, bodies: Iterable[dict[str, Any]]
) -> theirs.Usage | None:
    flavors = {each.api_flavor: each for each in provider.extractors or ()}
    extractor = next((flavors[name] for name in FLAVORS[wire] if name in flavors), None)
    for body in bodies if extractor else ():
        try:
            return extractor.extract(body)[1]
        except ValueError:
            continue
        except AttributeError as error:
            raise UnreadableUsage from error
    return None


def _names(exchange: Exchange, bodies: list[dict[str, Any]]) -> list[str]:
    """The model that was asked for, then the one that answered: Azure's names are one's own."""
    request = exchange["request"] or {"body": None, "path": ""}
    asked = request["body"].get("model") if isinstance(request["body"], dict) else None
    named = re.search(r"/models/([^:/?]+)", request["path"] or "")
    said = [body.get("model") or body.get("modelVersion") for body in bodies]
    names = [asked, named and named[1], *said]
    return list(dict.fromkeys(str(name) for name in names if name))


def _ours(exchange: Exchange) -> Usage | None:
    body = exchange["response"]["body"]
    if not isinstance(body, str):
        try:
            return OPENAI_CHAT.inspect_reply(json.dumps(body).encode()).usage
        except (NotAnAnswer, UpstreamRefused):
            return None
    raw = body.encode()
    reported = [event for event in read(raw, [len(raw)]) if isinstance(event, UsageReported)]
    return reported[-1].usage if reported else None


def converted(usage: theirs.Usage) -> Usage:
    """The library's inclusive counts in our disjoint words, as a dialect would make them."""
    counts = {key: int(value) for key, value in usage._reported_values().items()}
    written = counts.get("cache_write_tokens", 0)
    hour = min(counts.get("cache_write_1h_tokens", 0), written)
    apart = {
        "cache_read_tokens": counts.get("cache_read_tokens", 0),
        "cache_write_tokens": written - hour,
        "cache_write_1h_tokens": hour,
        "audio_input_tokens": _uncached(counts, "audio"),
        "image_tokens": _uncached(counts, "image"),
    }
    answered = {
        "reasoning_tokens": counts.get("output_reasoning_tokens", 0),
        "audio_output_tokens": counts.get("output_audio_tokens", 0),
    }
    return Usage(
        input_tokens=max(counts.get("input_tokens", 0) - sum(apart.values()), 0),
        output_tokens=max(counts.get("output_tokens", 0) - sum(answered.values()), 0),
        **apart,
        **answered,
    )


def _uncached(counts: dict[str, int], modality: str) -> int:
    whole = counts.get(f"input_{modality}_tokens", 0)
    return whole - counts.get(f"cache_{modality}_read_tokens", 0)


def lines(*files: Path) -> Iterator[Exchange]:
    """The exchanges of some files, each once."""
    seen: set[str] = set()
    for file in files:
        with file.open(encoding="utf-8") as text:
            for exchange in map(json.loads, text):
                if exchange["id"] not in seen:
                    seen.add(exchange["id"])
                    yield exchange


def files_of(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.jsonl") if not file.name.endswith(".truth.jsonl"))
