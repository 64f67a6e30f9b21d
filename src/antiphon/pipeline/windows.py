"""No model is sent more than its window takes.

Bytes are an upper bound of tokens: only a prompt with more bytes than the window has tokens is
counted, once for each candidate, by what its tokens usually are.

Hot path: one comparison a candidate that is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.dialects.base import Payload
from antiphon.errors import PromptTooLong
from antiphon.pipeline.estimating import prompt_tokens
from antiphon.providers.deployment import Deployment

_LONGEST_SHOWN = 100


def too_long(payload: Payload, deployment: Deployment) -> int:
    """Tokens of a prompt that does not fit a deployment's window; 0 where it fits."""
    context = deployment.facts.context
    if context is None or payload.countable(payload.size) <= context:
        return 0
    tokens = prompt_tokens(payload, deployment)
    return tokens if tokens > context else 0


def fitting(payload: Payload, candidates: Iterator[Deployment]) -> Iterator[Deployment]:
    """Those of the candidates into whose window the prompt fits.

    Raises (while it is asked for the next one):
        PromptTooLong: It fits none; the message names its size and the windows.
    """
    found = False
    refused: list[str] = []
    for deployment in candidates:
        tokens = too_long(payload, deployment)
        if tokens:
            refused.append(f"{deployment.name} takes {deployment.facts.context} (about {tokens})")
            continue
        found = True
        yield deployment
    if refused and not found:
        raise PromptTooLong(
            "The prompt is longer than every window behind "
            f"{payload.model[:_LONGEST_SHOWN]!r}, in tokens: {', '.join(refused)}."
        )
