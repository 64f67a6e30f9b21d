"""What the suite for dialects is run on."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

from antiphon.dialects.base import Dialect
from antiphon.dialects.ollama import OLLAMA_GENERATE
from antiphon.dialects.registry import DIALECTS
from antiphon.testing.compliance.cases import GOLDEN, Case, cases_in

SHIPPED: Final = DIALECTS
"""Our dialects, by name."""

CALLERS_ONLY: Final = frozenset({OLLAMA_GENERATE.name})
"""Those that no provider is asked in."""


class Subject:
    """A dialect, and the cases that it is held against.

    Attributes:
        callers_only: It is spoken with callers only: requests are read and answers are written.
    """

    def __init__(
        self, dialect: Dialect, cases: Path | None = None, *, callers_only: bool = False
    ) -> None:
        self.dialect = dialect
        self.folder = GOLDEN / dialect.name if cases is None else cases
        self.cases: list[Case] = cases_in(self.folder)
        self.callers_only = callers_only or dialect.name in CALLERS_ONLY


class NoSuchDialect(Exception):
    """A name says no dialect; the message says why."""


def find(name: str) -> Dialect:
    """One of ours by name, or a third party's as `package.module:OBJECT`.

    Raises:
        NoSuchDialect: There is none.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        if name not in SHIPPED:
            known = ", ".join(sorted(SHIPPED))
            raise NoSuchDialect(f"No dialect {name!r}; ours are {known}, others package:OBJECT.")
        return SHIPPED[name]
    try:
        found: object = importlib.import_module(module)
    except ImportError as error:
        raise NoSuchDialect(f"{module} cannot be imported: {error}.") from error
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, Dialect):
        raise NoSuchDialect(f"{name} is no object of a class that is a Dialect.")
    return found
