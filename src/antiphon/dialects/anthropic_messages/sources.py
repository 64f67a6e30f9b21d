"""What a picture or a document holds, both ways, and marks of the prompt cache."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from antiphon.dialects.anthropic_messages.fields import Fields, own, written
from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.model.parts import Blob, CacheMark, Extra

PLAIN: Final = "text/plain"
_TEXTUAL: Final = ("text/", "application/json", "application/xml", "application/yaml")
_LIVES: Final = {"30m": "1h", "12h": "1h", "24h": "1h"}
"""Lives of other caches, in the words of this one, which knows `5m` and `1h`."""


class _Block(msgspec.Struct, tag="text"):
    text: str


_BLOCKS: Final = msgspec.json.Decoder(str | list[_Block])


def read_source(fields: Fields) -> Blob | None:
    """Take `source`; None where the model has no word for it. Its news stay in the fields."""
    raw = fields.raw_object("source")
    if not raw:
        return None
    inner = Fields.parse(raw, f"{fields.path}.source")
    blob: Blob | None = None
    match inner.text("type"):
        case "base64" if "data" in inner:
            blob = Blob(data=inner.text("data"), media_type=inner.text("media_type") or "")
        case "url" if "url" in inner:
            blob = Blob(url=inner.text("url"))
        case "file" if "file_id" in inner:
            blob = Blob(file_id=inner.text("file_id"))
        case "text" if "data" in inner:
            inner.raw("media_type")
            blob = _blob_of(inner.text("data") or "")
        case "content":
            text = _text_of(inner.raw("content"))
            if text is not None:
                # The blocks are kept beside their text: other dialects take the text.
                fields.keep("source", raw)
                return _blob_of(text)
        case _:
            pass
    if blob is not None:
        fields.keep_rest_of("source", inner)
    return blob


def write_source(blob: Blob, extra: Extra | None, default_type: str) -> Written | None:
    """The `source` of a blob; None where its blocks were kept whole."""
    if _is_whole(extra):
        return None
    if blob.file_id is not None:
        return {"type": "file", "file_id": blob.file_id}
    if blob.url is not None:
        return {"type": "url", "url": blob.url}
    media_type = blob.media_type or default_type
    if media_type.startswith(_TEXTUAL):
        text = _decoded(blob.data or "")
        if text is not None:
            return {"type": "text", "media_type": PLAIN, "data": text}
    return {"type": "base64", "media_type": media_type, "data": blob.data or ""}


def read_cache(fields: Fields) -> CacheMark | None:
    """Take `cache_control`; one of another form is left."""
    if not fields.begins("cache_control", b"{"):
        return None
    raw = fields.raw("cache_control")
    inner = Fields.parse(raw, f"{fields.path}.cache_control")
    if inner.text("type") == "ephemeral":
        mark = CacheMark(inner.text("ttl"), spelling="cache_control")
        if not inner.left():
            return mark
    fields.keep("cache_control", raw)
    return None


def write_cache(mark: CacheMark | None) -> Written:
    """The member of a cache mark."""
    if mark is None:
        return {}
    ttl = _LIVES.get(mark.ttl, mark.ttl) if mark.ttl is not None else None
    return {"cache_control": written({"type": "ephemeral", "ttl": ttl})}


def _blob_of(text: str) -> Blob:
    return Blob(data=base64.b64encode(text.encode()).decode(), media_type=PLAIN)


def _decoded(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def _text_of(raw: msgspec.Raw) -> str | None:
    """The text of blocks, where they hold nothing else."""
    try:
        content = _BLOCKS.decode(raw)
    except UNREADABLE:
        return None
    return content if isinstance(content, str) else "\n\n".join(block.text for block in content)


def _is_whole(extra: Extra | None) -> bool:
    kept = own(extra).get("source")
    return kept is not None and "type" in Fields.parse(kept, "source")
