"""The port of whoever fills in texts (`rendering.sandbox`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from antiphon.rendering.values import Value


class Template(Protocol):
    """A text with gaps."""

    @property
    def names(self) -> Collection[str]:
        """The values that it uses."""
        ...

    def render(self, values: Mapping[str, Value]) -> str:
        """The text, filled in; what fills a gap is never read as a template.

        Raises:
            CannotRender: It would be too long, or its values do not fit.
        """
        ...


class Renderer(Protocol):
    """Makes templates of texts."""

    def template(self, source: str, *, known: Collection[str]) -> Template:
        """A template that uses only values of these names.

        Raises:
            TemplateMistake: It cannot be used; says where and why.
        """
        ...
