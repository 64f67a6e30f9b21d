"""Pictures: base64 without a type, which the first bytes tell."""

from __future__ import annotations

from typing import Final

from antiphon.model.parts import Blob, Image

_TYPES: Final = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("Qk", "image/bmp"),
)
_DATA_URL: Final = "data:"


def read_image(text: str) -> Image:
    """One of `images`; a data URL, which some clients write, is taken apart."""
    said = ""
    if text.startswith(_DATA_URL):
        head, _, text = text.partition(",")
        said = head.removeprefix(_DATA_URL).partition(";")[0]
    found = next((kind for start, kind in _TYPES if text.startswith(start)), said)
    return Image(Blob(data=text, media_type=found))


def write_image(image: Image) -> str | None:
    """One of `images`; None for what is elsewhere, since the server fetches nothing."""
    return image.blob.data
