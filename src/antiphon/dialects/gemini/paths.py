"""Where a model is asked: `/models/{model}:generateContent`.

A name may hold anything. One that says of which kind it is (`models/`, `tunedModels/`) is a path
already; a slash stays what it is, a colon is escaped, since a colon ends the name.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote

_KINDS: Final = ("models/", "tunedModels/", "publishers/", "projects/", "endpoints/")
_METHODS: Final = ("generateContent", "streamGenerateContent")
_SAFE: Final = "/-._~@"


def path_of(model: str, *, stream: bool) -> str:
    """The path and query behind a base URL; a stream is asked for as server-sent events."""
    method = f"{_METHODS[1]}?alt=sse" if stream else _METHODS[0]
    return method_path(model, method)


def method_path(model: str, method: str) -> str:
    """The path of any method of a model."""
    name = quote(model, safe=_SAFE)
    return f"/{name if model.startswith(_KINDS) else f'models/{name}'}:{method}"


def model_and_method(path: str) -> tuple[str, str]:
    """What a caller's path names, of `models/{model}:{method}`; the method is empty if none.

    The model may hold slashes and colons, escaped or not: the last colon ends it.
    """
    model, _, method = path.rpartition(":")
    name = unquote(model or method).lstrip("/")
    if not model:
        method = ""
    return name.removeprefix("models/"), method
