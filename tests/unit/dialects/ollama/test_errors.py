"""Errors: what servers say, and what callers are told."""

import json

import pytest

from antiphon.dialects.ollama import OLLAMA
from antiphon.errors import (
    STATUS,
    AntiphonError,
    Disposition,
    Exhausted,
    FailedAttempt,
    Kind,
    MalformedBody,
    UpstreamBroken,
    UpstreamRefused,
)


@pytest.mark.parametrize(
    ("status", "message", "kind", "disposition"),
    [
        (404, "model 'x:8b' not found", Kind.MODEL_NOT_FOUND, Disposition.HARD_DOWN),
        (400, "invalid think value", Kind.BAD_REQUEST, Disposition.CALLERS_FAULT),
        (
            400,
            "registry.ollama.ai/library/gemma:2b does not support tools",
            Kind.UNSUPPORTED_PARAMETER,
            Disposition.CALLERS_FAULT,
        ),
        (
            400,
            '"gemma:2b" does not support thinking',
            Kind.UNSUPPORTED_PARAMETER,
            Disposition.CALLERS_FAULT,
        ),
        (
            400,
            "the input length exceeds the context length",
            Kind.CONTEXT_TOO_LONG,
            Disposition.CONTEXT_LENGTH,
        ),
        (
            500,
            "model requires more system memory (8.0 GiB) than is available (4.1 GiB)",
            Kind.UPSTREAM,
            Disposition.HARD_DOWN,
        ),
        (500, "llama runner process has terminated", Kind.UPSTREAM, Disposition.TRANSIENT),
        (
            503,
            "server busy, please try again.  maximum pending requests exceeded",
            Kind.OVERLOADED,
            Disposition.TRANSIENT,
        ),
        # What the caller did wrong, though it is said with 500.
        *(
            (500, said, Kind.BAD_REQUEST, Disposition.CALLERS_FAULT)
            for said in (
                'option "temperature" must be of type float32',
                'option "num_predict" must be of type integer',
                'option "stop" must be of type array',
                'option "stop" must be of an array of strings',
                'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object',
                'invalid format: "[]"; expected "json" or a valid JSON Schema object',
                "invalid JSON schema in format",
            )
        ),
        (401, "unauthorized", Kind.UPSTREAM_AUTH, Disposition.DEAD_KEY),
        (429, "too many requests", Kind.RATE_LIMITED, Disposition.TRANSIENT),
        (502, "remote model is unavailable", Kind.UPSTREAM, Disposition.TRANSIENT),
    ],
)
def test_what_servers_say(status: int, message: str, kind: Kind, disposition: Disposition) -> None:
    error = OLLAMA.decode_error(status, {}, json.dumps({"error": message}).encode())
    assert isinstance(error, UpstreamRefused)
    assert (error.error_kind, error.disposition) == (kind, disposition)
    assert error.upstream_status == status
    assert message.rsplit(maxsplit=1)[-1] in error.message


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_told(kind: Kind) -> None:
    error = UpstreamRefused("Why", kind=kind, disposition=Disposition.TRANSIENT, code="c")
    told = json.loads(OLLAMA.encode_error(error, request_id="req_1"))
    assert "Why" in told["error"]
    assert (told["code"], told["request_id"]) == (kind.value, "req_1")
    assert OLLAMA.status_of(error) == STATUS[kind]


def test_what_is_too_long_is_said_as_the_server_says_it() -> None:
    def told(message: str) -> str:
        error = UpstreamRefused(
            message,
            kind=Kind.CONTEXT_TOO_LONG,
            disposition=Disposition.CONTEXT_LENGTH,
            code="c",
        )
        return str(json.loads(OLLAMA.encode_error(error, request_id=""))["error"])

    assert told("9 > 8") == "the input length exceeds the context length: 9 > 8"
    assert told("It exceeds the context length") == "It exceeds the context length"


def test_the_member_at_fault_and_the_attempts() -> None:
    told = json.loads(OLLAMA.encode_error(MalformedBody("Why", param="model"), request_id=""))
    assert told == {"error": "Why", "code": "bad_request", "param": "model"}
    failure = UpstreamBroken("cut off", code="reset")
    told = json.loads(
        OLLAMA.encode_error(
            Exhausted("Why", kind=Kind.UPSTREAM, attempts=(FailedAttempt("d/m", failure, 1.5),)),
            request_id="r",
        )
    )
    assert told["attempts"] == [
        {"deployment": "d/m", "code": "reset", "message": "cut off", "latency_ms": 1500}
    ]


def test_inside_a_stream_it_is_a_line() -> None:
    error: AntiphonError = UpstreamBroken("cut off", code="reset")
    line = OLLAMA.encode_stream_error(error, request_id="r")
    assert line.endswith(b"}\n")
    assert json.loads(line) == json.loads(OLLAMA.encode_error(error, request_id="r"))
