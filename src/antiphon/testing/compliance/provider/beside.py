"""What stands beside answers: lists of models, counts of tokens, vectors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from antiphon.dialects.registry import EMBEDDING_AT
from antiphon.model.embedding import EmbedRequest
from antiphon.testing import trees
from antiphon.testing.compliance.findings import Broken, Findings, NotSupported, holds, shown
from antiphon.testing.compliance.provider import questions
from antiphon.testing.compliance.provider.live import Live

_TEXTS: Final = ("one é", "two 🌍")
_NAMES: Final = ("id", "name", "model")
_OK: Final = range(200, 300)


async def models(live: Live, found: Findings) -> None:
    """The model stands in the list of models."""
    with found.trying("the list"):
        content = trees.parse(await _optional(live, "GET", live.base + live.dialect.listing))
        names = set(_names(content))
        holds(names, "names of models", content)
        model = live.place.model.partition("+")[0]
        ends = (f"/{model}", f"{model}:latest")
        listed = model in names or any(name.endswith(ends) for name in names)
        holds(listed, f"{model} among them", sorted(names)[:20])


async def counted(live: Live, found: Findings) -> None:
    """The tokens of a prompt are counted as its answer counts them."""
    with found.trying("a short question"):
        model = live.place.model
        path = live.dialect.counting_path(model)
        if not path:
            raise NotSupported("the dialect has no such endpoint")
        asked = questions.ask(model, "Answer with the word pong.")
        body = live.dialect.count_request(live.members(asked), model).encode()
        count = live.dialect.read_count(await _optional(live, "POST", live.base + path, body))
        usage = (await live.whole(asked)).usage
        told = 0 if usage is None else usage.input_total
        holds(abs(count - told) <= max(16, told // 5), f"about {told}, as the answer says", count)


async def vectors(live: Live, found: Findings) -> None:
    """Two texts become two vectors of one length, of finite numbers."""
    with found.trying("two texts"):
        shape, model = EMBEDDING_AT.get(live.dialect.name), live.place.embedding_model
        if shape is None or not model:
            raise NotSupported("no model for vectors is named" if shape else "not in this dialect")
        shape = shape.shape_for(len(_TEXTS))
        path = shape.target_path(model, stream=False)
        body = shape.write_request(EmbedRequest(model, _TEXTS), model).encode()
        content = trees.parse(await _optional(live, "POST", live.base + path, body))
        found_vectors = [node for _, node in trees.walk(content) if _is_vector(node)]
        holds(len(found_vectors) == 2, "two vectors", len(found_vectors))  # noqa: PLR2004
        lengths = {len(each) for each in found_vectors if isinstance(each, list)}
        holds(len(lengths) == 1, "vectors of one length", sorted(lengths))


async def _optional(live: Live, method: str, path: str, body: bytes = b"") -> bytes:
    head, content = await live.send(method, path, body)
    if head.status not in _OK:
        raise NotSupported(f"refused with {head.status}")
    try:
        trees.parse(content)
    except ValueError as error:
        raise Broken("JSON", shown(content.decode(errors="replace"))) from error
    return content


def _names(content: trees.Json) -> Iterator[str]:
    for path, node in trees.walk(content):
        if path[-1:] and path[-1] in _NAMES and isinstance(node, str):
            yield node
            yield node.rpartition("models/")[2]


def _is_vector(node: trees.Json) -> bool:
    if not isinstance(node, list) or not node:
        return False
    return all(isinstance(each, float | int) and math.isfinite(each) for each in node)
