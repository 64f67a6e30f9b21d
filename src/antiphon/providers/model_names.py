"""Names of models: what can be one, and which ones a provider lists."""

from __future__ import annotations

import re

import msgspec

_MODEL = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?")
_UPWARD = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")
"""A way up, where a name stands in a path."""


def is_model_name(text: str) -> bool:
    """Whether this can be the name of a model: visible ASCII, spaces inside, at most 256 long.

    No segment of it is `.` or `..`: some dialects put it into a path.
    """
    return _MODEL.fullmatch(text) is not None and _UPWARD.search(text) is None


def model_names(body: bytes) -> tuple[str, ...]:
    """The names in the answer to `models_head`; none where it is no such list.

    Most answer `{"data": [{"id": ...}]}`, Together a bare list; Ollama and Gemini, which puts
    `models/` before, `{"models": [{"name": ...}]}`.
    """
    try:
        if body.lstrip().startswith(b"["):
            models = msgspec.json.decode(body, type=list[_Model])
        else:
            listed = msgspec.json.decode(body, type=_Models)
            models = listed.data or listed.models
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    names = ((model.id or model.name).removeprefix("models/") for model in models or ())
    return tuple(dict.fromkeys(name for name in names if is_model_name(name)))


class _Model(msgspec.Struct):
    id: str = ""
    name: str = ""


class _Models(msgspec.Struct):
    data: list[_Model] | None = None
    models: list[_Model] | None = None
