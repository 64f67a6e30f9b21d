"""Faults that a provider reports honestly: a status, an envelope, a hint when to come again."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from antiphon.simulator.dialect import Problem
from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.reply import JSON, Headers, Reply, plain

_HTML = (b"content-type", b"text/html; charset=utf-8")
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
ERROR_PAGE: Final = (
    b"<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n"
    b"<body><center><h1>502 Bad Gateway</h1></center><hr>a proxy in between</body></html>\n"
)


def _complaining(told: Problem, headers: Headers = ()) -> Damage:
    """Answers with this problem instead, in the words of the dialect."""

    def damage(_reply: Reply, scene: Scene) -> Reply:
        return scene.dialect.complain(told).with_headers(*headers)

    return damage


def _answering(body: bytes, *, status: int, headers: Headers) -> Damage:
    """Answers with these bytes instead."""

    def damage(_reply: Reply, _scene: Scene) -> Reply:
        return plain(body, status=status, headers=headers)

    return damage


def _naming_the_key(_reply: Reply, scene: Scene) -> Reply:
    headers = (scene.received.header(name) for name in (b"authorization", b"api-key"))
    sent = next((header for header in headers if header), b"(none)").decode("latin-1")
    key = sent.removeprefix("Bearer ")
    told = f"Incorrect API key provided: {key}."
    return scene.dialect.complain(Problem(401, told, code="invalid_api_key"))


def _as_success(reply: Reply) -> Reply:
    return msgspec.structs.replace(reply, status=200)


def _limited(*headers: tuple[bytes, bytes]) -> Damage:
    return _complaining(_RATE_LIMITED, headers)


_RATE_LIMITED: Final = Problem(
    429,
    "Rate limit reached for requests. Please try again in 1s.",
    type="requests",
    code="rate_limit_exceeded",
)
_QUOTA: Final = Problem(
    429,
    "You exceeded your current quota, please check your plan and billing details.",
    code="insufficient_quota",
    type="insufficient_quota",
)
_TOO_LONG: Final = Problem(
    400,
    "This model's maximum context length is 8192 tokens. However, your messages resulted in "
    "9001 tokens. Please reduce the length of the messages.",
    code="context_length_exceeded",
    param="messages",
)
_FILTERED: Final = Problem(
    400,
    "The response was filtered due to the prompt triggering the content management policy.",
    code="content_filter",
    param="prompt",
)
_OVERLOADED: Final = Problem(500, "The model is overloaded.", code="overloaded", type="overloaded")

STATUS_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "rate-limited": Fault("429 with `Retry-After: 1`", _limited((b"retry-after", b"1"))),
        "rate-limited-ms": Fault(
            "429 with `retry-after-ms: 50`", _limited((b"retry-after-ms", b"50"))
        ),
        "rate-limited-long": Fault(
            "429 with `Retry-After: 3600`", _limited((b"retry-after", b"3600"))
        ),
        "rate-limited-date": Fault(
            "429 with a date that has passed as `Retry-After`",
            _limited((b"retry-after", b"Thu, 01 Jan 2026 00:00:00 GMT")),
        ),
        "rate-limited-bare": Fault("429 without a hint when to come again", _limited()),
        "no-retry": Fault(
            "429 with `x-should-retry: false`", _limited((b"x-should-retry", b"false"))
        ),
        "quota": Fault(
            "429 `insufficient_quota`: no money left, retrying is useless", _complaining(_QUOTA)
        ),
        "bad-key": Fault(
            "401 `invalid_api_key`",
            _complaining(Problem(401, "Incorrect API key provided.", code="invalid_api_key")),
        ),
        "key-echo": Fault("401 whose message repeats the key that was sent", _naming_the_key),
        "forbidden": Fault(
            "403: the key may not use this model",
            _complaining(Problem(403, "You are not allowed to sample from this model.")),
        ),
        "no-model": Fault(
            "404 `model_not_found`",
            _complaining(Problem(404, "The model does not exist.", code="model_not_found")),
        ),
        "bad-request": Fault(
            "400: a parameter that this model does not take",
            _complaining(
                Problem(
                    400,
                    "Unsupported parameter: 'temperature' is not supported with this model.",
                    code="unsupported_parameter",
                    param="temperature",
                )
            ),
        ),
        "context-length": Fault("400 `context_length_exceeded`", _complaining(_TOO_LONG)),
        "content-filter": Fault(
            "400 `content_filter`, as Azure refuses a prompt", _complaining(_FILTERED)
        ),
        "timeout": Fault(
            "408: the provider gave up waiting", _complaining(Problem(408, "Timeout."))
        ),
        "server-error": Fault(
            "500 `server_error`",
            _complaining(
                Problem(500, "The server had an error while processing.", type="server_error")
            ),
        ),
        "server-error-text": Fault(
            "500 with plain text",
            _answering(b"Internal Server Error", status=500, headers=(_TEXT,)),
        ),
        "bad-gateway": Fault(
            "502 with the HTML page of a proxy",
            _answering(ERROR_PAGE, status=502, headers=(_HTML,)),
        ),
        "unavailable": Fault("503 without a body", _answering(b"", status=503, headers=(_TEXT,))),
        "overloaded": Fault(
            "503 `server_is_overloaded` with `Retry-After: 1`",
            _complaining(
                Problem(
                    503,
                    "The engine is overloaded.",
                    type="server_error",
                    code="server_is_overloaded",
                ),
                ((b"retry-after", b"1"),),
            ),
        ),
        "redirect": Fault(
            "302 to another path of the same host",
            _answering(b"", status=302, headers=((b"location", b"/elsewhere"),)),
        ),
        "html": Fault(
            "200 with an HTML page", _answering(ERROR_PAGE, status=200, headers=(_HTML,))
        ),
        "error-200": Fault(
            "200 with an error as its body",
            lambda _, scene: _as_success(scene.dialect.complain(_OVERLOADED)),
        ),
        "empty-200": Fault("200 with no body", _answering(b"", status=200, headers=(JSON,))),
        "empty-object": Fault("200 with `{}`", _answering(b"{}", status=200, headers=(JSON,))),
        "no-content": Fault("204", _answering(b"", status=204, headers=())),
    }
)
