"""What a request loses when it is written in this dialect, and how this dialect asks for things."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from antiphon.model.needs import Loss, Need, Severity

_SAFE, _WARN, _REFUSE = Severity.SAFE, Severity.WARN, Severity.REFUSE

LOSSES: Final[Mapping[Need, Loss]] = MappingProxyType(
    {
        Need.TOP_K: Loss(_WARN, "left out"),
        Need.MIN_P: Loss(_WARN, "left out"),
        Need.PENALTIES: Loss(_WARN, "left out"),
        Need.REPETITION_PENALTY: Loss(_WARN, "left out"),
        Need.SEED: Loss(_WARN, "left out"),
        Need.LOGIT_BIAS: Loss(_WARN, "left out"),
        Need.LOGPROBS: Loss(_REFUSE, "told in a form of its own"),
        Need.ANSWERS: Loss(_REFUSE, "one answer is given"),
        Need.STOP: Loss(_SAFE, "watched for by the gateway"),
        Need.AUDIO: Loss(_REFUSE, "no sounds are heard"),
        Need.FILE_IDS: Loss(_REFUSE, "a file that only its own provider has"),
        Need.UNKNOWN_PARTS: Loss(_REFUSE, "a part that only its own dialect knows"),
        Need.PAST_UNKNOWN_PARTS: Loss(_WARN, "left out of earlier answers"),
        Need.NAMES: Loss(_WARN, "left out"),
        Need.PREFILL: Loss(_WARN, "answered instead of continued"),
        Need.CITATIONS: Loss(_WARN, "left out of earlier answers"),
        Need.THOUGHT: Loss(_SAFE, "left out of earlier answers unless it was sealed there"),
        Need.SEALED_THOUGHT: Loss(_SAFE, "left out: a seal is valid where it was made"),
        Need.SERVER_TOOLS: Loss(_WARN, "left out: only its own provider knows it"),
        Need.ONLY_SERVER_TOOLS: Loss(_REFUSE, "only its own provider knows it"),
        Need.RESULT_ERRORS: Loss(_SAFE, "`Error:` before the text"),
        Need.CHOICE: Loss(_REFUSE, "no answer is held to bare values there"),
        Need.AUDIO_OUT: Loss(_REFUSE, "no sounds are made"),
        Need.IMAGE_OUT: Loss(_REFUSE, "no pictures are made"),
        Need.CACHED_PROMPT: Loss(_REFUSE, "a prompt that only its own provider has"),
        Need.BUDGET: Loss(_WARN, "the nearest effort"),
        Need.CACHE_MARKS: Loss(_SAFE, "left out: its cache needs none"),
        Need.UNKNOWN_MEMBERS: Loss(_WARN, "left out"),
    }
)

UNLIKE: Final[Mapping[Need, Loss]] = MappingProxyType(
    {
        Need.CUSTOM_TOOLS: Loss(_WARN, "as functions, with a grammar told in words"),
        Need.VERBOSITY: Loss(_WARN, "left out"),
        Need.TIER: Loss(_SAFE, "left out"),
        Need.USER: Loss(_SAFE, "left out"),
        Need.SAFETY_ID: Loss(_SAFE, "left out"),
        Need.METADATA: Loss(_SAFE, "left out"),
        Need.CACHE_KEY: Loss(_SAFE, "left out: the server caches as it likes"),
        Need.CACHE_MARKS: Loss(_SAFE, "left out: the server caches as it likes"),
    }
)
"""What only OpenAI itself is known to take; others refuse members that they do not know."""

WORDS: Final[Mapping[Need, tuple[str, ...]]] = MappingProxyType(
    {
        Need.TEMPERATURE: ("temperature",),
        Need.TOP_P: ("top_p",),
        Need.TOP_K: (),
        Need.MIN_P: (),
        Need.PENALTIES: (),
        Need.REPETITION_PENALTY: (),
        Need.SEED: (),
        Need.LOGIT_BIAS: (),
        Need.LOGPROBS: ("top_logprobs",),
        Need.ANSWERS: (),
        Need.STOP: (),
        Need.IMAGES: ("input",),
        Need.IMAGE_URLS: ("input",),
        Need.AUDIO: ("input",),
        Need.FILES: ("input",),
        Need.FILE_URLS: ("input",),
        Need.FILE_IDS: ("input",),
        Need.UNKNOWN_PARTS: ("input",),
        Need.PAST_UNKNOWN_PARTS: ("input",),
        Need.NAMES: (),
        Need.LATER_SYSTEM: ("input",),
        Need.PREFILL: ("input",),
        Need.PAST_REFUSALS: ("input",),
        Need.CITATIONS: ("input",),
        Need.THOUGHT: ("input",),
        Need.SEALED_THOUGHT: ("input",),
        Need.TOOLS: ("tools",),
        Need.CUSTOM_TOOLS: ("tools",),
        Need.SERVER_TOOLS: ("tools",),
        Need.ONLY_SERVER_TOOLS: ("tools",),
        Need.STRICT_TOOLS: ("tools",),
        Need.FORCED_TOOL: ("tool_choice",),
        Need.ALLOWED_TOOLS: ("tool_choice",),
        Need.PARALLEL_OFF: ("parallel_tool_calls",),
        Need.RESULT_MEDIA: ("input",),
        Need.RESULT_ERRORS: (),
        Need.JSON_MODE: ("text",),
        Need.JSON_SCHEMA: ("text",),
        Need.CHOICE: (),
        Need.AUDIO_OUT: (),
        Need.IMAGE_OUT: (),
        Need.VERBOSITY: ("text",),
        Need.EFFORT: ("reasoning",),
        Need.BUDGET: ("reasoning",),
        Need.NO_THOUGHT: ("reasoning",),
        Need.SUMMARY: ("reasoning",),
        Need.USER: ("user",),
        Need.SAFETY_ID: ("safety_identifier",),
        Need.METADATA: ("metadata",),
        Need.TIER: ("service_tier",),
        Need.CACHE_MARKS: ("input",),
        Need.CACHE_KEY: ("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
        Need.CACHED_PROMPT: (),
        Need.STATE: ("store",),
        Need.UNKNOWN_MEMBERS: (),
    }
)
