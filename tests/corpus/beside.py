"""What becomes of recorded requests beside the answers: for vectors, and to count a prompt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from tests.corpus import counts, embeddings
from tests.corpus.exchanges import Exchange, exchanges_of

CHECKS: Final[dict[str, Callable[[Exchange], str]]] = {
    **dict.fromkeys(embeddings.WIRES, embeddings.check),
    **dict.fromkeys(counts.WIRES, counts.check),
}
NAMES: Final = {
    "openai-embeddings": "vectors, OpenAI",
    "gemini-embed": "vectors, Gemini",
    "anthropic-count": "counts, Messages",
    "gemini-count": "counts, Gemini",
}
ERROR: Final = "error"


class Beside(Struct, frozen=True):
    """One exchange; `is_fine` says that it is read, and written again in every shape."""

    wire: str
    provider: str
    is_error: bool
    is_fine: bool


def seen_in(folder: Path) -> list[Beside]:
    """Every such exchange of a file or a folder, each once."""
    files = [file for file in folder.glob("*.jsonl") if not file.name.endswith(".truth.jsonl")]
    return [_look(one) for wire in CHECKS for one in exchanges_of(*sorted(files), wire=wire)]


def _look(exchange: Exchange) -> Beside:
    wire, provider = exchange["wire"], exchange["provider"]
    try:
        kind = CHECKS[wire](exchange)
    except Exception:  # noqa: BLE001 - whatever it is, it was not read
        return Beside(wire, provider, exchange["response"]["status"] >= 400, is_fine=False)
    return Beside(wire, provider, kind == ERROR, is_fine=True)


def lines(seen: list[Beside], row: Callable[..., str]) -> Iterator[str]:
    """The table."""
    yield "\n## Vectors and counts\n"
    yield "Read, and for vectors written in every other shape that has a word for what is asked.\n"
    yield row("What", "Provider", "exchanges", "errors", "read and written")
    yield row(*["---"] * 5)
    keys: Any = sorted({(one.wire, one.provider) for one in seen}, key=_place)
    for wire, provider in keys:
        ours = [one for one in seen if (one.wire, one.provider) == (wire, provider)]
        errors, fine = (sum(getattr(one, name) for one in ours) for name in ("is_error", "is_fine"))
        yield row(NAMES[wire], provider, len(ours), errors, fine)


def _place(key: tuple[str, str]) -> tuple[int, str]:
    return [*CHECKS].index(key[0]), key[1]
