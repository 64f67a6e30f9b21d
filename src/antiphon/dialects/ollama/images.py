"""Pictures: base64 without a type, which the first bytes tell."""

from __future__ import annotations

import binascii
from typing import Final

from antiphon.dialects.ollama.fields import Fields
from antiphon.errors import InvalidRequest
from antiphon.model.parts import Blob, Image

_TYPES: Final = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("Qk", "image/bmp"),
)
_DATA_URL: Final = "data:"


def asked_images(fields: Fields) -> tuple[Image, ...]:
    """The `images` that a caller shows.

    Raises:
        InvalidRequest: One is no base64, such as an address; `param` names it.
    """
    images = tuple(map(read_image, fields.texts("images")))
    for at, image in enumerate(images):
        if wrong := _wrong(image.blob.data or ""):
            path = f"{fields.path}.images[{at}]" if fields.path else f"images[{at}]"
            raise InvalidRequest(f"{path!r} must be a picture in base64: {wrong}.", param=path)
    return images


def read_image(text: str) -> Image:
    """One of `images`, as it stands; a data URL, which some clients write, is taken apart."""
    said = ""
    if text.startswith(_DATA_URL):
        head, _, text = text.partition(",")
        said = head.removeprefix(_DATA_URL).partition(";")[0]
    found = next((kind for start, kind in _TYPES if text.startswith(start)), said)
    return Image(Blob(data=text, media_type=found))


def write_image(image: Image) -> str | None:
    """One of `images`; None for what is elsewhere, since the server fetches nothing."""
    return image.blob.data


def _wrong(data: str) -> str:
    if not data:
        return "it holds no data"
    if "\n" in data or "\r" in data:
        data = data.replace("\r", "").replace("\n", "")
    try:
        binascii.a2b_base64(data, strict_mode=True)
    except ValueError:
        return "illegal base64 data"
    return ""
