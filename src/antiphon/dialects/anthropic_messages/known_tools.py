"""Tools of this dialect whose schema its models know, and which the caller runs.

They come without a description and a schema. Models of other dialects are told both, as the
makers publish them, so that they can call them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec


class Known(NamedTuple):
    """What its models know of a tool; `schema` is raw."""

    description: str
    schema: msgspec.Raw


def known(kind: str) -> Known | None:
    """What is known of a type of tools, whichever its date; None where the caller does not run it.

    Not of the one for using a computer: what it may do depends on the screen, and on the model.
    """
    return next((tool for name, tool in _KNOWN.items() if kind.startswith(name)), None)


def _schema(required: list[str], **properties: Mapping[str, object]) -> msgspec.Raw:
    schema = {"type": "object", "properties": properties, "required": required}
    return msgspec.Raw(msgspec.json.encode(schema))


def _text(told: str) -> Mapping[str, object]:
    return {"type": "string", "description": told}


def _whole(told: str) -> Mapping[str, object]:
    return {"type": "integer", "description": told}


def _range(told: str) -> Mapping[str, object]:
    return {"type": "array", "items": {"type": "integer"}, "description": told}


def _one_of(*words: str) -> Mapping[str, object]:
    return {"type": "string", "enum": [*words]}


_KNOWN: Final[Mapping[str, Known]] = {
    "bash_": Known(
        "Runs a command in a bash shell that stays open between calls.",
        _schema(
            [],
            command=_text("The command; required unless the shell is restarted."),
            restart={"type": "boolean", "description": "Starts the shell anew."},
        ),
    ),
    "text_editor_": Known(
        "Shows, creates and edits text files.",
        _schema(
            ["command", "path"],
            command=_one_of("view", "create", "str_replace", "insert"),
            path=_text("The file or directory."),
            file_text=_text("For create: the whole text of the file."),
            old_str=_text("For str_replace: the text to be replaced; it must stand there once."),
            new_str=_text("For str_replace: the text in its place."),
            insert_line=_whole("For insert: the line behind which the text goes; 0 is the start."),
            insert_text=_text("For insert: the text."),
            view_range=_range("For view: the first and the last line; -1 is the end."),
        ),
    ),
    "memory_": Known(
        "Keeps files below /memories from one conversation to the next.",
        _schema(
            ["command"],
            command=_one_of("view", "create", "str_replace", "insert", "delete", "rename"),
            path=_text("The file or directory; all but rename need it."),
            file_text=_text("For create: the whole text of the file."),
            old_str=_text("For str_replace: the text to be replaced."),
            new_str=_text("For str_replace: the text in its place."),
            insert_line=_whole("For insert: the line behind which the text goes."),
            insert_text=_text("For insert: the text."),
            view_range=_range("For view: the first and the last line."),
            old_path=_text("For rename: what it is called."),
            new_path=_text("For rename: what it shall be called."),
        ),
    ),
}
