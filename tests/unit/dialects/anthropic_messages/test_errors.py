"""Refusals of providers, and what they say about trying again."""

import json

import pytest

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import Disposition, Kind, UpstreamRefused


def refused(
    status: int, kind: str, message: str = "x", *, details: object = None, **headers: str
) -> UpstreamRefused:
    body = {"type": "error", "error": {"type": kind, "message": message, "details": details}}
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    error = ANTHROPIC_MESSAGES.decode_error(status, given, json.dumps(body).encode())
    assert isinstance(error, UpstreamRefused)
    return error


@pytest.mark.parametrize(
    ("status", "kind", "message", "read", "disposition"),
    [
        (400, "invalid_request_error", "x", Kind.BAD_REQUEST, Disposition.CALLERS_FAULT),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 210000 tokens > 200000 maximum",
            Kind.CONTEXT_TOO_LONG,
            Disposition.CONTEXT_LENGTH,
        ),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000",
            Kind.CONTEXT_TOO_LONG,
            Disposition.CONTEXT_LENGTH,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            Kind.QUOTA_EXHAUSTED,
            Disposition.DEAD_KEY,
        ),
        (401, "authentication_error", "x", Kind.UPSTREAM_AUTH, Disposition.DEAD_KEY),
        (402, "billing_error", "x", Kind.QUOTA_EXHAUSTED, Disposition.DEAD_KEY),
        (403, "permission_error", "x", Kind.UPSTREAM_AUTH, Disposition.HARD_DOWN),
        (404, "not_found_error", "model: m", Kind.MODEL_NOT_FOUND, Disposition.HARD_DOWN),
        (413, "request_too_large", "x", Kind.TOO_LARGE, Disposition.CALLERS_FAULT),
        (429, "rate_limit_error", "x", Kind.RATE_LIMITED, Disposition.TRANSIENT),
        (500, "api_error", "x", Kind.UPSTREAM, Disposition.TRANSIENT),
        (504, "timeout_error", "x", Kind.TIMEOUT, Disposition.TRANSIENT),
        (529, "overloaded_error", "x", Kind.OVERLOADED, Disposition.TRANSIENT),
    ],
)
def test_what_it_is(
    status: int, kind: str, message: str, read: Kind, disposition: Disposition
) -> None:
    error = refused(status, kind, message)
    assert (error.error_kind, error.disposition) == (read, disposition)
    assert error.upstream_status == status


def test_money_that_is_spent_comes_as_a_rate_limit() -> None:
    error = refused(429, "rate_limit_error", details={"error_code": "enforced_spend_limit_reached"})
    assert (error.error_kind, error.code) == (Kind.QUOTA_EXHAUSTED, "enforced_spend_limit_reached")


def test_hints() -> None:
    error = refused(429, "rate_limit_error", retry_after="7", x_should_retry="false")
    assert (error.retry_after, error.should_retry) == (7, False)
    assert refused(529, "overloaded_error").retry_after is None


@pytest.mark.parametrize(
    "message",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        "messages.3.content.8: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were.",
        "messages.9.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When `thinking` is enabled, a final message must start with a thinking block.",
        "messages.6.content.0.thinking.signature: Field required",
        "The `thinking` block at messages.1.content.0 was created in a different conversation.",
        "messages.1: prefix_binding_mismatch",
    ],
)
@pytest.mark.parametrize("status", [400, 429])
def test_thought_that_was_sealed_elsewhere(message: str, status: int) -> None:
    error = refused(status, "invalid_request_error", message)
    assert error.code == "foreign_reasoning"
    assert (error.error_kind, error.disposition) == (Kind.BAD_REQUEST, Disposition.CALLERS_FAULT)


def test_the_same_of_openai() -> None:
    body = {"error": {"message": "x", "type": "y", "code": "invalid_encrypted_content"}}
    error = OPENAI_CHAT.decode_error(400, {}, json.dumps(body).encode())
    assert isinstance(error, UpstreamRefused)
    assert error.code == "foreign_reasoning"


@pytest.mark.parametrize(
    "message",
    [
        "thinking is not supported by this model",
        "`max_tokens` must be greater than `thinking.budget_tokens`.",
        "messages.0: use a different model for this",
    ],
)
def test_what_is_another_thing(message: str) -> None:
    assert refused(400, "invalid_request_error", message).code != "foreign_reasoning"


def test_a_prompt_that_is_too_long_is_said_in_words_that_clients_know() -> None:
    error = UpstreamRefused(
        "Maximum context length is 8192.",
        kind=Kind.CONTEXT_TOO_LONG,
        disposition=Disposition.CONTEXT_LENGTH,
        code="context_length_exceeded",
    )
    told = json.loads(ANTHROPIC_MESSAGES.encode_error(error, request_id=""))["error"]
    assert told["message"] == "prompt is too long: Maximum context length is 8192."
    assert told["type"] == "invalid_request_error"
