"""What the errors of providers mean: tables, read in the order of this page.

The envelope's own words come first, then the text where a status says too little, then the
status: servers that are only like OpenAI's agree on little else.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from antiphon.errors import Disposition, Kind


class Reading(NamedTuple):
    """What an error is, and what it says about trying again."""

    kind: Kind
    disposition: Disposition


BAD_REQUEST: Final = Reading(Kind.BAD_REQUEST, Disposition.CALLERS_FAULT)
TOO_LONG: Final = Reading(Kind.CONTEXT_TOO_LONG, Disposition.CONTEXT_LENGTH)
TOO_LARGE: Final = Reading(Kind.TOO_LARGE, Disposition.CALLERS_FAULT)
FILTERED: Final = Reading(Kind.CONTENT_FILTER, Disposition.CALLERS_FAULT)
UNSUPPORTED: Final = Reading(Kind.UNSUPPORTED_PARAMETER, Disposition.CALLERS_FAULT)
BAD_KEY: Final = Reading(Kind.UPSTREAM_AUTH, Disposition.DEAD_KEY)
NO_MONEY: Final = Reading(Kind.QUOTA_EXHAUSTED, Disposition.DEAD_KEY)
NOT_ALLOWED: Final = Reading(Kind.UPSTREAM_AUTH, Disposition.HARD_DOWN)
NO_MODEL: Final = Reading(Kind.MODEL_NOT_FOUND, Disposition.HARD_DOWN)
NOT_SERVED: Final = Reading(Kind.UPSTREAM, Disposition.HARD_DOWN)
RATE_LIMITED: Final = Reading(Kind.RATE_LIMITED, Disposition.TRANSIENT)
OVERLOADED: Final = Reading(Kind.OVERLOADED, Disposition.TRANSIENT)
TIMED_OUT: Final = Reading(Kind.TIMEOUT, Disposition.TRANSIENT)
BROKEN: Final = Reading(Kind.UPSTREAM, Disposition.TRANSIENT)


FOREIGN_SEALS: Final = frozenset({"foreign_reasoning", "invalid_encrypted_content"})
"""Codes of refusals that are about seals over thought from elsewhere, and nothing else."""

BY_CODE: Final[dict[str, Reading]] = {
    # OpenAI and Azure
    "context_length_exceeded": TOO_LONG,
    "insufficient_quota": NO_MONEY,
    "credit_balance_exhausted": NO_MONEY,
    "billing_hard_limit_reached": NO_MONEY,
    "billing_not_active": NO_MONEY,
    "enforced_spend_limit_reached": NO_MONEY,
    "rate_limit_exceeded": RATE_LIMITED,
    "slow_down": RATE_LIMITED,
    "invalid_api_key": BAD_KEY,
    "account_deactivated": BAD_KEY,
    "model_not_found": NO_MODEL,
    "DeploymentNotFound": NO_MODEL,
    "content_filter": FILTERED,
    "content_policy_violation": FILTERED,
    "ResponsibleAIPolicyViolation": FILTERED,
    "unsupported_parameter": UNSUPPORTED,
    "unsupported_value": UNSUPPORTED,
    "server_is_overloaded": OVERLOADED,
    "overloaded": OVERLOADED,
    "server_error": BROKEN,
    # OpenAI, of a response that failed
    "invalid_prompt": BAD_REQUEST,
    "invalid_image": BAD_REQUEST,
    "invalid_image_format": BAD_REQUEST,
    "invalid_base64_image": BAD_REQUEST,
    "invalid_image_url": BAD_REQUEST,
    "image_too_large": BAD_REQUEST,
    "image_too_small": BAD_REQUEST,
    "image_parse_error": BAD_REQUEST,
    "invalid_image_mode": BAD_REQUEST,
    "image_file_too_large": BAD_REQUEST,
    "unsupported_image_media_type": BAD_REQUEST,
    "empty_image_file": BAD_REQUEST,
    "failed_to_download_image": BAD_REQUEST,
    "image_file_not_found": BAD_REQUEST,
    "image_content_policy_violation": FILTERED,
    "bio_policy": FILTERED,
    "misalignment_policy_violation": FILTERED,
    "data_residency_mismatch": NOT_SERVED,
    "vector_store_timeout": TIMED_OUT,
    # Groq, OpenRouter, LiteLLM and others
    "model_decommissioned": NO_MODEL,
    "model_deprecated": NO_MODEL,
    "ContextWindowExceededError": TOO_LONG,
    "request_too_large": TOO_LARGE,
    # Moonshot
    "exceeded_current_quota_error": NO_MONEY,
    "rate_limit_reached_error": RATE_LIMITED,
    "engine_overloaded_error": OVERLOADED,
    "resource_not_found_error": NO_MODEL,
    "invalid_authentication_error": BAD_KEY,
    "incorrect_api_key_error": BAD_KEY,
    "permission_denied_error": BAD_KEY,
    # Google
    "API_KEY_INVALID": BAD_KEY,
    "API_KEY_EXPIRED": BAD_KEY,
    "API_KEY_SERVICE_BLOCKED": BAD_KEY,
    "UNAUTHENTICATED": BAD_KEY,
    "RESOURCE_EXHAUSTED": RATE_LIMITED,
    "UNAVAILABLE": OVERLOADED,
    "DEADLINE_EXCEEDED": TIMED_OUT,
    # Z.AI
    "1000": BAD_KEY,
    "1001": BAD_KEY,
    "1002": BAD_KEY,
    "1003": BAD_KEY,
    "1004": BAD_KEY,
    "1110": NO_MONEY,
    "1111": NO_MONEY,
    "1112": NO_MONEY,
    "1113": NO_MONEY,
    "1120": NO_MONEY,
    "1121": BAD_KEY,
    "1210": BAD_REQUEST,
    "1211": NO_MODEL,
    "1212": NO_MODEL,
    "1213": BAD_REQUEST,
    "1214": BAD_REQUEST,
    "1220": BAD_KEY,
    "1221": NO_MODEL,
    "1222": NO_MODEL,
    "1230": BROKEN,
    "1234": BROKEN,
    "1261": TOO_LONG,
    "1301": FILTERED,
    "1302": RATE_LIMITED,
    "1303": RATE_LIMITED,
    "1304": NO_MONEY,
    "1305": OVERLOADED,
    "1308": NO_MONEY,
    "1309": NO_MONEY,
    "1310": NO_MONEY,
    "1312": OVERLOADED,
}
"""By the envelope's `code`, else by its `type`."""

BY_TYPE: Final[dict[str, Reading]] = {
    "authentication_error": BAD_KEY,
    "permission_error": NOT_ALLOWED,
    "billing_error": NO_MONEY,
    "rate_limit_error": RATE_LIMITED,
    "overloaded_error": OVERLOADED,
    "overloaded": OVERLOADED,
    "timeout": TIMED_OUT,
    "timeout_error": TIMED_OUT,
    # Text Generation Inference
    "template_error": BAD_REQUEST,
    "generation": BROKEN,
    "incomplete_generation": BROKEN,
    "unhealthy": OVERLOADED,
}
"""Types that say enough without a code."""

BY_TEXT: Final[tuple[tuple[re.Pattern[str], Reading], ...]] = (
    (
        re.compile(
            r"maximum context length|max context length|context window|prompt is too long"
            r"|prompt too long|exceeds? (?:the )?(?:available |model'?s? )?context"
            r"|exceeds the maximum number of tokens allowed|exceeded model token limit"
            r"|context_length_exceeded|input is too long|inputs?` tokens \+ `max_new_tokens"
            r"|maximum prompt length|longer than the model's context|Prompt exceeds max length",
            re.IGNORECASE,
        ),
        TOO_LONG,
    ),
    (
        re.compile(
            r"insufficient (?:account )?(?:balance|credit|quota|funds)|exceeded your current quota"
            r"|not enough balance|credit balance is too low|out of credits|requires more credits"
            r"|余额不足|欠费|spend(?:ing)? limit",
            re.IGNORECASE,
        ),
        NO_MONEY,
    ),
    (
        re.compile(
            r"(?:incorrect|invalid) (?:api|access)[ _-]?(?:key|token)|api key (?:not valid|expired)"
            r"|api key is invalid",
            re.IGNORECASE,
        ),
        BAD_KEY,
    ),
    (
        re.compile(
            r"content management policy|content_policy|content policy|violat\w+ .{0,40}polic"
            r"|high risk|敏感",
            re.IGNORECASE,
        ),
        FILTERED,
    ),
    (
        re.compile(
            r"model\b.{0,100}(?:does not exist|not found|is not available|no longer (?:supported"
            r"|available|accessible)|has been (?:deprecated|decommissioned))|no such model"
            r"|unknown model",
            re.IGNORECASE,
        ),
        NO_MODEL,
    ),
    # Ollama
    (
        re.compile(r"does not support (?:tools|thinking|insert|chat|generate|embeddings?)\b"),
        UNSUPPORTED,
    ),
    # Ollama says with status 500 what the caller did wrong.
    (
        re.compile(
            r'\boption "[^"]{0,60}" must be of |\binvalid format: |\binvalid JSON schema in format'
            r"|\bunknown (?:image )?format$"
        ),
        BAD_REQUEST,
    ),
    (re.compile(r"missing data required for image input"), UNSUPPORTED),
    (re.compile(r"model requires more system memory"), NOT_SERVED),
    (re.compile(r"\brate[- ]?limit|too many requests", re.IGNORECASE), RATE_LIMITED),
    (re.compile(r"\boverloaded\b|at capacity", re.IGNORECASE), OVERLOADED),
)
"""By phrases, where neither the envelope nor the status says enough."""

FOREIGN_REASONING: Final = "foreign_reasoning"
"""The code of every refusal of thought that was sealed elsewhere, or that lost its seal."""

FOREIGN_REASONING_CODES: Final = frozenset({"invalid_encrypted_content"})

FOREIGN_REASONING_TEXT: Final = re.compile(
    # Anthropic
    r"invalid [`'\"]?(?:signature|data)[`'\"]? in [`'\"]?(?:redacted_)?thinking"
    r"|thinking[`'\"]? blocks? .{0,80}cannot be modified"
    r"|expected [`'\"]?thinking[`'\"]?.{0,40}but found"
    r"|thinking\.signature\b|\bblock_binding\b"
    r"|thinking\b.{0,200}\bdifferent (?:conversation|model|organi[sz]ation|end[- ]user)"
    r"|\b(?:prefix|model|organization|end_user)(?:_binding)?_mismatch\b"
    # OpenAI
    r"|encrypted content .{0,200}could not be (?:verified|decrypted)"
    # Gemini
    r"|thought[_ ]signature.{0,40}(?:not valid|invalid)|corrupted thought signature"
    r"|missing a thought[_ ]signature",
    re.IGNORECASE | re.DOTALL,
)
"""How it is said without a code of its own; some resellers say it with status 429."""

VAGUE: Final = frozenset({0, 400, 403, 404, 413, 422, 424, 429, 500})
"""Statuses that different servers use for different things; 0 is an error without one."""

BY_STATUS: Final[dict[int, Reading]] = {
    0: BROKEN,
    400: BAD_REQUEST,
    401: BAD_KEY,
    402: NO_MONEY,
    403: NOT_ALLOWED,
    404: NO_MODEL,
    408: TIMED_OUT,
    409: BROKEN,
    413: TOO_LARGE,
    422: BAD_REQUEST,
    424: BROKEN,
    425: BROKEN,
    429: RATE_LIMITED,
    498: BAD_KEY,
    500: BROKEN,
    501: NOT_SERVED,
    502: BROKEN,
    503: OVERLOADED,
    504: TIMED_OUT,
    529: OVERLOADED,
}
"""By the status alone; any other of 500 and above is BROKEN, any other below NOT_SERVED."""
