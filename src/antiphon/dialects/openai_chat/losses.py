"""What a request loses when it is written in this dialect, and how this dialect asks for things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from antiphon.dialects.contract import Traits
from antiphon.dialects.openai_chat.fields import DIALECT
from antiphon.model.needs import Loss, Need, Severity

_SAFE, _WARN, _REFUSE = Severity.SAFE, Severity.WARN, Severity.REFUSE

TRAITS: Final = Traits(
    dialect=DIALECT,
    call_id=re.compile(r"[!-~]{1,64}"),
    tool_name=re.compile(r"[a-zA-Z0-9_-]{1,64}"),
    tool_name_length=64,
    custom_tools=True,
    legacy_functions=True,
    stops=4,
    blanks=True,
    later_system=True,
    user_first=False,
    unsigned_thought=True,
    titles=False,
    text_files=False,
    json_word=True,
)

LOSSES: Final[Mapping[Need, Loss]] = MappingProxyType(
    {
        Need.FILE_IDS: Loss(_REFUSE, "a file that only its own provider has"),
        Need.FILE_URLS: Loss(_REFUSE, "no file is read from an address there"),
        Need.UNKNOWN_PARTS: Loss(_REFUSE, "a part that only its own dialect knows"),
        Need.PAST_UNKNOWN_PARTS: Loss(_WARN, "left out of earlier answers"),
        Need.CITATIONS: Loss(_WARN, "left out of earlier answers"),
        Need.SEALED_THOUGHT: Loss(_SAFE, "without its seal"),
        Need.SERVER_TOOLS: Loss(_WARN, "left out: only its own provider knows it"),
        Need.ONLY_SERVER_TOOLS: Loss(_REFUSE, "only its own provider knows it"),
        Need.RESULT_MEDIA: Loss(_WARN, "shown in a message of the user behind the result"),
        Need.RESULT_ERRORS: Loss(_SAFE, "`Error:` before the text"),
        Need.BUDGET: Loss(_WARN, "the nearest effort"),
        Need.SUMMARY: Loss(_SAFE, "thought is shown as the provider shows it"),
        Need.STATE: Loss(_REFUSE, "no conversation is kept there"),
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
        Need.TOP_K: ("top_k",),
        Need.MIN_P: ("min_p",),
        Need.PENALTIES: ("frequency_penalty", "presence_penalty"),
        Need.REPETITION_PENALTY: ("repetition_penalty",),
        Need.SEED: ("seed",),
        Need.LOGIT_BIAS: ("logit_bias",),
        Need.LOGPROBS: ("logprobs", "top_logprobs"),
        Need.ANSWERS: ("n",),
        Need.STOP: ("stop",),
        Need.IMAGES: ("messages",),
        Need.IMAGE_URLS: ("messages",),
        Need.AUDIO: ("messages",),
        Need.FILES: ("messages",),
        Need.FILE_URLS: ("messages",),
        Need.FILE_IDS: ("messages",),
        Need.UNKNOWN_PARTS: ("messages",),
        Need.PAST_UNKNOWN_PARTS: ("messages",),
        Need.NAMES: ("messages",),
        Need.LATER_SYSTEM: ("messages",),
        Need.PREFILL: ("messages",),
        Need.PAST_REFUSALS: ("messages",),
        Need.CITATIONS: ("messages",),
        Need.THOUGHT: ("messages",),
        Need.SEALED_THOUGHT: ("messages",),
        Need.TOOLS: ("tools",),
        Need.CUSTOM_TOOLS: ("tools",),
        Need.SERVER_TOOLS: ("tools",),
        Need.ONLY_SERVER_TOOLS: ("tools",),
        Need.STRICT_TOOLS: ("tools",),
        Need.FORCED_TOOL: ("tool_choice",),
        Need.ALLOWED_TOOLS: ("tool_choice",),
        Need.PARALLEL_OFF: ("parallel_tool_calls",),
        Need.RESULT_MEDIA: ("messages",),
        Need.RESULT_ERRORS: ("messages",),
        Need.JSON_MODE: ("response_format",),
        Need.JSON_SCHEMA: ("response_format",),
        Need.AUDIO_OUT: ("modalities", "audio"),
        Need.VERBOSITY: ("verbosity",),
        Need.EFFORT: ("reasoning_effort",),
        Need.BUDGET: ("reasoning_effort",),
        Need.NO_THOUGHT: ("reasoning_effort",),
        Need.SUMMARY: ("reasoning_effort",),
        Need.USER: ("user",),
        Need.SAFETY_ID: ("safety_identifier",),
        Need.METADATA: ("metadata",),
        Need.TIER: ("service_tier",),
        Need.CACHE_MARKS: ("messages",),
        Need.CACHE_KEY: ("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
        Need.STATE: ("store",),
        Need.UNKNOWN_MEMBERS: (),
    }
)
