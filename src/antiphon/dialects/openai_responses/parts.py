"""Content parts of messages and of tool results, both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from antiphon.dialects.fields import Json, Written
from antiphon.dialects.openai_responses.fields import (
    DIALECT,
    OURS,
    Fields,
    is_ours,
    own,
    written,
)
from antiphon.errors import MalformedBody
from antiphon.model.parts import (
    Audio,
    Blob,
    CacheMark,
    Extra,
    File,
    Image,
    Opaque,
    Part,
    Refusal,
    Text,
)

Said = Text | Image | Audio | File | Refusal | Opaque
"""What may stand in `content`."""

_DATA_URL = re.compile(r"data:([^;,]+);base64,", re.ASCII)
_MARK = "prompt_cache_breakpoint"
_SUFFIXES = {"text/plain": "txt", "text/markdown": "md", "text/csv": "csv", "text/html": "html"}


def read_content(fields: Fields, name: str = "content") -> tuple[Said, ...] | None:
    """The parts of a string or an array of parts; None where it is absent or null."""
    content = fields.text_or_items(name)
    if content is None:
        return None
    if isinstance(content, str):
        return (Text(content),)
    path = f"{fields.path}.{name}" if fields.path else name
    return tuple(_read_part(raw, f"{path}[{at}]") for at, raw in enumerate(content))


def write_content(parts: Sequence[Part]) -> str | list[Written | msgspec.Raw]:
    """What is put to a model: a string where it is one plain text."""
    if len(parts) == 1 and isinstance(parts[0], Text) and _is_plain(parts[0]):
        return parts[0].text
    return [out for part in parts if (out := _write_part(part)) is not None]


def write_said(parts: Sequence[Text | Refusal]) -> list[Written]:
    """What an assistant said, as the parts of an output message."""
    return [_write_said_part(part) for part in parts]


# ------------------------------------------------------------------ reading


def _read_part(raw: Json, path: str) -> Said:
    fields = Fields.parse(raw, path)
    reader = _READERS.get(fields.text("type") or "")
    part = reader(fields) if reader else None
    return Opaque(DIALECT, msgspec.Raw(raw)) if part is None else part


def _read_text(fields: Fields) -> Said | None:
    text = fields.text("text")
    if text is None:
        raise MalformedBody(f"'{fields.path}.text' is missing.", param=f"{fields.path}.text")
    annotations = tuple(fields.items("annotations")) if fields.begins("annotations", b"[") else ()
    if fields.begins("logprobs", b"["):
        probabilities = fields.raw("logprobs")
        if len(probabilities) > len(b"[ ]"):
            fields.keep("logprobs", probabilities)
    cache, extra = _read_cache(fields), fields.extra()
    if annotations and extra is None:
        # Annotations are raw: whose they are must be said.
        extra = OURS
    return Text(text, annotations=annotations, cache=cache, extra=extra)


def _read_refusal(fields: Fields) -> Said | None:
    text = fields.text("refusal")
    return None if text is None else Refusal(text, extra=fields.extra())


def _read_image(fields: Fields) -> Said | None:
    address, file_id, detail = (
        fields.text("image_url"),
        fields.text("file_id"),
        fields.text("detail"),
    )
    if (address is None) == (file_id is None):
        return None
    blob = Blob(file_id=file_id) if address is None else blob_of(address)
    cache = _read_cache(fields)
    return Image(blob, detail=detail, cache=cache, extra=fields.extra())


def _read_file(fields: Fields) -> Said | None:
    data, file_id, url = fields.text("file_data"), fields.text("file_id"), fields.text("file_url")
    if sum(each is not None for each in (data, file_id, url)) != 1:
        return None
    name, cache, extra = fields.text("filename"), _read_cache(fields), None
    blob = Blob(url=url, data=data, file_id=file_id)
    if data is not None:
        match = _DATA_URL.match(data)
        if match is None:
            # Neither its type nor its form is known: it goes out as it came.
            extra = OURS
        else:
            blob = Blob(data=data[match.end() :], media_type=match.group(1))
    return File(blob, filename=name, cache=cache, extra=fields.extra() or extra)


def _read_audio(fields: Fields) -> Said | None:
    inner = fields.object("input_audio")
    if inner is None:
        return None
    data, form = inner.text("data"), inner.text("format") or ""
    if data is None:
        return None
    fields.keep_rest_of("input_audio", inner)
    return Audio(Blob(data=data), format=form, extra=fields.extra())


_READERS: dict[str, Callable[[Fields], Said | None]] = {
    "input_text": _read_text,
    "output_text": _read_text,
    "text": _read_text,
    "input_image": _read_image,
    "input_file": _read_file,
    "input_audio": _read_audio,
    "refusal": _read_refusal,
}


def _read_cache(fields: Fields) -> CacheMark | None:
    if not fields.begins(_MARK, b"{"):
        return None
    raw = fields.raw(_MARK)
    inner = Fields.parse(raw, f"{fields.path}.{_MARK}")
    if inner.text("mode") == "explicit":
        mark = CacheMark(inner.text("ttl"), spelling=_MARK)
        if not inner.left():
            return mark
    fields.keep(_MARK, raw)
    return None


def blob_of(address: str) -> Blob:
    """What a URL holds: its data, if it is a data URL."""
    match = _DATA_URL.match(address)
    if match is None:
        return Blob(url=address)
    return Blob(data=address[match.end() :], media_type=match.group(1))


# ------------------------------------------------------------------ writing


def _is_plain(text: Text) -> bool:
    """Whether a text needs no object around it."""
    return not own(text.extra) and not _write_cache(text.cache)


def _write_part(part: Part) -> Written | msgspec.Raw | None:
    match part:
        case Text():
            out: Written = {"type": "input_text", "text": part.text}
        case Image():
            blob = part.blob
            url = None if blob.file_id is not None else _url_of(blob, "image/png")
            detail = part.detail or "auto"
            out = {
                "type": "input_image",
                "image_url": url,
                "file_id": blob.file_id,
                "detail": detail,
            }
        case File():
            out = {"type": "input_file", **_write_file(part)}
        case Audio():
            audio = {"data": part.blob.data or "", "format": part.format or "wav"}
            out = {"type": "input_audio", "input_audio": audio}
        case Refusal():
            out = {"type": "input_text", "text": part.text}
        case Opaque() if part.dialect == DIALECT:
            return part.payload
        case _:
            return None
    cache = None if isinstance(part, Refusal) else part.cache
    return written({**out, **_write_cache(cache)}, part.extra)


def _write_file(part: File) -> Written:
    blob, name = part.blob, part.filename
    if blob.data is None:
        return {"file_url": blob.url, "file_id": blob.file_id, "filename": name}
    if is_ours(part.extra):
        data = _url_of(blob, "") if blob.media_type else blob.data
        return {"file_data": data, "filename": name}
    kind = blob.media_type or "application/pdf"
    suffix = _SUFFIXES.get(kind, kind.partition("/")[2])
    made_up = f"{part.title or 'file'}.{suffix}"
    return {"file_data": _url_of(blob, kind), "filename": name or made_up}


def _url_of(blob: Blob, default_type: str) -> str:
    if blob.url is not None:
        return blob.url
    return f"data:{blob.media_type or default_type};base64,{blob.data or ''}"


def _write_cache(mark: CacheMark | None) -> Written:
    """The mark where it is the dialect's own: most models refuse the member."""
    if mark is None or mark.spelling != _MARK:
        return {}
    return {_MARK: written({"mode": "explicit", "ttl": mark.ttl})}


def _write_said_part(part: Text | Refusal) -> Written:
    if isinstance(part, Refusal):
        return written({"type": "refusal", "refusal": part.text}, _without_message(part))
    annotations = [*part.annotations] if is_ours(part.extra) else []
    out: Written = {"type": "output_text", "text": part.text, "annotations": annotations}
    return written({**out, **_write_cache(part.cache)}, _without_message(part))


def _without_message(part: Text | Refusal) -> Extra | None:
    """What was kept of the part itself, and not of the message around it."""
    extra = part.extra
    if extra is None or "message" not in extra.members:
        return extra
    members = {name: raw for name, raw in extra.members.items() if name != "message"}
    return msgspec.structs.replace(extra, members=members)
