"""What models a server has, and which of them are loaded: `/api/tags`, `/api/show`, `/api/ps`.

Pure functions between bytes and `LocalModel`; `/api/version` stands beside them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.dialects.ollama.moments import read_moment, write_moment
from antiphon.errors import MalformedBody, NotAnAnswer
from antiphon.wire.shallow import Members

COMPLETION: Final = "completion"
"""The capability of a model that chats; others are tools, vision, thinking, insert, embedding."""
_ARCHITECTURE: Final = "general.architecture"
_CONTEXT: Final = "context_length"


class LocalModel(msgspec.Struct, frozen=True):
    """A model as its server tells of it; what it does not tell is empty.

    Attributes:
        modified: Seconds since 1970.
        digest: SHA-256 in hex; one of the name is written where there is none, because clients
            show its first letters.
        parameter_size: Such as `8.0B`.
        quantization: Such as `Q4_K_M`.
        context_length: Tokens that it may see; of a loaded model, those that it does see.
        expires: Seconds since 1970, of a loaded model.
        size_vram: Bytes, of a loaded model.
    """

    name: str
    modified: int = 0
    size: int = 0
    digest: str = ""
    format: str = ""
    family: str = ""
    parameter_size: str = ""
    quantization: str = ""
    context_length: int | None = None
    capabilities: tuple[str, ...] = ()
    expires: int = 0
    size_vram: int = 0


# ------------------------------------------------------------------ writing


def write_tags(models: Sequence[LocalModel]) -> bytes:
    """The answer of `/api/tags`."""
    listed = [
        {**_write_listed(model), "modified_at": write_moment(model.modified)} for model in models
    ]
    return msgspec.json.encode({"models": listed})


def write_ps(models: Sequence[LocalModel]) -> bytes:
    """The answer of `/api/ps`."""
    listed = [
        {
            **_write_listed(model),
            "expires_at": write_moment(model.expires),
            "size_vram": model.size_vram,
            "context_length": model.context_length or 0,
        }
        for model in models
    ]
    return msgspec.json.encode({"models": listed})


def write_show(model: LocalModel) -> bytes:
    """The answer of `/api/show`."""
    family = model.family or "unknown"
    info: Written = {_ARCHITECTURE: family}
    if model.context_length is not None:
        info[f"{family}.{_CONTEXT}"] = model.context_length
    out: Written = {
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": _write_details(model),
        "model_info": info,
        "capabilities": model.capabilities or (COMPLETION,),
        "modified_at": write_moment(model.modified),
    }
    return msgspec.json.encode(out)


def write_version(version: str) -> bytes:
    """The answer of `/api/version`."""
    return msgspec.json.encode({"version": version})


def _write_listed(model: LocalModel) -> Written:
    return {
        "name": model.name,
        "model": model.name,
        "size": model.size,
        "digest": model.digest or hashlib.sha256(model.name.encode()).hexdigest(),
        "details": _write_details(model),
    }


def _write_details(model: LocalModel) -> Written:
    return {
        "parent_model": "",
        "format": model.format,
        "family": model.family,
        "families": [model.family] if model.family else [],
        "parameter_size": model.parameter_size,
        "quantization_level": model.quantization,
    }


# ------------------------------------------------------------------ reading


class _Details(msgspec.Struct):
    format: str | None = None
    family: str | None = None
    parameter_size: str | None = None
    quantization_level: str | None = None


class _Listed(msgspec.Struct):
    name: str | None = None
    model: str | None = None
    size: int | None = None
    digest: str | None = None
    modified_at: str | None = None
    expires_at: str | None = None
    size_vram: int | None = None
    context_length: int | None = None
    details: _Details | None = None
    capabilities: tuple[str, ...] | None = None


class _Models(msgspec.Struct):
    models: list[_Listed] | None


class _Shown(msgspec.Struct):
    details: _Details | None = None
    model_info: Mapping[str, object] | None = None
    capabilities: tuple[str, ...] | None = None
    modified_at: str | None = None


class _Version(msgspec.Struct):
    version: str


_MODELS: Final = msgspec.json.Decoder(_Models)
_SHOWN: Final = msgspec.json.Decoder(_Shown)
_VERSION: Final = msgspec.json.Decoder(_Version)


def read_models(body: bytes) -> tuple[LocalModel, ...]:
    """The models of `/api/tags` or of `/api/ps`.

    Raises:
        NotAnAnswer: It is no such list.
    """
    try:
        listed = _MODELS.decode(body).models or ()
    except UNREADABLE as error:
        raise _no_answer("list of models") from error
    return tuple(_read_listed(each) for each in listed if each.model or each.name)


def read_show(body: bytes, name: str) -> LocalModel:
    """The model of `/api/show`, which was asked for by this name.

    Raises:
        NotAnAnswer: It is none.
    """
    try:
        shown = _SHOWN.decode(body)
    except UNREADABLE as error:
        raise _no_answer("model") from error
    model = _read_details(LocalModel(name), shown.details)
    info = shown.model_info or {}
    length = info.get(f"{info.get(_ARCHITECTURE)}.{_CONTEXT}")
    return msgspec.structs.replace(
        model,
        modified=read_moment(shown.modified_at),
        context_length=length if isinstance(length, int) else None,
        capabilities=shown.capabilities or (),
    )


def read_version(body: bytes) -> str:
    """The version of `/api/version`.

    Raises:
        NotAnAnswer: It is none.
    """
    try:
        return _VERSION.decode(body).version
    except UNREADABLE as error:
        raise _no_answer("version") from error


def read_shown_name(members: Members) -> str:
    """The model that a caller of `/api/show` asks for; `name` is the older word.

    Raises:
        MalformedBody: It names none.
    """
    name = members.text("model") or members.text("name")
    if not name:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    return name


def _read_listed(listed: _Listed) -> LocalModel:
    model = LocalModel(
        listed.model or listed.name or "",
        modified=read_moment(listed.modified_at),
        size=listed.size or 0,
        digest=listed.digest or "",
        context_length=listed.context_length or None,
        capabilities=listed.capabilities or (),
        expires=read_moment(listed.expires_at),
        size_vram=listed.size_vram or 0,
    )
    return _read_details(model, listed.details)


def _read_details(model: LocalModel, details: _Details | None) -> LocalModel:
    if details is None:
        return model
    return msgspec.structs.replace(
        model,
        format=details.format or "",
        family=details.family or "",
        parameter_size=details.parameter_size or "",
        quantization=details.quantization_level or "",
    )


def _no_answer(wanted: str) -> NotAnAnswer:
    return NotAnAnswer(f"The provider's answer is no {wanted}.", code="bad_body")
