"""Pictures, sounds and documents, both ways: `inlineData` and `fileData`.

What a piece of data is says its media type. Moving pictures no other dialect knows: they stay
whole. A file of Google's is a handle there; any other address is one.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import Written
from antiphon.dialects.gemini.fields import Fields
from antiphon.model.parts import Audio, Blob, File, Image

_FILES: Final = ("https://generativelanguage.googleapis.com/", "gs://", "files/")
_VIDEOS: Final = ("https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/")
_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "json": "application/json",
    "mp3": "audio/mp3",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
}
_FORMATS: Final = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
DATA: Final = ("inlineData", "fileData")


def read_medium(fields: Fields) -> Image | Audio | File | None:
    """Take `inlineData` or `fileData`; None where the model has no word for it.

    What is beside it must have been taken before: it becomes the part's own.
    """
    name = next((each for each in DATA if fields.begins(each, b"{")), None)
    if name is None:
        return None
    inner = Fields.parse(fields.raw(name), f"{fields.path}.{name}")
    kind = inner.text("mimeType") or ""
    if name == "inlineData":
        blob = Blob(data=standard(inner.text("data") or ""), media_type=kind)
    else:
        uri = inner.text("fileUri") or ""
        if uri.startswith(_VIDEOS) or (".youtube." in uri and not kind):
            return None
        held = uri.startswith(_FILES)
        blob = Blob(url=None if held else uri, file_id=uri if held else None, media_type=kind)
    family, _, rest = (kind or guessed(blob.url or "")).partition("/")
    if family == "video":
        return None
    title = inner.text("displayName")
    fields.keep_rest_of(name, inner)
    if family in {"image", "audio"}:
        if title is not None:
            # Pictures and sounds have no name in the model.
            fields.keep(name, msgspec.json.encode({**inner.left(), "displayName": title}))
        extra = fields.extra()
        if family == "image":
            return Image(blob, extra=extra)
        return Audio(blob, format=_FORMATS.get(rest, rest), extra=extra)
    return File(blob, filename=title, extra=fields.extra())


def write_medium(part: Image | Audio | File) -> Written:
    """The member that holds the data."""
    blob = part.blob
    kind = blob.media_type
    title: str | None = None
    if isinstance(part, Audio):
        kind = kind or f"audio/{part.format or 'wav'}"
    elif isinstance(part, File):
        title = part.filename or part.title
    uri = blob.url if blob.url is not None else blob.file_id
    if uri is not None:
        out: Written = {"fileUri": uri, "mimeType": blob.media_type or guessed(uri) or None}
        name = "fileData"
    else:
        usual = "image/png" if isinstance(part, Image) else "application/pdf"
        out = {"mimeType": kind or usual, "data": blob.data or ""}
        name = "inlineData"
    out["displayName"] = title
    return {name: {member: value for member, value in out.items() if value is not None}}


def standard(data: str) -> str:
    """Base64 in the alphabet that all APIs take, padded; Google's own clients write another."""
    if "-" in data or "_" in data:
        data = data.replace("-", "+").replace("_", "/")
    return data if len(data) % 4 in {0, 1} else data + "=" * (-len(data) % 4)


def guessed(uri: str) -> str:
    """The media type that the name of a file tells; empty if none."""
    path = uri.partition("?")[0].partition("#")[0]
    return _TYPES.get(path.rpartition(".")[2].lower(), "")
