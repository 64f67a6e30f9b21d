"""What a model can do, by its name: the entries of `models.toml`.

Three-valued on purpose. What is not known of a model is None, and nobody is refused for it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from importlib import resources

import msgspec


class ModelFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is known of one model; None where nothing is.

    Attributes:
        context: Tokens that prompt and answer may have together.
        max_output: Tokens that the answer may have.
        vision: It reads pictures.
        audio: It hears.
        tools: It calls tools.
        forced_tools: It obeys `tool_choice: required`, or a named tool.
        json_schema: It keeps to a given schema.
        json_mode: It can be asked for JSON of any shape.
        reasoning: It thinks before it answers.
        adaptive: It decides itself how long to think; it is told an effort, not a budget.
        reasoning_off: It can be asked to answer without thinking; False where it always thinks.
        sampling: It takes temperature and its kin.
        prefill: It goes on with an answer that was begun for it.
        later_system: It takes system turns in the middle of a conversation.
        bytes_per_token: Bytes of UTF-8 that make a token of a prompt, as measured; it is where a
            calibration (`estimate.py`) starts.
        tool_prompt: Tokens that a prompt has more of as soon as it offers tools.
        quality: Points of 100 that somebody gives it.
        retires: The day on which it is switched off, as YYYY-MM-DD.
        successor: What its maker offers instead.
    """

    context: int | None = None
    max_output: int | None = None
    vision: bool | None = None
    audio: bool | None = None
    tools: bool | None = None
    forced_tools: bool | None = None
    json_schema: bool | None = None
    json_mode: bool | None = None
    reasoning: bool | None = None
    adaptive: bool | None = None
    reasoning_off: bool | None = None
    sampling: bool | None = None
    prefill: bool | None = None
    later_system: bool | None = None
    bytes_per_token: float | None = None
    tool_prompt: int | None = None
    quality: int | None = None
    retires: str = ""
    successor: str = ""


class ModelRow(ModelFacts, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry: facts, the names that they hold for, and quirks where some providers need them."""

    match: tuple[str, ...]
    quirks: tuple[str, ...] = ()
    at: tuple[str, ...] = ()


class _File(msgspec.Struct, forbid_unknown_fields=True):
    model: tuple[ModelRow, ...]


_UNKNOWN = ModelRow(match=())


class ModelTable:
    """The entries that ship with the package, read when first asked for."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: Sequence[ModelRow] | None = None

    def row(self, model: str) -> ModelRow:
        """The first entry that fits this name; one that knows nothing where none does."""
        name = model.lower().rpartition("/")[2]
        for row in self.rows:
            if any(fnmatchcase(name, pattern) for pattern in row.match):
                return row
        return _UNKNOWN

    @property
    def rows(self) -> Sequence[ModelRow]:
        """All entries, in the order in which they are tried."""
        if self._rows is None:
            file = resources.files("antiphon.providers").joinpath("models.toml")
            self._rows = msgspec.convert(tomllib.loads(file.read_text("utf-8")), _File).model
        return self._rows
