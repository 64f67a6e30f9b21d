"""What a model refuses, as losses: what is known of it turned into what a request cannot have.

Three-valued facts: only what is known to be missing is a loss.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from antiphon.model.needs import Loss, Need, Severity
from antiphon.providers.models import ModelFacts

_WARN, _REFUSE = Severity.WARN, Severity.REFUSE
_THINKS_NOT: Final = Loss(Severity.SAFE, "left out: the model does not think")
_DRAWS: Final = Loss(_WARN, "left out: the model draws as its maker set it")

_REFUSED: Final[Mapping[str, Mapping[Need, Loss]]] = {
    "sampling": {
        Need.TEMPERATURE: _DRAWS,
        Need.TOP_P: _DRAWS,
        Need.TOP_K: _DRAWS,
        Need.MIN_P: _DRAWS,
        Need.PENALTIES: _DRAWS,
        Need.REPETITION_PENALTY: _DRAWS,
        Need.LOGIT_BIAS: _DRAWS,
    },
    "forced_tools": {Need.FORCED_TOOL: Loss(_WARN, "the model itself decides about tools")},
    "prefill": {Need.PREFILL: Loss(_REFUSE, "the model does not go on with a begun answer")},
    "vision": {Need.IMAGES: Loss(_REFUSE, "the model sees no pictures")},
    "audio": {Need.AUDIO: Loss(_REFUSE, "the model does not hear")},
    "tools": {
        Need.TOOLS: Loss(_REFUSE, "the model calls no tools"),
        Need.FORCED_TOOL: Loss(_REFUSE, "the model calls no tools"),
    },
    "reasoning": {
        Need.EFFORT: _THINKS_NOT,
        Need.BUDGET: _THINKS_NOT,
        Need.NO_THOUGHT: _THINKS_NOT,
        Need.SUMMARY: _THINKS_NOT,
    },
    "reasoning_off": {Need.NO_THOUGHT: Loss(_WARN, "the model always thinks")},
}
"""By the fact that is false."""


_FORMS: Final = {"json_schema": Need.JSON_SCHEMA, "json_mode": Need.JSON_MODE}


def told_in_words(facts: ModelFacts, unlike: Collection[Need]) -> frozenset[Need]:
    """The forms of an answer that this model must be told in words, in its own dialect too.

    Args:
        facts: What is known of the model.
        unlike: What the server does not take, being only like the dialect.
    """
    return frozenset(
        need for fact, need in _FORMS.items() if getattr(facts, fact) is False or need in unlike
    )


def refused_by(facts: ModelFacts) -> Mapping[Need, Loss]:
    """What a request to this model loses, whatever dialect it is written in."""
    refused: dict[Need, Loss] = {}
    for fact, losses in _REFUSED.items():
        if getattr(facts, fact, None) is False:
            refused.update(losses)
    return refused
