"""Errors of providers, read."""

import json

import pytest

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import STATUS, Disposition, Kind, UpstreamRefused

CALLER, DEAD, HARD, LONG, TRANSIENT = (
    Disposition.CALLERS_FAULT,
    Disposition.DEAD_KEY,
    Disposition.HARD_DOWN,
    Disposition.CONTEXT_LENGTH,
    Disposition.TRANSIENT,
)


def refused(
    status: int, body: object, headers: dict[bytes, bytes] | None = None
) -> UpstreamRefused:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = OPENAI_CHAT.decode_error(status, headers or {}, raw)
    assert isinstance(error, UpstreamRefused)
    assert error.upstream_status == status
    # What the provider itself calls a bad request stays one, although the model is not there.
    kept = status == 400 and error.error_kind is Kind.MODEL_NOT_FOUND
    assert error.status == (400 if kept else STATUS[error.error_kind])
    return error


def openai(
    message: str = "m", *, code: object = None, kind: object = None, param: object = None
) -> object:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "disposition", "code"),
    [
        # OpenAI, Azure
        (
            400,
            openai("bad", kind="invalid_request_error", param="messages[0]"),
            Kind.BAD_REQUEST,
            CALLER,
            "invalid_request_error",
        ),
        (
            400,
            openai(code="context_length_exceeded"),
            Kind.CONTEXT_TOO_LONG,
            LONG,
            "context_length_exceeded",
        ),
        (
            400,
            openai(code="unsupported_parameter", param="temperature"),
            Kind.UNSUPPORTED_PARAMETER,
            CALLER,
            "unsupported_parameter",
        ),
        (400, openai(code="content_filter"), Kind.CONTENT_FILTER, CALLER, "content_filter"),
        (401, openai(code="invalid_api_key"), Kind.UPSTREAM_AUTH, DEAD, "invalid_api_key"),
        (403, openai(kind="permission_error"), Kind.UPSTREAM_AUTH, HARD, "permission_error"),
        (404, openai(code="model_not_found"), Kind.MODEL_NOT_FOUND, HARD, "model_not_found"),
        (404, openai(code="DeploymentNotFound"), Kind.MODEL_NOT_FOUND, HARD, "DeploymentNotFound"),
        (
            429,
            openai(code="rate_limit_exceeded", kind="tokens"),
            Kind.RATE_LIMITED,
            TRANSIENT,
            "rate_limit_exceeded",
        ),
        (
            429,
            openai(code="slow_down", kind="rate_limit_error"),
            Kind.RATE_LIMITED,
            TRANSIENT,
            "slow_down",
        ),
        (
            429,
            openai(code="insufficient_quota", kind="insufficient_quota"),
            Kind.QUOTA_EXHAUSTED,
            DEAD,
            "insufficient_quota",
        ),
        (
            429,
            openai(code="credit_balance_exhausted"),
            Kind.QUOTA_EXHAUSTED,
            DEAD,
            "credit_balance_exhausted",
        ),
        (
            503,
            openai(code="server_is_overloaded"),
            Kind.OVERLOADED,
            TRANSIENT,
            "server_is_overloaded",
        ),
        # Moonshot
        (
            403,
            openai("account balance", kind="exceeded_current_quota_error"),
            Kind.QUOTA_EXHAUSTED,
            DEAD,
            "exceeded_current_quota_error",
        ),
        (
            429,
            openai(kind="rate_limit_reached_error"),
            Kind.RATE_LIMITED,
            TRANSIENT,
            "rate_limit_reached_error",
        ),
        (
            429,
            openai(kind="engine_overloaded_error"),
            Kind.OVERLOADED,
            TRANSIENT,
            "engine_overloaded_error",
        ),
        (
            400,
            openai("exceeded model token limit: 8192", kind="invalid_request_error"),
            Kind.CONTEXT_TOO_LONG,
            LONG,
            "invalid_request_error",
        ),
        (400, openai(kind="content_filter"), Kind.CONTENT_FILTER, CALLER, "content_filter"),
        # Z.AI
        (429, {"error": {"code": "1302", "message": "m"}}, Kind.RATE_LIMITED, TRANSIENT, "1302"),
        (429, {"error": {"code": "1113", "message": "m"}}, Kind.QUOTA_EXHAUSTED, DEAD, "1113"),
        (429, {"error": {"code": "1305", "message": "m"}}, Kind.OVERLOADED, TRANSIENT, "1305"),
        (400, {"error": {"code": "1261", "message": "m"}}, Kind.CONTEXT_TOO_LONG, LONG, "1261"),
        (400, {"error": {"code": "1301", "message": "m"}}, Kind.CONTENT_FILTER, CALLER, "1301"),
        (400, {"error": {"code": 1211, "message": "m"}}, Kind.MODEL_NOT_FOUND, HARD, "1211"),
        (401, {"error": {"code": "1002", "message": "m"}}, Kind.UPSTREAM_AUTH, DEAD, "1002"),
        # Text Generation Inference, vLLM, llama.cpp, Ollama
        (
            422,
            {"error": "`inputs` must have less than 10 tokens", "error_type": "validation"},
            Kind.BAD_REQUEST,
            CALLER,
            "validation",
        ),
        (
            424,
            {"error": "out of memory", "error_type": "generation"},
            Kind.UPSTREAM,
            TRANSIENT,
            "generation",
        ),
        (
            429,
            {"error": "Model is overloaded", "error_type": "overloaded"},
            Kind.OVERLOADED,
            TRANSIENT,
            "overloaded",
        ),
        (
            400,
            {
                "object": "error",
                "message": "This model's maximum context length is 8 tokens",
                "type": "BadRequestError",
                "code": 400,
            },
            Kind.CONTEXT_TOO_LONG,
            LONG,
            "BadRequestError",
        ),
        (
            404,
            {
                "object": "error",
                "message": "The model `x` does not exist.",
                "type": "NotFoundError",
                "code": 404,
            },
            Kind.MODEL_NOT_FOUND,
            HARD,
            "NotFoundError",
        ),
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "the request exceeds the available context size",
                    "type": "exceed_context_size_error",
                }
            },
            Kind.CONTEXT_TOO_LONG,
            LONG,
            "exceed_context_size_error",
        ),
        (
            503,
            {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
            Kind.OVERLOADED,
            TRANSIENT,
            "unavailable_error",
        ),
        (
            404,
            openai('model "x" not found, try pulling it first', kind="api_error"),
            Kind.MODEL_NOT_FOUND,
            HARD,
            "api_error",
        ),
        # OpenRouter, Mistral, xAI, FastAPI, Gemini
        (
            402,
            {"error": {"code": 402, "message": "Insufficient credits"}},
            Kind.QUOTA_EXHAUSTED,
            DEAD,
            "http_402",
        ),
        (
            429,
            {
                "error": {
                    "code": 429,
                    "message": "Provider returned error",
                    "metadata": {"raw": "busy"},
                }
            },
            Kind.RATE_LIMITED,
            TRANSIENT,
            "http_429",
        ),
        (
            400,
            {
                "error": {
                    "code": 400,
                    "message": "Provider returned error",
                    "metadata": {"raw": '{"error":{"message":"prompt is too long: 9 > 8"}}'},
                }
            },
            Kind.CONTEXT_TOO_LONG,
            LONG,
            "http_400",
        ),
        (
            422,
            {
                "object": "error",
                "message": {"detail": [{"msg": "field required"}]},
                "type": "invalid_request_error",
            },
            Kind.BAD_REQUEST,
            CALLER,
            "invalid_request_error",
        ),
        (
            422,
            {"detail": [{"loc": ["body"], "msg": "field required"}]},
            Kind.BAD_REQUEST,
            CALLER,
            "http_422",
        ),
        (
            404,
            {
                "code": "Some requested entity was not found",
                "error": "The model grok-beta was deprecated",
            },
            Kind.MODEL_NOT_FOUND,
            HARD,
            "http_404",
        ),
        (
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "Incorrect API key provided: xa***zz.",
            },
            Kind.UPSTREAM_AUTH,
            DEAD,
            "http_400",
        ),
        (
            400,
            [
                {
                    "error": {
                        "code": 400,
                        "message": "API key not valid. Please pass a valid API key.",
                        "status": "INVALID_ARGUMENT",
                    }
                }
            ],
            Kind.UPSTREAM_AUTH,
            DEAD,
            "http_400",
        ),
        (
            400,
            {"error": {"code": "model_decommissioned", "message": "m"}},
            Kind.MODEL_NOT_FOUND,
            HARD,
            "model_decommissioned",
        ),
        (
            403,
            openai("Your account has insufficient balance"),
            Kind.QUOTA_EXHAUSTED,
            DEAD,
            "http_403",
        ),
        # the status alone
        (408, b"", Kind.TIMEOUT, TRANSIENT, "http_408"),
        (409, openai(), Kind.UPSTREAM, TRANSIENT, "http_409"),
        (413, b"<html>413</html>", Kind.TOO_LARGE, CALLER, "http_413"),
        (425, b"", Kind.UPSTREAM, TRANSIENT, "http_425"),
        (429, b"", Kind.RATE_LIMITED, TRANSIENT, "http_429"),
        (500, b"Internal Server Error", Kind.UPSTREAM, TRANSIENT, "http_500"),
        (500, openai("Rate limit reached, slow down"), Kind.RATE_LIMITED, TRANSIENT, "http_500"),
        (502, b"<html>Bad Gateway</html>", Kind.UPSTREAM, TRANSIENT, "http_502"),
        (503, b"", Kind.OVERLOADED, TRANSIENT, "http_503"),
        (504, b"upstream timed out", Kind.TIMEOUT, TRANSIENT, "http_504"),
        (529, b"", Kind.OVERLOADED, TRANSIENT, "http_529"),
        (599, b"", Kind.UPSTREAM, TRANSIENT, "http_599"),
        (501, b"", Kind.UPSTREAM, HARD, "http_501"),
        (302, b"", Kind.UPSTREAM, HARD, "http_302"),
        (418, b"", Kind.UPSTREAM, HARD, "http_418"),
        # a page of a proxy says nothing about the request or the key
        (400, b"<html>", Kind.UPSTREAM, HARD, "http_400"),
        (403, b"<!doctype html>Attention", Kind.UPSTREAM, HARD, "http_403"),
        (404, b" <html>", Kind.UPSTREAM, HARD, "http_404"),
        (401, b"<html>", Kind.UPSTREAM_AUTH, DEAD, "http_401"),
        (401, b"", Kind.UPSTREAM_AUTH, DEAD, "http_401"),
        (400, b"", Kind.BAD_REQUEST, CALLER, "http_400"),
        (400, b"{broken", Kind.BAD_REQUEST, CALLER, "http_400"),
        (400, b"[]", Kind.BAD_REQUEST, CALLER, "http_400"),
        (400, b'{"error":null}', Kind.BAD_REQUEST, CALLER, "http_400"),
        (400, b'{"error":[1]}', Kind.BAD_REQUEST, CALLER, "http_400"),
        (
            400,
            b'{"error":{"message":5,"code":true,"param":[]}}',
            Kind.BAD_REQUEST,
            CALLER,
            "http_400",
        ),
        (400, b"\xff\xfe", Kind.BAD_REQUEST, CALLER, "http_400"),
    ],
)
def test_what_it_was(
    status: int, body: object, kind: Kind, disposition: Disposition, code: str
) -> None:
    error = refused(status, body)
    assert (error.error_kind, error.disposition, error.code) == (kind, disposition, code)
    assert error.message


def test_the_caller_is_told_what_the_provider_said() -> None:
    error = refused(
        400, openai("Invalid image. See https://platform.openai.com/docs", param="messages[3]")
    )
    assert error.message == "Invalid image. See https://platform.openai.com/docs"
    assert error.param == "messages[3]"
    error = refused(
        400, {"error": {"message": "Provider returned error", "metadata": {"raw": "image too big"}}}
    )
    assert error.message == "Provider returned error: image too big"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Incorrect API key provided: sk-proj-abc123DEF.", "Incorrect API key provided: [key]"),
        ("Incorrect API key provided: abc123.", "Incorrect API key provided: [key]"),
        (
            "header 'Authorization: Bearer xyz' is wrong",
            "header 'Authorization: Bearer [key]' is wrong",
        ),
        ("key gsk_1234567890abcdef and AIzaSyD-123456789", "key [key] and [key]"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln", "token [key]"),
        ("0123456789abcdef0123456789abcdef.AbCdEfGh12345678 expired", "[key] expired"),
        ("api_key=secretvalue&x", "api_key=[key]"),
        (
            "a task-based risk-free key_name in api_key",
            "a task-based risk-free key_name in api_key",
        ),
    ],
)
def test_keys_are_never_shown(said: str, shown: str) -> None:
    assert (
        refused(400, openai(said)).message.removeprefix("The provider refused the gateway's key: ")
        == shown
    )


@pytest.mark.parametrize("member", ["code", "kind"])
def test_a_key_is_no_code(member: str) -> None:
    key = "sk-proj-0123456789abcdef"
    assert refused(401, openai("no", **{member: key})).code == "http_401"


def test_addresses_are_shown_only_in_what_the_caller_did() -> None:
    assert (
        refused(500, openai("no route to http://10.1.2.3:8000/v1 (10.1.2.3:8000)")).message
        == "no route to [address] ([address])"
    )


def test_a_message_has_a_bound() -> None:
    assert len(refused(400, openai("x" * 100_000)).message) < 3000
    assert len(refused(500, b"x" * 100_000).message) < 3000


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"20"}, 20.0),
        ({b"retry-after": b"0.5"}, 0.5),
        ({b"retry-after": b" 20 "}, 20.0),
        ({b"retry-after": b"-5"}, None),
        ({b"retry-after": b"0"}, 0.0),
        ({b"retry-after-ms": b"-1", b"retry-after": b"9"}, 9.0),
        ({b"retry-after": b"99999999"}, 86400.0),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"inf"}, None),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"\xff"}, None),
        ({b"retry-after-ms": b"1500", b"retry-after": b"9"}, 1.5),
        ({b"retry-after-ms": b"x", b"retry-after": b"9"}, 9.0),
        (
            {
                b"retry-after": b"Wed, 21 Oct 2026 07:28:30 GMT",
                b"date": b"Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30.0,
        ),
        (
            {
                b"retry-after": b"Wed, 21 Oct 2026 07:28:00 GMT",
                b"date": b"Wed, 21 Oct 2026 07:28:30 GMT",
            },
            None,
        ),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ],
)
def test_when_to_come_back(headers: dict[bytes, bytes], seconds: float | None) -> None:
    assert refused(429, openai(), headers).retry_after == seconds
