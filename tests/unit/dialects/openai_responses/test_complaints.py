"""Errors for callers, written: what the official client and Codex make of them."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

from antiphon.dialects.contract import Position
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.dialects.openai_responses.complaints import _WORDS
from antiphon.errors import (
    AntiphonError,
    ConnectFailed,
    Disposition,
    Exhausted,
    FailedAttempt,
    Forbidden,
    InvalidRequest,
    Kind,
    MalformedBody,
    ModelNotFound,
    Overloaded,
    Unauthenticated,
    UnsupportedParameter,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
)
from antiphon.model.events import Started, TextDelta


def refused(kind: Kind, code: str, *, retry_after: float | None = None) -> UpstreamRefused:
    return UpstreamRefused(
        "said",
        kind=kind,
        disposition=Disposition.TRANSIENT,
        code=code,
        retry_after=retry_after,
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


def test_every_kind_has_words() -> None:
    assert set(_WORDS) == set(Kind)


def no_such_model(status: int) -> UpstreamRefused:
    """As its provider says it; OpenAI itself says 400 here."""
    error = {"message": "m", "type": "invalid_request_error", "code": "model_not_found"}
    body = json.dumps({"error": error}).encode()
    refusal = OPENAI_RESPONSES.decode_error(status, {}, body)
    assert isinstance(refusal, UpstreamRefused)
    return refusal


@pytest.mark.parametrize(
    ("error", "raised", "code"),
    [
        (MalformedBody("m", param="input[0].role"), openai.BadRequestError, None),
        (InvalidRequest("m"), openai.BadRequestError, None),
        (
            UnsupportedParameter("m", param="previous_response_id"),
            openai.BadRequestError,
            "unsupported_parameter",
        ),
        (Unauthenticated("m"), openai.AuthenticationError, "invalid_api_key"),
        (Forbidden("m", param="model"), openai.PermissionDeniedError, "model_not_allowed"),
        (ModelNotFound("x", ["y"]), openai.NotFoundError, "model_not_found"),
        (no_such_model(400), openai.BadRequestError, "model_not_found"),
        (no_such_model(404), openai.NotFoundError, "model_not_found"),
        (Overloaded("m"), openai.InternalServerError, "server_is_overloaded"),
        (refused(Kind.BAD_REQUEST, "invalid_prompt"), openai.BadRequestError, "invalid_prompt"),
        (refused(Kind.CONTEXT_TOO_LONG, "x"), openai.BadRequestError, "context_length_exceeded"),
        (refused(Kind.RATE_LIMITED, "x"), openai.RateLimitError, "rate_limit_exceeded"),
        (exhausted(Kind.UPSTREAM), openai.InternalServerError, "upstream_error"),
    ],
)
def test_what_the_client_raises(
    error: AntiphonError, raised: type[openai.APIError], code: str | None
) -> None:
    body = OPENAI_RESPONSES.encode_error(error, request_id="req_1")
    status = OPENAI_RESPONSES.status_of(error)

    def answer(request: httpx2.Request) -> httpx2.Response:
        del request
        headers = {"content-type": "application/json", "x-request-id": "req_1"}
        return httpx2.Response(status, content=body, headers=headers)

    with pytest.raises(raised) as caught:
        client(answer).responses.create(model="m", input="x")
    assert caught.value.code == code
    assert caught.value.param == error.param
    assert json.loads(body)["request_id"] == "req_1"
    assert "sk-abcdefgh" not in body.decode()


def test_what_was_tried_is_told() -> None:
    body = json.loads(OPENAI_RESPONSES.encode_error(exhausted(Kind.TIMEOUT), request_id=""))
    assert [each["deployment"] for each in body["error"]["attempts"]] == ["a/one", "b/two"]
    assert "request_id" not in body


# ------------------------------------------------------------------ inside a stream


BROKEN = UpstreamBroken("The connection broke.", code="truncated")


def streamed(error: AntiphonError, *, said: bool = True) -> bytes:
    encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True)
    out = b""
    if said:
        out = encoder.feed(Started("resp_1", "m", 7)) + encoder.feed(TextDelta("Hel"))
    position = encoder.position if said else Position()
    return out + OPENAI_RESPONSES.encode_stream_error(error, request_id="req_1", position=position)


def events_of(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(frame.partition(b"\ndata: ")[2]) for frame in stream.split(b"\n\n")[:-1]]


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("helper", [True, False])
def test_a_stream_that_fails(said: bool, helper: bool) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        del request
        return httpx2.Response(
            200,
            content=streamed(BROKEN, said=said),
            headers={"content-type": "text/event-stream"},
        )

    heard: list[str] = []

    def listen() -> None:
        if not helper:
            events = client(answer).responses.create(model="m", input="x", stream=True)
            heard.extend(event.type for event in events)
            return
        with client(answer).responses.stream(model="m", input="x") as stream:
            heard.extend(event.type for event in stream)

    with pytest.raises(openai.APIError, match="The connection broke") as caught:
        listen()
    assert caught.value.code == "upstream_error"
    assert ("response.output_text.delta" in heard) is said


def test_the_frames_go_on_where_the_stream_was() -> None:
    events = events_of(streamed(BROKEN))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    raised, failed = events[-2:]
    assert (raised["type"], raised["message"]) == ("error", "The connection broke.")
    assert failed["type"] == "response.failed"
    assert failed["response"]["id"] == "resp_1"
    assert failed["response"]["status"] == "failed"
    before = events_of(streamed(BROKEN, said=False))
    assert before[-1]["response"]["id"] == "resp_req1"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refused(Kind.CONTEXT_TOO_LONG, "x"), "context_length_exceeded"),
        (refused(Kind.RATE_LIMITED, "x"), "rate_limit_exceeded"),
        (refused(Kind.QUOTA_EXHAUSTED, "x"), "insufficient_quota"),
        (refused(Kind.OVERLOADED, "x"), "server_is_overloaded"),
        (refused(Kind.BAD_REQUEST, "x"), "invalid_prompt"),
        (BROKEN, "server_error"),
        (exhausted(Kind.TIMEOUT), "server_error"),
    ],
)
def test_codex_knows_what_to_do(error: AntiphonError, code: str) -> None:
    """It reads `response.failed` alone: the code says if a retry can help."""
    failed = events_of(streamed(error))[-1]
    assert failed["response"]["error"]["code"] == code
    assert failed["response"]["error"]["message"] == error.message


def test_codex_knows_how_long_to_wait() -> None:
    failed = events_of(streamed(refused(Kind.RATE_LIMITED, "x", retry_after=2.5)))[-1]
    assert failed["response"]["error"]["message"] == "said Please try again in 2.5s."


def test_a_gateway_behind_reads_it_as_a_failure() -> None:
    decoder = OPENAI_RESPONSES.stream_decoder()
    splitter = OPENAI_RESPONSES.splitter()
    events = [
        event
        for frame in splitter.feed(streamed(refused(Kind.RATE_LIMITED, "x")))
        for event in decoder.feed(frame)
    ]
    failures = [event.error for event in events if hasattr(event, "error")]
    assert {failure.error_kind for failure in failures} == {Kind.RATE_LIMITED}
