"""What a request loses when it is written in this dialect, and how this dialect asks for things."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from antiphon.model.needs import IN_WORDS, Loss, Need, Severity

_SAFE, _WARN, _REFUSE = Severity.SAFE, Severity.WARN, Severity.REFUSE

LOSSES: Final[Mapping[Need, Loss]] = MappingProxyType(
    {
        Need.MIN_P: Loss(_WARN, "left out"),
        Need.PENALTIES: Loss(_WARN, "left out"),
        Need.REPETITION_PENALTY: Loss(_WARN, "left out"),
        Need.SEED: Loss(_WARN, "left out"),
        Need.LOGIT_BIAS: Loss(_WARN, "left out"),
        Need.LOGPROBS: Loss(_REFUSE, "no log probabilities are given there"),
        Need.ANSWERS: Loss(_REFUSE, "one answer is given there"),
        Need.AUDIO: Loss(_REFUSE, "no sound is heard there"),
        Need.FILE_IDS: Loss(_REFUSE, "a file that only its own provider has"),
        Need.UNKNOWN_PARTS: Loss(_REFUSE, "a part that only its own dialect knows"),
        Need.PAST_UNKNOWN_PARTS: Loss(_WARN, "left out of earlier answers"),
        Need.NAMES: Loss(_WARN, "left out"),
        Need.LATER_SYSTEM: Loss(_WARN, "said as text of the user, in its place"),
        Need.PAST_REFUSALS: Loss(_SAFE, "written as text"),
        Need.CITATIONS: Loss(_WARN, "left out of earlier answers"),
        Need.THOUGHT: Loss(_SAFE, "left out where it is not sealed for there"),
        Need.SEALED_THOUGHT: Loss(_SAFE, "left out where it is not sealed for there"),
        Need.CUSTOM_TOOLS: Loss(_WARN, "a function of one text, without its grammar"),
        Need.SERVER_TOOLS: Loss(_WARN, "left out: only its own provider knows it"),
        Need.ONLY_SERVER_TOOLS: Loss(_REFUSE, "only its own provider knows it"),
        Need.ALLOWED_TOOLS: Loss(_SAFE, "only the allowed tools are offered"),
        Need.JSON_MODE: IN_WORDS,
        Need.AUDIO_OUT: Loss(_REFUSE, "no sound is spoken there"),
        Need.VERBOSITY: Loss(_WARN, "left out"),
        Need.SUMMARY: Loss(_SAFE, "thought is shown as the provider shows it"),
        Need.SAFETY_ID: Loss(_SAFE, "`metadata.user_id`, where no user is named"),
        Need.METADATA: Loss(_SAFE, "left out: it is for a log, not for the model"),
        Need.TIER: Loss(_SAFE, "the nearest tier"),
        Need.CACHE_KEY: Loss(_SAFE, "left out: the provider needs no key"),
        Need.STATE: Loss(_REFUSE, "no conversation is kept there"),
        Need.UNKNOWN_MEMBERS: Loss(_WARN, "left out"),
    }
)

UNLIKE: Final[Mapping[Need, Loss]] = MappingProxyType({Need.JSON_SCHEMA: IN_WORDS})
"""What only Anthropic itself is known to take; others pass over members that they do not know."""

MARKS: Final = frozenset(
    {"type", "role", "source", "caller", "eager_input_streaming", "max_characters"}
)
"""What the readers keep to write the same again, and what only says how something is passed."""

_SAID: Final = ("messages",)
_ANYWHERE: Final = ("messages", "system")

WORDS: Final[Mapping[Need, tuple[str, ...]]] = MappingProxyType(
    {
        Need.TEMPERATURE: ("temperature",),
        Need.TOP_P: ("top_p",),
        Need.TOP_K: ("top_k",),
        Need.MIN_P: (),
        Need.PENALTIES: (),
        Need.REPETITION_PENALTY: (),
        Need.SEED: (),
        Need.LOGIT_BIAS: (),
        Need.LOGPROBS: (),
        Need.ANSWERS: (),
        Need.STOP: ("stop_sequences",),
        Need.IMAGES: _SAID,
        Need.IMAGE_URLS: _SAID,
        Need.AUDIO: _SAID,
        Need.FILES: _SAID,
        Need.FILE_URLS: _SAID,
        Need.FILE_IDS: _SAID,
        Need.UNKNOWN_PARTS: _ANYWHERE,
        Need.PAST_UNKNOWN_PARTS: _SAID,
        Need.NAMES: _SAID,
        Need.LATER_SYSTEM: _SAID,
        Need.PREFILL: _SAID,
        Need.PAST_REFUSALS: _SAID,
        Need.CITATIONS: _SAID,
        Need.THOUGHT: _SAID,
        Need.SEALED_THOUGHT: _SAID,
        Need.TOOLS: ("tools",),
        Need.CUSTOM_TOOLS: ("tools",),
        Need.SERVER_TOOLS: ("tools",),
        Need.ONLY_SERVER_TOOLS: ("tools",),
        Need.STRICT_TOOLS: ("tools",),
        Need.FORCED_TOOL: ("tool_choice",),
        Need.ALLOWED_TOOLS: ("tool_choice",),
        Need.PARALLEL_OFF: ("tool_choice",),
        Need.RESULT_MEDIA: _SAID,
        Need.RESULT_ERRORS: _SAID,
        Need.JSON_MODE: ("output_config",),
        Need.JSON_SCHEMA: ("output_config", "output_format"),
        Need.AUDIO_OUT: (),
        Need.VERBOSITY: (),
        Need.EFFORT: ("output_config",),
        Need.BUDGET: ("thinking",),
        Need.NO_THOUGHT: ("thinking",),
        Need.SUMMARY: ("thinking",),
        Need.USER: ("metadata",),
        Need.SAFETY_ID: ("metadata",),
        Need.METADATA: ("metadata",),
        Need.TIER: ("service_tier",),
        Need.CACHE_MARKS: ("messages", "system", "tools"),
        Need.CACHE_KEY: (),
        Need.STATE: (),
        Need.UNKNOWN_MEMBERS: (),
    }
)
