"""Texts that are given where there is no answer: templates, checked when they are loaded."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from antiphon.model.rendering import Renderer, Template
from antiphon.rendering.values import CannotRender, TemplateMistake, Value
from antiphon.resilience.help_lines import HelpLines

SUFFIXES = (".md", ".txt", ".jinja", ".j2")
"""How a text ends that is the path of a file, where it is one word."""
_LARGEST = 64 * 1024
_LONGEST_MEMBER = 500
"""Characters of a member of the metadata that a text can show."""
_MOST_MEMBERS = 64
VALUES: Mapping[str, str] = {
    "model": "the name that was asked for",
    "language": "the language of the newest message, such as `zh`; empty where it is not told",
    "region": "the caller's region, in capitals; empty where nobody says one",
    "department": "of the caller's key; empty where it has none",
    "team": "of the caller's key; empty where it has none",
    "request_id": "the id of the request, for whoever asks what happened",
    "retry_after": "whole seconds after which it may be worth asking again; none where that is "
    "not known",
    "reason": "`unavailable`, `busy`, `late`, `budget` or `limit`",
    "metadata": "what came along with the request: `metadata.NAME`, empty where it is not there",
    "help_lines": "the lines of the region, each with `name`, `phone`, `url` and `hours`",
}
"""What a template may name, and what it gets."""


class CannedText(BaseModel):
    """A text, in the configuration or in a file of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str | None = Field(
        default=None, min_length=1, description="The text: a template (see the guide)."
    )
    file: Path | None = Field(
        default=None,
        description="A file that holds it, in UTF-8; a relative path starts at the "
        "configuration's folder.",
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.text is None) is (self.file is None):
            raise ValueError("needs either text or file")
        return self


def renderer() -> Renderer:
    """Whoever reads templates."""
    # Here, because a gateway without templates needs no template engine.
    from antiphon.rendering.sandbox import Sandbox  # noqa: PLC0415

    return Sandbox()


def is_file(text: str) -> bool:
    """Whether a text in place of a canned one is the path of its file."""
    return len(text.split()) == 1 and text == text.strip() and text.lower().endswith(SUFFIXES)


class Situation(msgspec.Struct, frozen=True):
    """What a template is told of a request."""

    model: str
    request_id: str
    reason: str
    retry_after: float | None = None
    language: str = ""
    region: str = ""
    department: str = ""
    team: str = ""
    metadata: Mapping[str, str] = {}


class Canned:
    """A text that can be given.

    Args:
        settings: Where it stands.
        renderer: Reads templates.
        lines: The help lines.

    Raises:
        TemplateMistake: It cannot be used; the message names the file, where it stands in one.
    """

    __slots__ = ("_lines", "_template")

    def __init__(self, settings: CannedText, renderer: Renderer, lines: HelpLines) -> None:
        self._lines = lines
        source, where = settings.text or "", ""
        if settings.file is not None:
            source, where = _read(settings.file), str(settings.file)
        try:
            self._template = template = renderer.template(source, known=VALUES)
            self._try(template)
        except TemplateMistake as error:
            raise _placed(error, where) from error

    def text(self, situation: Situation) -> str:
        """The text for a request.

        Raises:
            CannotRender: What the caller sent makes it too long.
        """
        return self._template.render(self._values(situation)).strip()

    def _values(self, situation: Situation) -> Mapping[str, Value]:
        region, lines = self._lines.of(situation.region)
        wait = situation.retry_after
        metadata = defaultdict[str, str](str)
        for name, value in [*situation.metadata.items()][:_MOST_MEMBERS]:
            metadata[name] = value[:_LONGEST_MEMBER]
        return {
            "model": situation.model,
            "language": situation.language,
            "region": region,
            "department": situation.department,
            "team": situation.team,
            "request_id": situation.request_id,
            "retry_after": None if wait is None else math.ceil(wait),
            "reason": situation.reason,
            "metadata": metadata,
            "help_lines": lines,
        }

    def _try(self, template: Template) -> None:
        """Fill it in, with what may be there and with nothing: it has to work when it is needed.

        Raises:
            TemplateMistake: It does not, or says nothing.
        """
        if "help_lines" in template.names and not self._lines.of("")[1]:
            raise TemplateMistake(
                1, "names help_lines, and help_lines.region of the configuration names none"
            )
        for sample in _SAMPLES:
            try:
                text = template.render(self._values(sample))
            except CannotRender as error:
                raise TemplateMistake(1, f"cannot be filled in: {error}") from error
            if not text.strip():
                raise TemplateMistake(1, "says nothing")


_SAMPLES = (
    Situation(
        "model", "req_0-1", "unavailable", 30.0, "en", "", "department", "team", {"name": "value"}
    ),
    Situation("model", "req_0-1", "unavailable"),
)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise TemplateMistake(1, f"{path}: is larger than {_LARGEST >> 10} KiB")
        return content.decode()
    except OSError as error:
        raise TemplateMistake(1, f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TemplateMistake(1, f"{path}: is not UTF-8") from error


def _placed(error: TemplateMistake, where: str) -> TemplateMistake:
    if where:
        return TemplateMistake(error.line, f"{where}:{error.line}: {error.message}")
    return TemplateMistake(error.line, f"line {error.line} of the text: {error.message}")
