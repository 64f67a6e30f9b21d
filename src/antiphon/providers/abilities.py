"""What a model refuses, as losses: what is known of it turned into what a request cannot have.

Three-valued facts: only what is known to be missing is a loss.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from antiphon.dialects.base import Dialect
from antiphon.model.needs import IN_WORDS, Loss, Need, Severity
from antiphon.providers.catalog import ProviderRow
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


def unlike_of(
    row: ProviderRow, dialect: Dialect, facts: ModelFacts, *, own: bool
) -> Mapping[Need, Loss]:
    """What a server does not take in a dialect, as far as that is not the model's affair.

    Args:
        row: Of the server.
        dialect: In which it is asked.
        facts: What is known of the model.
        own: It is the dialect in which the server is asked first.
    """
    also = row.also.get(dialect.name)
    taken = {*row.takes}
    if own and facts.json_schema:
        # Who says so of a model says it of the dialect in which it is asked.
        taken.add(Need.JSON_SCHEMA)
    unlike: Mapping[Need, Loss] = {} if row.original else dialect.unlike
    lacks = row.lacks if own else also.lacks if also is not None else ()
    return {
        **{need: loss for need, loss in unlike.items() if need not in taken},
        **{Need(name): IN_WORDS for name in lacks},
    }
