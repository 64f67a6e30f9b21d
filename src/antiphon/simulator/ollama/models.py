"""What a server says of its models: which there are, which are in memory, what one can do."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from antiphon.simulator.dialect import Problem, Rejected, Terms
from antiphon.simulator.model_names import read_name
from antiphon.simulator.ollama.options import lets_go
from antiphon.simulator.ollama.reading import read
from antiphon.simulator.ollama.strictness import capabilities_of, check_model, tagged
from antiphon.simulator.ollama.vectors import SIZE
from antiphon.simulator.ollama.wire import CREATED, WHOLE, Members
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply, plain

VERSION: Final = "0.30.0-simulator"
"""The version that is spoken, and who speaks it."""
ADDRESSES: Final = (
    ("POST", "api/show"),
    ("GET", "api/tags"),
    ("HEAD", "api/tags"),
    ("GET", "api/ps"),
    ("GET", "api/version"),
    ("HEAD", "api/version"),
)
"""Where the models are told of."""
_EXPIRES: Final = "2026-01-01T00:05:00Z"
_BYTES = 1_000_000_000
_WINDOW = 131_072
_DETAILS: Final[Members] = {
    "parent_model": "",
    "format": "gguf",
    "family": "antiphon-simulator",
    "families": ["antiphon-simulator"],
    "parameter_size": "1.0B",
    "quantization_level": "Q4_K_M",
}


class _Show(Struct, frozen=True):
    model: str | None = None
    name: str | None = None


class _Kept(Struct, frozen=True):
    model: str | None = None
    keep_alive: float | str | None = None


_SHOW: Final = msgspec.json.Decoder(_Show)
_KEPT: Final = msgspec.json.Decoder(_Kept)


def _json(value: object) -> Reply:
    return plain(msgspec.json.encode(value), headers=(WHOLE,))


def banner() -> Reply:
    """What whoever looks for a server finds."""
    text = (b"content-type", b"text/plain; charset=utf-8")
    return plain(b"Ollama is running", headers=(text,))


def nothing_here() -> Reply:
    """The answer where no road leads: the server's router says it in plain text."""
    return plain(b"404 page not found", status=404, headers=((b"content-type", b"text/plain"),))


def answered(received: Received, terms: Terms, loaded: Sequence[str]) -> Reply:
    """What is asked of the models, of which these are in memory, the last used at the end.

    Raises:
        Rejected: it is no request, or of a model that a strict server has not.
    """
    match received.path.rstrip("/").rpartition("/")[2]:
        case "tags":
            return _tags(terms.models)
        case "ps":
            return _running(loaded)
        case "version":
            return _json({"version": VERSION})
        case _:
            return _show(received, terms)


def _tags(models: Sequence[str]) -> Reply:
    """The models on the disk."""
    listed = [{**_named(name), "modified_at": CREATED} for name in models]
    return _json({"models": listed})


def _running(loaded: Sequence[str]) -> Reply:
    """The models in memory."""
    more = {"expires_at": _EXPIRES, "size_vram": _BYTES, "context_length": _WINDOW}
    return _json({"models": [{**_named(name), **more} for name in reversed(loaded)]})


def _named(name: str) -> Members:
    whole = tagged(name)
    digest = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    told: Members = {"name": whole, "model": whole, "size": _BYTES, "digest": digest}
    return {**told, "details": _DETAILS}


def _show(received: Received, terms: Terms) -> Reply:
    """What one model is."""
    asked = read(_SHOW, received.body, "ShowRequest")
    name = asked.model or asked.name
    if not name:
        raise Rejected(Problem(400, "model is required"))
    check_model(name, terms)
    family = "antiphon-simulator"
    info: Members = {
        "general.architecture": family,
        "general.parameter_count": _BYTES,
        f"{family}.context_length": _WINDOW,
        f"{family}.embedding_length": SIZE,
    }
    return _json(
        {
            "modelfile": f"FROM {tagged(name)}\n",
            "parameters": "",
            "template": "{{ .Prompt }}",
            "details": _DETAILS,
            "model_info": info,
            "capabilities": capabilities_of(name),
            "modified_at": CREATED,
        }
    )


def remember(loaded: dict[str, None], received: Received) -> None:
    """Note which model an answered request has left in memory; a recording leaves none."""
    try:
        kept = _KEPT.decode(received.body)
        goes = lets_go(kept.keep_alive)
    except (msgspec.DecodeError, UnicodeDecodeError, Rejected):
        # A recording answers whatever it is asked.
        return
    asked = read_name(kept.model or "")
    if asked.replay or not kept.model:
        return
    name = tagged(asked.model)
    loaded.pop(name, None)
    if not goes:
        loaded[name] = None
