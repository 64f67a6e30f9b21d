"""Errors in Google's envelope: a status of HTTP, a word of gRPC, and details."""

import re
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from antiphon.simulator.dialect import Problem
from antiphon.simulator.gemini.wire import JSON_TYPE
from antiphon.simulator.reply import Headers, Reply, json

_RPC: Final = "type.googleapis.com/google.rpc."
_SERVICE: Final = "generativelanguage.googleapis.com"
_NO_KEY: Final = "(none)"
_BAD_KEY: Final = re.compile(r"Incorrect API key provided(?:: \S{0,4}\*\*\*)?")
_PER_DAY: Final = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
_PER_MINUTE: Final = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
_METRIC: Final = f"{_SERVICE}/generate_content_free_tier_requests"
_RATES: Final = "https://ai.google.dev/gemini-api/docs/rate-limits"


class _Error(Struct, frozen=True):
    code: int
    message: str
    status: str
    details: list[dict[str, object]] | UnsetType = UNSET


def complained(problem: Problem, *, in_array: bool) -> Reply:
    """An error, in Google's words where it has some of its own; a stream's array holds one too."""
    told = _in_own_words(problem)
    word = _WORDS.get(told.status, "UNKNOWN")
    error = {"error": _Error(told.status, told.message, word, _details(told) or UNSET)}
    reply = json([error] if in_array else error, status=told.status)
    return reply.with_headers(JSON_TYPE, *problem.headers)


def _in_own_words(problem: Problem) -> Problem:
    own = _OWN_WORDS.get(problem.code or "")
    if own is not None:
        return msgspec.structs.replace(own, code=problem.code, headers=problem.headers)
    if problem.code != "invalid_api_key":
        return problem
    if _NO_KEY in problem.message:
        return Problem(403, _UNREGISTERED)
    message = _BAD_KEY.sub("API key not valid. Please pass a valid API key", problem.message)
    return msgspec.structs.replace(problem, status=400, message=message)


def _details(problem: Problem) -> list[dict[str, object]]:
    """What the error says besides its message."""
    match problem.code:
        case "invalid_api_key":
            return [
                {
                    "@type": f"{_RPC}ErrorInfo",
                    "reason": "API_KEY_INVALID",
                    "domain": "googleapis.com",
                    "metadata": {"service": _SERVICE},
                },
                {
                    "@type": f"{_RPC}LocalizedMessage",
                    "locale": "en-US",
                    "message": problem.message,
                },
            ]
        case "insufficient_quota":
            return _limits(_PER_DAY, problem.headers)
        case "rate_limit_exceeded":
            return _limits(_PER_MINUTE, problem.headers)
        case _ if problem.param is not None:
            violation = {"field": problem.param, "description": problem.message}
            return [{"@type": f"{_RPC}BadRequest", "fieldViolations": [violation]}]
        case _:
            return []


def _limits(quota: str, headers: Headers) -> list[dict[str, object]]:
    violation = {
        "quotaMetric": _METRIC,
        "quotaId": quota,
        "quotaDimensions": {"location": "global", "model": "simulated"},
        "quotaValue": "20",
    }
    link = {"description": "Learn more about Gemini API quotas", "url": _RATES}
    told: list[dict[str, object]] = [
        {"@type": f"{_RPC}Help", "links": [link]},
        {"@type": f"{_RPC}QuotaFailure", "violations": [violation]},
    ]
    delay = _delay(dict(headers))
    return [*told, {"@type": f"{_RPC}RetryInfo", "retryDelay": delay}] if delay else told


def _delay(headers: dict[bytes, bytes]) -> str | None:
    """The hint of the headers as protobuf writes it; a date has no such spelling."""
    if (thousandths := headers.get(b"retry-after-ms", b"")).isdigit():
        return f"{int(thousandths) / 1000:g}s"
    seconds = headers.get(b"retry-after")
    return None if seconds is None or b" " in seconds else f"{seconds.decode()}s"


_UNREGISTERED: Final = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use "
    "API Key or other form of API consumer identity to call this API."
)
_WORDS: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_EXCEEDED: Final = (
    "You exceeded your current quota, please check your plan and billing details. For more "
    f"information on this error, head to: {_RATES}. "
)
_OVERLOADED: Final = Problem(503, "The model is overloaded. Please try again later.")
_OWN_WORDS: Final = {
    "insufficient_quota": Problem(
        429, f"{_EXCEEDED}\n* Quota exceeded for metric: {_METRIC}, limit: 20, model: simulated"
    ),
    "rate_limit_exceeded": Problem(
        429, f"{_EXCEEDED}\n* Quota exceeded for metric: {_METRIC}, limit: 20, model: simulated"
    ),
    "model_not_found": Problem(
        404,
        "models/simulated is not found for API version v1beta, or is not supported for "
        "generateContent. Call ModelService.ListModels to see the list of available models and "
        "their supported methods.",
    ),
    "context_length_exceeded": Problem(
        400, "The input token count (9001) exceeds the maximum number of tokens allowed (8192)."
    ),
    "unsupported_parameter": Problem(
        400,
        "* GenerateContentRequest.generation_config.temperature: temperature must be in the range "
        "[0.0, 2.0].\n",
        param="generation_config.temperature",
    ),
    "server_is_overloaded": _OVERLOADED,
    "overloaded": _OVERLOADED,
}
"""Problems that OpenAI names by a code, as Google says them."""
