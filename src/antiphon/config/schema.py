"""The JSON Schema of the configuration, for editors: completion, and a mark under a wrong word."""

from __future__ import annotations

from collections.abc import Mapping

from antiphon.config.settings import Settings
from antiphon.config.tree import is_list, is_mapping

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_EXPANDED = "Expanded"
_EXPANDED_REF = {"$ref": f"#/$defs/{_EXPANDED}"}
_STRICT = frozenset({"integer", "number", "boolean"})
_STRICT_TEXT = ("pattern", "format", "enum", "const", "minLength")
_ABOUT = ("description", "default")


def schema() -> dict[str, object]:
    """The schema.

    It is wider than pydantic's own in two ways, as the file is: a `${...}` may stand for any
    word, and a section may be left empty.
    """
    plain = Settings.model_json_schema()
    defs: dict[str, object] = {name: _widened(each) for name, each in plain.pop("$defs").items()}
    defs[_EXPANDED] = {
        "type": "string",
        "pattern": r"\$\{.+\}",
        "description": "Replaced when the file is read: `${NAME}`, `${NAME:-text}`, "
        "`${NAME:?message}` or `${file:PATH}`.",
    }
    root = _widened(plain)
    assert is_mapping(root)
    return {"$schema": _DIALECT, **root, "title": "antiphon.yaml", "$defs": defs}


def _widened(node: object) -> object:
    if is_list(node):
        return [_widened(each) for each in node]
    if not is_mapping(node):
        return node
    inner = {name: _widened(each) for name, each in node.items() if not _is_title(name, each)}
    if "$ref" in node:
        return _either(inner, {"type": "null"})
    is_strict_text = node.get("type") == "string" and any(word in node for word in _STRICT_TEXT)
    if node.get("type") in _STRICT or is_strict_text:
        return _either(inner, _EXPANDED_REF)
    return inner


def _is_title(name: str, value: object) -> bool:
    """Pydantic gives every member its own name as title, which says nothing."""
    return name == "title" and isinstance(value, str)


def _either(node: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    about = {name: node[name] for name in _ABOUT if name in node}
    rest = {name: each for name, each in node.items() if name not in _ABOUT}
    return {**about, "anyOf": [rest, {**other}]}
