"""Content parts, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec

from antiphon.dialects.fields import UNREADABLE, Json, Written
from antiphon.dialects.openai_chat.fields import DIALECT, Fields, own, written
from antiphon.errors import MalformedBody
from antiphon.model.parts import (
    Audio,
    Blob,
    CacheMark,
    File,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
)

Said = Text | Image | Audio | File | Refusal | Opaque
"""What may stand in `content`."""

_DATA_URL = re.compile(r"data:([^;,]+);base64,", re.ASCII)


def read_content(fields: Fields, name: str = "content") -> tuple[Said, ...] | None:
    """The parts of a string or an array of parts; None where it is absent or null."""
    content = fields.text_or_items(name)
    if content is None:
        return None
    if isinstance(content, str):
        return (Text(content),)
    path = f"{fields.path}.{name}" if fields.path else name
    return tuple(read_part(raw, f"{path}[{at}]") for at, raw in enumerate(content))


def read_part(raw: Json, path: str) -> Said:
    """One content part; Opaque where the model has no word for it."""
    fields = Fields.parse(raw, path)
    reader = _READERS.get(fields.text("type") or "")
    part = reader(fields) if reader else None
    return Opaque(DIALECT, msgspec.Raw(raw)) if part is None else part


def thought_of(part: Said) -> Reasoning | None:
    """The thought in a content part of type `thinking`, as Mistral writes it."""
    if not isinstance(part, Opaque):
        return None
    try:
        thinking = _THINKING.decode(part.payload)
    except UNREADABLE:
        return None
    text = "".join(piece.text for piece in thinking.thinking)
    return Reasoning(text, spelling="reasoning_content") if text else None


def write_content(parts: Sequence[Part]) -> str | list[Written | msgspec.Raw]:
    """The content of a message: a string where it is one plain text.

    Text-only servers take nothing but a string.
    """
    if len(parts) == 1 and isinstance(parts[0], Text) and is_plain(parts[0]):
        return parts[0].text
    return write_parts(parts)


def write_parts(parts: Iterable[Part]) -> list[Written | msgspec.Raw]:
    """The content of a message as an array; parts of other dialects are left out."""
    return [out for part in parts if (out := _write_part(part)) is not None]


def is_plain(text: Text) -> bool:
    """Whether a text needs no object around it."""
    return text.cache is None and not own(text.extra)


def blob_of(address: str) -> Blob:
    """What a URL holds: its data, if it is a data URL."""
    match = _DATA_URL.match(address)
    if match is None:
        return Blob(url=address)
    return Blob(data=address[match.end() :], media_type=match.group(1))


def url_of(blob: Blob, default_type: str) -> str:
    """The URL of a blob, a data URL if it is data."""
    if blob.url is not None:
        return blob.url
    return f"data:{blob.media_type or default_type};base64,{blob.data or ''}"


# ------------------------------------------------------------------ reading


class _Thought(msgspec.Struct):
    text: str = ""


class _Thinking(msgspec.Struct, tag="thinking"):
    thinking: list[_Thought]


_THINKING = msgspec.json.Decoder(_Thinking)


def _read_text(fields: Fields) -> Said | None:
    text = fields.text("text")
    if text is None:
        raise MalformedBody(f"'{fields.path}.text' is missing.", param=f"{fields.path}.text")
    cache = read_cache(fields)
    return Text(text, cache=cache, extra=fields.extra())


def _read_image(fields: Fields) -> Said | None:
    if fields.begins("image_url", b'"'):
        address, detail = fields.text("image_url"), None
    else:
        inner = fields.object("image_url")
        if inner is None:
            return None
        address, detail = inner.text("url"), inner.text("detail")
        fields.keep_rest_of("image_url", inner)
    if address is None:
        raise MalformedBody(f"'{fields.path}.image_url.url' is missing.", param=fields.path)
    cache = read_cache(fields)
    return Image(blob_of(address), detail=detail, cache=cache, extra=fields.extra())


def _read_audio(fields: Fields) -> Said | None:
    inner = fields.object("input_audio")
    if inner is None:
        return None
    data, form = inner.text("data"), inner.text("format") or ""
    if data is None:
        return None
    fields.keep_rest_of("input_audio", inner)
    cache = read_cache(fields)
    return Audio(Blob(data=data), format=form, cache=cache, extra=fields.extra())


def _read_file(fields: Fields) -> Said | None:
    inner = fields.object("file")
    if inner is None:
        return None
    data, file_id, name = inner.text("file_data"), inner.text("file_id"), inner.text("filename")
    if (data is None) == (file_id is None):
        return None
    fields.keep_rest_of("file", inner)
    cache = read_cache(fields)
    return File(_file_blob(data, file_id), filename=name, cache=cache, extra=fields.extra())


def _file_blob(data: str | None, file_id: str | None) -> Blob:
    if data is None:
        return Blob(file_id=file_id)
    if data.startswith(("data:", "http://", "https://")):
        return blob_of(data)
    return Blob(data=data)


def _read_refusal(fields: Fields) -> Said | None:
    text = fields.text("refusal")
    return None if text is None or fields.left() else Refusal(text)


_READERS: dict[str, Callable[[Fields], Said | None]] = {
    "text": _read_text,
    "image_url": _read_image,
    "input_audio": _read_audio,
    "file": _read_file,
    "refusal": _read_refusal,
}


def read_cache(fields: Fields) -> CacheMark | None:
    """Take a cache mark: OpenAI's, or the one that OpenRouter and LiteLLM pass to Anthropic."""
    for name, member, value in (
        ("prompt_cache_breakpoint", "mode", "explicit"),
        ("cache_control", "type", "ephemeral"),
    ):
        if not fields.begins(name, b"{"):
            continue
        raw = fields.raw(name)
        inner = Fields.parse(raw, f"{fields.path}.{name}")
        spelling = name if member == "type" else None
        if inner.text(member) == value:
            mark = CacheMark(inner.text("ttl"), spelling=spelling)
            if not inner.left():
                return mark
        fields.keep(name, raw)
    return None


def write_cache(mark: CacheMark | None) -> Written:
    """The member of a cache mark."""
    if mark is None:
        return {}
    if mark.spelling == "cache_control":
        return {"cache_control": written({"type": "ephemeral", "ttl": mark.ttl})}
    return {"prompt_cache_breakpoint": written({"mode": "explicit", "ttl": mark.ttl})}


# ------------------------------------------------------------------ writing


def _write_part(part: Part) -> Written | msgspec.Raw | None:
    match part:
        case Text():
            out: Written = {"type": "text", "text": part.text}
        case Image():
            image = written({"url": url_of(part.blob, "image/png"), "detail": part.detail})
            out = {"type": "image_url", "image_url": image}
        case Audio():
            audio = {"data": part.blob.data or "", "format": part.format or "wav"}
            out = {"type": "input_audio", "input_audio": audio}
        case File():
            out = {"type": "file", "file": _write_file(part)}
        case Opaque() if part.dialect == DIALECT:
            return part.payload
        case _:
            return None
    return written({**out, **write_cache(part.cache)}, part.extra)


def _write_file(part: File) -> Written:
    blob = part.blob
    data = blob.url if blob.url is not None else blob.data
    if blob.data is not None and blob.media_type:
        data = url_of(blob, "application/pdf")
    return written({"file_data": data, "file_id": blob.file_id, "filename": part.filename})
