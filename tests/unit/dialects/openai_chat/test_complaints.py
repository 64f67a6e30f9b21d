"""Errors for callers, written: what the official client makes of them."""

import json
from collections.abc import Callable

import httpx2
import openai
import pytest

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import (
    STATUS,
    AntiphonError,
    BodyTooLarge,
    BreakerOpen,
    ConnectFailed,
    Disposition,
    Draining,
    Exhausted,
    FailedAttempt,
    Forbidden,
    InternalFault,
    InvalidRequest,
    Kind,
    MalformedBody,
    MethodNotAllowed,
    ModelNotFound,
    NotAnAnswer,
    Overloaded,
    PassedOver,
    PathNotFound,
    RequestTimeout,
    Unauthenticated,
    UnsupportedParameter,
    UpstreamRefused,
    UpstreamTimeout,
)

USER = [{"role": "user", "content": "x"}]


def refused(kind: Kind, code: str, *, param: str | None = None) -> UpstreamRefused:
    return UpstreamRefused(
        "said", kind=kind, disposition=Disposition.CALLERS_FAULT, code=code, param=param
    )


def exhausted(kind: Kind) -> Exhausted:
    attempts = [
        FailedAttempt("a/one", ConnectFailed("Nobody answers.", code="connect_failed")),
        FailedAttempt(
            "b/two", UpstreamTimeout("Too slow for sk-abcdefgh", code="first_byte_timeout"), 2.5
        ),
    ]
    return Exhausted("Every attempt failed.", kind=kind, attempts=attempts)


def client(answer: Callable[[httpx2.Request], httpx2.Response]) -> openai.OpenAI:
    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(api_key="k", base_url="http://gateway/v1", max_retries=0, http_client=http)


@pytest.mark.parametrize(
    ("error", "raised", "kind", "code"),
    [
        (
            MalformedBody("m", param="messages[0].role"),
            openai.BadRequestError,
            "invalid_request_error",
            None,
        ),
        (InvalidRequest("m"), openai.BadRequestError, "invalid_request_error", None),
        (
            UnsupportedParameter("m", param="n"),
            openai.BadRequestError,
            "invalid_request_error",
            "unsupported_parameter",
        ),
        (BodyTooLarge("m"), openai.APIStatusError, "invalid_request_error", "request_too_large"),
        (
            Unauthenticated("m"),
            openai.AuthenticationError,
            "authentication_error",
            "invalid_api_key",
        ),
        (Forbidden("m"), openai.PermissionDeniedError, "permission_error", "permission_denied"),
        (
            Forbidden("m", param="model"),
            openai.PermissionDeniedError,
            "permission_error",
            "model_not_allowed",
        ),
        (
            ModelNotFound("x", ["y"]),
            openai.NotFoundError,
            "invalid_request_error",
            "model_not_found",
        ),
        (PathNotFound("m"), openai.NotFoundError, "invalid_request_error", "not_found"),
        (
            MethodNotAllowed("GET", ["POST"]),
            openai.APIStatusError,
            "invalid_request_error",
            "method_not_allowed",
        ),
        (Overloaded("m"), openai.InternalServerError, "server_error", "overloaded"),
        (Draining("m"), openai.InternalServerError, "server_error", "overloaded"),
        (RequestTimeout("m"), openai.APIStatusError, "timeout", "request_timeout"),
        (InternalFault("m"), openai.InternalServerError, "server_error", "internal_error"),
        (
            refused(Kind.BAD_REQUEST, "invalid_image_format"),
            openai.BadRequestError,
            "invalid_request_error",
            "invalid_image_format",
        ),
        (
            refused(Kind.BAD_REQUEST, "http_400"),
            openai.BadRequestError,
            "invalid_request_error",
            None,
        ),
        (
            refused(Kind.CONTEXT_TOO_LONG, "1261"),
            openai.BadRequestError,
            "invalid_request_error",
            "context_length_exceeded",
        ),
        (
            refused(Kind.CONTENT_FILTER, "content_filter"),
            openai.BadRequestError,
            "invalid_request_error",
            "content_filter",
        ),
        (
            refused(Kind.RATE_LIMITED, "1302"),
            openai.RateLimitError,
            "rate_limit_error",
            "rate_limit_exceeded",
        ),
        (
            refused(Kind.QUOTA_EXHAUSTED, "1113"),
            openai.RateLimitError,
            "insufficient_quota",
            "insufficient_quota",
        ),
        (
            refused(Kind.UPSTREAM_AUTH, "invalid_api_key"),
            openai.InternalServerError,
            "api_error",
            "upstream_auth",
        ),
        (
            NotAnAnswer("m", code="html_body"),
            openai.InternalServerError,
            "server_error",
            "upstream_error",
        ),
        (exhausted(Kind.UPSTREAM), openai.InternalServerError, "server_error", "upstream_error"),
        (exhausted(Kind.TIMEOUT), openai.InternalServerError, "timeout", "timeout"),
        (
            exhausted(Kind.RATE_LIMITED),
            openai.RateLimitError,
            "rate_limit_error",
            "rate_limit_exceeded",
        ),
    ],
)
def test_the_official_client_raises_its_own(
    error: AntiphonError, raised: type[openai.APIStatusError], kind: str, code: str | None
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        body = OPENAI_CHAT.encode_error(error, request_id="req_1")
        headers = {"content-type": "application/json", "x-request-id": "req_1"}
        return httpx2.Response(OPENAI_CHAT.status_of(error), content=body, headers=headers)

    with pytest.raises(raised) as caught:
        client(answer).chat.completions.create(model="m", messages=USER)
    assert type(caught.value) is raised
    assert (caught.value.type, caught.value.code, caught.value.param) == (kind, code, error.param)
    assert caught.value.request_id == "req_1"
    assert error.message in caught.value.message


def test_every_kind_has_words_and_a_status() -> None:
    for kind in Kind:
        body = json.loads(OPENAI_CHAT.encode_error(exhausted(kind), request_id="r"))
        assert body["error"]["type"]
        assert STATUS[kind]


def test_each_attempt_is_listed_without_keys() -> None:
    body = json.loads(OPENAI_CHAT.encode_error(exhausted(Kind.UPSTREAM), request_id="r"))
    assert body["request_id"] == "r"
    assert body["error"]["attempts"] == [
        {
            "deployment": "a/one",
            "code": "connect_failed",
            "message": "Nobody answers.",
            "latency_ms": 0,
        },
        {
            "deployment": "b/two",
            "code": "first_byte_timeout",
            "message": "Too slow for [key]",
            "latency_ms": 2500,
        },
    ]


def test_who_was_passed_over_is_listed_too() -> None:
    passed = [PassedOver("a/one", "breaker", 41.2), PassedOver("b/two", "breaker", 0.0)]
    body = json.loads(OPENAI_CHAT.encode_error(BreakerOpen("fast", passed), request_id="r"))
    assert body["error"]["passed_over"] == [
        {"deployment": "a/one", "reason": "breaker", "seconds": 41.2},
        {"deployment": "b/two", "reason": "breaker", "seconds": 0.0},
    ]
    assert "attempts" not in body["error"]
    assert "a/one is probed in 42 s, b/two is being probed" in body["error"]["message"]


# ------------------------------------------------------------------ inside a stream

CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"half"}}]}\n\n'


def streamed(*frames: bytes) -> list[str]:
    """What the official client reads of a stream; raises what it raises."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            200, content=b"".join(frames), headers={"content-type": OPENAI_CHAT.stream_type}
        )

    stream = client(answer).chat.completions.create(model="m", messages=USER, stream=True)
    texts: list[str] = []
    try:
        for chunk in stream:
            texts += [choice.delta.content or "" for choice in chunk.choices]
    except openai.APIError as error:
        assert texts == ["half"]
        raise error from None
    return texts


@pytest.mark.parametrize("after", [b"", b"data: [DONE]\n\n"])
def test_the_official_client_raises_on_an_error_event(after: bytes) -> None:
    frame = OPENAI_CHAT.encode_stream_error(
        NotAnAnswer("The provider broke off.", code="reset"), request_id="r"
    )
    assert frame.startswith(b'data: {"error":')
    assert frame.endswith(b"}\n\n")
    assert b"[DONE]" not in frame
    with pytest.raises(openai.APIError, match="The provider broke off") as caught:
        streamed(CHUNK, frame, after)
    assert (caught.value.type, caught.value.code) == ("server_error", "upstream_error")


def test_the_official_client_does_not_hear_the_heartbeat() -> None:
    beat = OPENAI_CHAT.heartbeat
    assert streamed(beat, beat, CHUNK, beat, CHUNK, beat, b"data: [DONE]\n\n") == ["half", "half"]
    decoder, splitter = OPENAI_CHAT.stream_decoder(), OPENAI_CHAT.splitter()
    assert [decoder.feed(frame) for frame in splitter.feed(beat)] == [()]
