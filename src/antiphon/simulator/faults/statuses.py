"""Refusals that a provider reports honestly: a status, an envelope, sometimes only a page."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from antiphon.simulator.dialect import Problem
from antiphon.simulator.faults.answers import ERROR_PAGE, HTML, TEXT, answering, complaining
from antiphon.simulator.faults.fault import Fault, Scene
from antiphon.simulator.gemini.paths import key_in_query
from antiphon.simulator.reply import Reply, plain
from antiphon.simulator.wires import GEMINI, WIRES

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
_UNSUPPORTED: Final = Problem(
    400,
    "Unsupported parameter: 'temperature' is not supported with this model.",
    code="unsupported_parameter",
    param="temperature",
)
_SERVER_ERROR: Final = Problem(
    500, "The server had an error while processing.", type="server_error"
)
_BAD_KEY: Final = Problem(401, "Incorrect API key provided.", code="invalid_api_key")
_FORBIDDEN: Final = Problem(403, "You are not allowed to sample from this model.")
_NO_MODEL: Final = Problem(404, "The model does not exist.", code="model_not_found")


def _naming_the_key(_reply: Reply, scene: Scene) -> Reply:
    names = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
    headers = (scene.received.header(name) for name in names)
    sent = next((header for header in headers if header), b"").decode("latin-1")
    key = sent.removeprefix("Bearer ") or key_in_query(scene.received) or "(none)"
    told = f"Incorrect API key provided: {key}."
    return scene.dialect.complain(Problem(401, told, code="invalid_api_key"))


def _redirected_away(_reply: Reply, scene: Scene) -> Reply:
    """To the caller's own port of another loopback address, where a test may listen."""
    _, _, port = (scene.received.header(b"host") or b"").rpartition(b":")
    path = scene.received.path.encode("latin-1")
    target = b"http://127.0.0.2:%b%b" % (port if port.isdigit() else b"80", path)
    return plain(b"", status=307, headers=((b"location", target),))


STATUS_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "quota": Fault(
            "429 `insufficient_quota`, at Anthropic 402, at Google the quota of a day: no money "
            "left, retrying is useless",
            complaining(_QUOTA),
            "tells it from a rate limit: sets the key aside, and asks with another or elsewhere",
        ),
        "bad-key": Fault(
            "401 `invalid_api_key`, at Google 400 `API_KEY_INVALID`",
            complaining(_BAD_KEY),
            "sets the key aside; the caller, whose own key is good, never sees 401",
        ),
        "key-echo": Fault(
            "401 whose message repeats the key that was sent",
            _naming_the_key,
            "shows the key to nobody: not in the error, not in a log",
        ),
        "forbidden": Fault(
            "403: the key may not use this model",
            complaining(_FORBIDDEN),
            "asks another deployment, and does not ask this one again for the same request",
        ),
        "no-model": Fault(
            "404 `model_not_found`",
            complaining(_NO_MODEL),
            "asks another deployment; where none has it, says 404",
        ),
        "bad-request": Fault(
            "400: a parameter that this model does not take",
            complaining(_UNSUPPORTED),
            "passes it on at once, with the parameter's name: it is the caller's to change",
        ),
        "context-length": Fault(
            "400 `context_length_exceeded`",
            complaining(_TOO_LONG),
            "asks a deployment with a longer window, and blames nobody's health for it",
        ),
        "content-filter": Fault(
            "400 `content_filter`, as Azure refuses a prompt",
            complaining(_FILTERED),
            "passes it on, and does not ask elsewhere until someone agrees",
            WIRES - {GEMINI},
        ),
        "timeout": Fault(
            "408: the provider gave up waiting",
            complaining(Problem(408, "Timeout.")),
            "asks another deployment; alone, says 504",
        ),
        "server-error": Fault(
            "500 `server_error`",
            complaining(_SERVER_ERROR),
            "asks another deployment; alone, says 502, for the error is not its own",
        ),
        "server-error-text": Fault(
            "500 with plain text",
            answering(b"Internal Server Error", status=500, headers=(TEXT,)),
            "needs no envelope to fail over, and gives its caller one",
        ),
        "bad-gateway": Fault(
            "502 with the HTML page of a proxy",
            answering(ERROR_PAGE, status=502, headers=(HTML,)),
            "fails over, and shows no caller the page",
        ),
        "unavailable": Fault(
            "503 without a body",
            answering(b"", status=503, headers=(TEXT,)),
            "needs no body to fail over",
        ),
        "redirect": Fault(
            "302 to another path of the same host",
            answering(b"", status=302, headers=((b"location", b"/elsewhere"),)),
            "follows no redirect",
        ),
        "redirect-away": Fault(
            "307 to the same port of 127.0.0.2, where a canary may listen",
            _redirected_away,
            "never goes where a provider sends it: prompt and key stay with the configured host",
        ),
    }
)
