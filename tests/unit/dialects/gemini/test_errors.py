"""Errors, both ways."""

import json

import pytest

from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.complaints import STATUSES
from antiphon.errors import (
    STATUS,
    Disposition,
    Exhausted,
    FailedAttempt,
    Kind,
    MalformedBody,
    UpstreamBroken,
    UpstreamRefused,
)


def read(status: int, *details: object, code: str = "", message: str = "Oh.") -> UpstreamRefused:
    error = {"code": status, "message": message, "status": code, "details": list(details)}
    found = GEMINI.decode_error(status, {}, json.dumps({"error": error}).encode())
    in_array = GEMINI.decode_error(status, {}, json.dumps([{"error": error}]).encode())
    assert isinstance(found, UpstreamRefused)
    assert isinstance(in_array, UpstreamRefused)
    assert (found.error_kind, found.retry_after) == (in_array.error_kind, in_array.retry_after)
    return found


def detail(kind: str, **members: object) -> dict[str, object]:
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **members}


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "disposition"),
    [
        (400, "INVALID_ARGUMENT", "Oh.", Kind.BAD_REQUEST, Disposition.CALLERS_FAULT),
        (
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
            Kind.UPSTREAM_AUTH,
            Disposition.DEAD_KEY,
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "The input token count (9) exceeds the maximum number of tokens allowed (8).",
            Kind.CONTEXT_TOO_LONG,
            Disposition.CONTEXT_LENGTH,
        ),
        (401, "UNAUTHENTICATED", "Oh.", Kind.UPSTREAM_AUTH, Disposition.DEAD_KEY),
        (402, "", "Oh.", Kind.QUOTA_EXHAUSTED, Disposition.DEAD_KEY),
        (403, "PERMISSION_DENIED", "Oh.", Kind.UPSTREAM_AUTH, Disposition.HARD_DOWN),
        (404, "NOT_FOUND", "Oh.", Kind.MODEL_NOT_FOUND, Disposition.HARD_DOWN),
        *(
            (status, code, f"CachedContent{said}", Kind.BAD_REQUEST, Disposition.CALLERS_FAULT)
            for status, code, said in (
                (403, "PERMISSION_DENIED", " not found (or permission denied)"),
                (404, "NOT_FOUND", " 'cachedContents/x' not found."),
                (400, "INVALID_ARGUMENT", " is not of this model."),
            )
        ),
        (429, "RESOURCE_EXHAUSTED", "Oh.", Kind.RATE_LIMITED, Disposition.TRANSIENT),
        (500, "INTERNAL", "Oh.", Kind.UPSTREAM, Disposition.TRANSIENT),
        (503, "UNAVAILABLE", "The model is overloaded.", Kind.OVERLOADED, Disposition.TRANSIENT),
        (504, "DEADLINE_EXCEEDED", "Oh.", Kind.TIMEOUT, Disposition.TRANSIENT),
    ],
)
def test_what_it_was(
    status: int, code: str, message: str, kind: Kind, disposition: Disposition
) -> None:
    error = read(status, code=code, message=message)
    assert (error.error_kind, error.disposition) == (kind, disposition)
    assert error.upstream_status == status


def test_what_the_details_tell() -> None:
    limited = read(429, detail("RetryInfo", retryDelay="37.5s"), code="RESOURCE_EXHAUSTED")
    assert limited.retry_after == 37.5
    violations = [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]
    daily = read(429, detail("QuotaFailure", violations=violations), code="RESOURCE_EXHAUSTED")
    assert (daily.error_kind, daily.disposition) == (Kind.QUOTA_EXHAUSTED, Disposition.DEAD_KEY)
    key = read(400, detail("ErrorInfo", reason="API_KEY_INVALID"), code="INVALID_ARGUMENT")
    assert key.disposition is Disposition.DEAD_KEY
    fields = [{"field": "contents[0].parts", "description": "Oh."}]
    bad = read(400, detail("BadRequest", fieldViolations=fields), code="INVALID_ARGUMENT")
    assert bad.param == "contents[0].parts"


def test_an_error_of_a_proxy() -> None:
    error = GEMINI.decode_error(502, {b"retry-after": b"3"}, b"<html>Bad gateway</html>")
    assert (error.error_kind, error.retry_after) == (Kind.UPSTREAM, 3)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_words(kind: Kind) -> None:
    error = UpstreamRefused(
        "Oh.",
        kind=kind,
        disposition=Disposition.TRANSIENT,
        code="x",
        retry_after=1.5,
        param="contents",
    )
    body = json.loads(GEMINI.encode_error(error, request_id="req_1"))
    assert body["request_id"] == "req_1"
    told = body["error"]
    assert (told["code"], told["status"]) == (STATUS[kind], STATUSES[kind])
    info, retry = told["details"]
    assert info["reason"] == kind.value.upper()
    assert info["metadata"]["param"] == "contents"
    assert retry["retryDelay"] == "1.5s"
    again = GEMINI.decode_error(told["code"], {}, json.dumps(body).encode())
    assert again.retry_after == 1.5


def test_every_attempt_is_listed() -> None:
    error = Exhausted(
        "All failed.",
        kind=Kind.UPSTREAM,
        attempts=[FailedAttempt("one", UpstreamBroken("Cut.", code="eof"))],
    )
    told = json.loads(GEMINI.encode_error(error, request_id=""))
    assert told["error"]["attempts"] == [
        {"deployment": "one", "code": "eof", "message": "Cut.", "latency_ms": 0}
    ]
    assert "request_id" not in told


def test_inside_a_stream_it_is_one_line_of_data() -> None:
    out = GEMINI.encode_stream_error(MalformedBody("Oh."), request_id="req_1")
    assert out.startswith(b'data: {"error":')
    assert out.count(b"\n") == 2
