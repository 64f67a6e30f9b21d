"""What a request loses when it is written in this dialect, and how this dialect asks for things."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from antiphon.model.needs import Loss, Need, Severity

_SAFE, _WARN, _REFUSE = Severity.SAFE, Severity.WARN, Severity.REFUSE

LOSSES: Final[Mapping[Need, Loss]] = MappingProxyType(
    {
        Need.MIN_P: Loss(_WARN, "left out"),
        Need.REPETITION_PENALTY: Loss(_WARN, "left out"),
        Need.LOGIT_BIAS: Loss(_WARN, "left out"),
        Need.LOGPROBS: Loss(_REFUSE, "log probabilities are given in another form there"),
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
        Need.SERVER_TOOLS: Loss(_WARN, "left out: only its own provider runs it"),
        Need.ONLY_SERVER_TOOLS: Loss(_REFUSE, "only its own provider runs it"),
        Need.STRICT_TOOLS: Loss(_WARN, "the schema is told, and not enforced"),
        Need.ALLOWED_TOOLS: Loss(_SAFE, "`VALIDATED` or `ANY`, with the names"),
        Need.PARALLEL_OFF: Loss(_WARN, "left out: several calls may come at once"),
        Need.AUDIO_OUT: Loss(_REFUSE, "no sound is spoken there in this form"),
        Need.VERBOSITY: Loss(_WARN, "left out"),
        Need.NO_THOUGHT: Loss(_SAFE, "no budget, or the least level of models that always think"),
        Need.SUMMARY: Loss(_SAFE, "thought is shown as the provider shows it"),
        Need.USER: Loss(_SAFE, "left out: it is for a log, not for the model"),
        Need.SAFETY_ID: Loss(_SAFE, "left out: it is for a log, not for the model"),
        Need.METADATA: Loss(_SAFE, "left out: it is for a log, not for the model"),
        Need.TIER: Loss(_SAFE, "the nearest tier"),
        Need.CACHE_MARKS: Loss(_SAFE, "left out: the provider finds what is repeated itself"),
        Need.CACHE_KEY: Loss(_SAFE, "left out: the provider needs no key"),
        Need.STATE: Loss(_REFUSE, "no conversation is kept there"),
        Need.UNKNOWN_MEMBERS: Loss(_WARN, "left out"),
    }
)

MARKS: Final = frozenset(
    {"alone", "parameters", "parametersJsonSchema", "role", "thought", "thoughtSignature"}
    | {"inlineData", "fileData", "partMetadata"}
)
"""What the readers keep to write the same again, and what asks the model for nothing."""

CONFIG: Final = "generationConfig"
_SAID: Final = ("contents",)
_ANYWHERE: Final = ("contents", "systemInstruction")
_TOOLS: Final = ("tools",)
_CHOICE: Final = ("toolConfig",)
_THOUGHT: Final = f"{CONFIG}.thinkingConfig"


def _drawn(*names: str) -> tuple[str, ...]:
    return tuple(f"{CONFIG}.{name}" for name in names)


WORDS: Final[Mapping[Need, tuple[str, ...]]] = MappingProxyType(
    {
        Need.TEMPERATURE: _drawn("temperature"),
        Need.TOP_P: _drawn("topP"),
        Need.TOP_K: _drawn("topK"),
        Need.MIN_P: (),
        Need.PENALTIES: _drawn("frequencyPenalty", "presencePenalty"),
        Need.REPETITION_PENALTY: (),
        Need.SEED: _drawn("seed"),
        Need.LOGIT_BIAS: (),
        Need.LOGPROBS: _drawn("responseLogprobs", "logprobs"),
        Need.ANSWERS: _drawn("candidateCount"),
        Need.STOP: _drawn("stopSequences"),
        Need.IMAGES: _SAID,
        Need.IMAGE_URLS: _SAID,
        Need.AUDIO: _SAID,
        Need.FILES: _SAID,
        Need.FILE_URLS: _SAID,
        Need.FILE_IDS: _SAID,
        Need.UNKNOWN_PARTS: _ANYWHERE,
        Need.PAST_UNKNOWN_PARTS: _SAID,
        Need.NAMES: (),
        Need.LATER_SYSTEM: (),
        Need.PREFILL: _SAID,
        Need.PAST_REFUSALS: (),
        Need.CITATIONS: (),
        Need.THOUGHT: _SAID,
        Need.SEALED_THOUGHT: _SAID,
        Need.TOOLS: _TOOLS,
        Need.CUSTOM_TOOLS: (),
        Need.SERVER_TOOLS: _TOOLS,
        Need.ONLY_SERVER_TOOLS: _TOOLS,
        Need.STRICT_TOOLS: (),
        Need.FORCED_TOOL: _CHOICE,
        Need.ALLOWED_TOOLS: _CHOICE,
        Need.PARALLEL_OFF: (),
        Need.RESULT_MEDIA: _SAID,
        Need.RESULT_ERRORS: _SAID,
        Need.JSON_MODE: _drawn("responseMimeType"),
        Need.JSON_SCHEMA: _drawn("responseJsonSchema", "responseSchema"),
        Need.CHOICE: _drawn("responseMimeType"),
        Need.AUDIO_OUT: _drawn("responseModalities"),
        Need.IMAGE_OUT: _drawn("responseModalities"),
        Need.VERBOSITY: (),
        Need.EFFORT: (f"{_THOUGHT}.thinkingLevel",),
        Need.BUDGET: (f"{_THOUGHT}.thinkingBudget",),
        Need.NO_THOUGHT: (f"{_THOUGHT}.thinkingBudget",),
        Need.SUMMARY: (f"{_THOUGHT}.includeThoughts",),
        Need.USER: (),
        Need.SAFETY_ID: (),
        Need.METADATA: (),
        Need.TIER: ("serviceTier",),
        Need.CACHE_MARKS: (),
        Need.CACHE_KEY: (),
        Need.CACHED_PROMPT: ("cachedContent",),
        Need.STATE: (),
        Need.UNKNOWN_MEMBERS: (),
    }
)
"""Members of members are written as a path."""
