"""What a request loses when it is written in this dialect, and how this dialect asks for things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from antiphon.dialects.contract import Traits
from antiphon.dialects.ollama.fields import DIALECT
from antiphon.model.needs import Loss, Need, Severity

_SAFE, _WARN, _REFUSE = Severity.SAFE, Severity.WARN, Severity.REFUSE

TRAITS: Final = Traits(
    DIALECT,
    call_id=re.compile(r"[!-~]{1,64}"),
    tool_name=re.compile(r"[a-zA-Z0-9_-]{1,64}"),
    tool_name_length=64,
    custom_tools=False,
    legacy_functions=False,
    stops=None,
    blanks=True,
    later_system=True,
    user_first=False,
    unsigned_thought=True,
    text_files=False,
)

LOSSES: Final[Mapping[Need, Loss]] = MappingProxyType(
    {
        Need.LOGIT_BIAS: Loss(_WARN, "left out"),
        Need.LOGPROBS: Loss(_REFUSE, "told in a form of its own"),
        Need.ANSWERS: Loss(_REFUSE, "one answer is given there"),
        Need.IMAGE_URLS: Loss(_REFUSE, "no address is fetched there"),
        Need.AUDIO: Loss(_REFUSE, "no sound is heard there"),
        Need.FILES: Loss(_REFUSE, "no file is read there that is not plain text"),
        Need.FILE_URLS: Loss(_REFUSE, "no address is fetched there"),
        Need.FILE_IDS: Loss(_REFUSE, "a file that only its own provider has"),
        Need.UNKNOWN_PARTS: Loss(_REFUSE, "a part that only its own dialect knows"),
        Need.PAST_UNKNOWN_PARTS: Loss(_WARN, "left out of earlier answers"),
        Need.NAMES: Loss(_WARN, "left out"),
        Need.PAST_REFUSALS: Loss(_SAFE, "written as text"),
        Need.CITATIONS: Loss(_WARN, "left out of earlier answers"),
        Need.SEALED_THOUGHT: Loss(_SAFE, "without its seal"),
        Need.CUSTOM_TOOLS: Loss(_WARN, "a function of one text, without its grammar"),
        Need.SERVER_TOOLS: Loss(_WARN, "left out: only its own provider runs it"),
        Need.ONLY_SERVER_TOOLS: Loss(_REFUSE, "only its own provider runs it"),
        Need.STRICT_TOOLS: Loss(_WARN, "arguments are not held to their schema"),
        Need.FORCED_TOOL: Loss(_WARN, "left to the model: a named tool is the only one offered"),
        Need.ALLOWED_TOOLS: Loss(_SAFE, "only the allowed tools are offered"),
        Need.PARALLEL_OFF: Loss(_WARN, "left out"),
        Need.RESULT_MEDIA: Loss(_WARN, "shown in a message of the user behind the result"),
        Need.RESULT_ERRORS: Loss(_SAFE, "`Error:` before the text"),
        Need.CHOICE: Loss(_REFUSE, "no answer is held to bare values there"),
        Need.AUDIO_OUT: Loss(_REFUSE, "no sound is spoken there"),
        Need.IMAGE_OUT: Loss(_REFUSE, "no pictures are made there"),
        Need.VERBOSITY: Loss(_WARN, "left out"),
        Need.BUDGET: Loss(_WARN, "the nearest effort"),
        Need.SUMMARY: Loss(_SAFE, "thought is shown as the provider shows it"),
        Need.USER: Loss(_SAFE, "left out: it is for a log, not for the model"),
        Need.SAFETY_ID: Loss(_SAFE, "left out: it is for a log, not for the model"),
        Need.METADATA: Loss(_SAFE, "left out: it is for a log, not for the model"),
        Need.TIER: Loss(_SAFE, "left out: there is one"),
        Need.CACHE_MARKS: Loss(_SAFE, "left out: the server caches as it likes"),
        Need.CACHE_KEY: Loss(_SAFE, "left out: the server caches as it likes"),
        Need.CACHED_PROMPT: Loss(_REFUSE, "a prompt that only its own provider has"),
        Need.STATE: Loss(_REFUSE, "no conversation is kept there"),
        Need.UNKNOWN_MEMBERS: Loss(_WARN, "left out"),
    }
)

OPTIONS: Final[Mapping[Need, tuple[str, ...]]] = MappingProxyType(
    {
        Need.TEMPERATURE: ("temperature",),
        Need.TOP_P: ("top_p",),
        Need.TOP_K: ("top_k",),
        Need.MIN_P: ("min_p",),
        Need.PENALTIES: ("frequency_penalty", "presence_penalty"),
        Need.REPETITION_PENALTY: ("repeat_penalty",),
        Need.SEED: ("seed",),
        Need.STOP: ("stop",),
    }
)
"""Needs that are asked for inside `options`."""

MARKS: Final = frozenset({"thinking", "tool_calls", "tool_name", "tool_call_id"})
"""Members of a message that has no use for them: they ask for nothing."""

_SAID: Final = ("messages",)
_NOWHERE: Final[tuple[str, ...]] = ()

WORDS: Final[Mapping[Need, tuple[str, ...]]] = MappingProxyType(
    {
        **dict.fromkeys(OPTIONS, ("options",)),
        Need.LOGIT_BIAS: _NOWHERE,
        Need.LOGPROBS: ("logprobs", "top_logprobs"),
        Need.ANSWERS: _NOWHERE,
        Need.IMAGES: _SAID,
        Need.IMAGE_URLS: _NOWHERE,
        Need.AUDIO: _NOWHERE,
        Need.FILES: _NOWHERE,
        Need.FILE_URLS: _NOWHERE,
        Need.FILE_IDS: _NOWHERE,
        Need.UNKNOWN_PARTS: _NOWHERE,
        Need.PAST_UNKNOWN_PARTS: _NOWHERE,
        Need.NAMES: _NOWHERE,
        Need.LATER_SYSTEM: _SAID,
        Need.PREFILL: _SAID,
        Need.PAST_REFUSALS: _NOWHERE,
        Need.CITATIONS: _NOWHERE,
        Need.THOUGHT: _SAID,
        Need.SEALED_THOUGHT: _NOWHERE,
        Need.TOOLS: ("tools",),
        Need.CUSTOM_TOOLS: _NOWHERE,
        Need.SERVER_TOOLS: ("tools",),
        Need.ONLY_SERVER_TOOLS: ("tools",),
        Need.STRICT_TOOLS: _NOWHERE,
        Need.FORCED_TOOL: _NOWHERE,
        Need.ALLOWED_TOOLS: _NOWHERE,
        Need.PARALLEL_OFF: _NOWHERE,
        Need.RESULT_MEDIA: _SAID,
        Need.RESULT_ERRORS: _NOWHERE,
        Need.JSON_MODE: ("format",),
        Need.JSON_SCHEMA: ("format",),
        Need.CHOICE: _NOWHERE,
        Need.AUDIO_OUT: _NOWHERE,
        Need.IMAGE_OUT: _NOWHERE,
        Need.VERBOSITY: _NOWHERE,
        Need.EFFORT: ("think",),
        Need.BUDGET: _NOWHERE,
        Need.NO_THOUGHT: ("think",),
        Need.SUMMARY: _NOWHERE,
        Need.USER: _NOWHERE,
        Need.SAFETY_ID: _NOWHERE,
        Need.METADATA: _NOWHERE,
        Need.TIER: _NOWHERE,
        Need.CACHE_MARKS: _NOWHERE,
        Need.CACHE_KEY: _NOWHERE,
        Need.CACHED_PROMPT: _NOWHERE,
        Need.STATE: _NOWHERE,
        Need.UNKNOWN_MEMBERS: _NOWHERE,
    }
)

GENERATE_WORDS: Final[Mapping[Need, tuple[str, ...]]] = MappingProxyType(
    {
        **WORDS,
        Need.IMAGES: ("images",),
        Need.LATER_SYSTEM: _NOWHERE,
        Need.PREFILL: ("prompt",),
        Need.THOUGHT: _NOWHERE,
        Need.TOOLS: _NOWHERE,
        Need.SERVER_TOOLS: _NOWHERE,
        Need.ONLY_SERVER_TOOLS: _NOWHERE,
        Need.RESULT_MEDIA: _NOWHERE,
    }
)
"""The same for a prompt, which has no turns and no tools."""
