# ruff: noqa: E501
"""Writes docs/configuration.md: every setting with its path, type, default and description.

python tools/configuration_docs.py            write the page
python tools/configuration_docs.py --check    fail if the page is not current
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from antiphon.config.load import CONFIG_VARIABLE, FILES, VARIABLES
from antiphon.config.settings import Settings

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
EXAMPLE = Path(__file__).parents[1] / "antiphon.example.yaml"

Schema = dict[str, object]

HEAD = """# Configuration

<!-- Made by tools/configuration_docs.py: edit the descriptions beside the settings, not this page. -->

One file, `antiphon.yaml`. All of it is optional: without a file, the providers whose keys or
addresses stand in the environment are found, and each of their models is reachable as
`PROVIDER/MODEL`; with `LLM_BASE_URL` and `LLM_MODEL`, that model is also called `default`.

```yaml
{example}
```

`antiphon config check` lists every mistake at once, with file, line and the nearest right name;
`config show` prints what is in force, with secrets masked; `config schema` prints a JSON Schema
for editors.

## Where it is looked for

`--config FILE`, else `{variable}`, else {files} in the working folder.

## What may stand in a text

| Written | Read as |
| --- | --- |
| `${{NAME}}` | the environment variable, which must be set |
| `${{NAME:-text}}` | the text, where the variable is unset or empty; `${{NAME-text}}` only where it is unset |
| `${{NAME:?message}}` | refused with the message, where the variable is unset or empty; `${{NAME?message}}` only where it is unset |
| `${{file:PATH}}` | what the file holds, without the line break at its end; an `api_key` is read again when its file changes |
| `$$` | a dollar sign |

A fallback and a path may hold `${{...}}` again. Relative paths start at the folder of the file. A
`.env` beside the file is read too (`NAME=value`, quotes as in a shell, no replacement inside); the
environment of the process beats it.

YAML is read as version 1.2: `no` and `12:30` are texts. A key that stands twice is a mistake.
Anchors, aliases and `<<` work; tags do not. A member without a value is as good as none.

## Environment variables that beat the file

| Variable | Setting |
| --- | --- |
{variables}

Arguments of a command (`--host`, `--port`) beat both.
"""


class Setting(NamedTuple):
    path: str
    type: str
    default: str
    description: str


def page() -> str:
    schema = Settings.model_json_schema()
    head = HEAD.format(
        example=EXAMPLE.read_text("utf-8").strip(),
        variable=CONFIG_VARIABLE,
        files=" or ".join(f"`./{name}`" for name in FILES),
        variables="\n".join(
            f"| `{name}` | `{'.'.join(path)}` |" for name, path in VARIABLES.items()
        ),
    )
    parts = [head]
    for name, prop in schema["properties"].items():
        rows = list(settings(schema, prop, name))
        parts.append(
            f"## `{name}`\n\n{_description(schema, prop)}\n\n"
            "| Setting | Type | Default | |\n| --- | --- | --- | --- |\n" + "".join(map(_row, rows))
        )
    return "\n".join(parts)


def settings(schema: Schema, node: Schema, path: str) -> Iterator[Setting]:
    """Every setting at and below a node that has members."""
    for holder, suffix in _holders(schema, node):
        for name, prop in holder.get("properties", {}).items():
            here = f"{path}{suffix}.{name}"
            inner = list(settings(schema, prop, here))
            if not _is_section(schema, prop):
                yield Setting(here, _type(schema, prop), _default(prop), _description(schema, prop))
            yield from inner


def _holders(schema: Schema, node: Schema) -> Iterator[tuple[Schema, str]]:
    """The objects with members of their own that may stand at a node."""
    node = _resolved(schema, node)
    for option in node.get("anyOf", ()):
        yield from _holders(schema, option)
    if "properties" in node:
        yield node, ""
    if isinstance(node.get("additionalProperties"), dict):
        for holder, suffix in _holders(schema, node["additionalProperties"]):
            yield holder, f".NAME{suffix}"
    if isinstance(node.get("items"), dict):
        for holder, suffix in _holders(schema, node["items"]):
            yield holder, f"[]{suffix}"


def _description(schema: Schema, node: Schema) -> str:
    """Pydantic leaves out what a section's own docstring says in the same words."""
    return node.get("description") or _resolved(schema, node).get("description", "")


def _is_section(schema: Schema, node: Schema) -> bool:
    return "properties" in _resolved(schema, node)


def _type(schema: Schema, node: Schema) -> str:
    node = _resolved(schema, node)
    if "anyOf" in node:
        options = [_type(schema, each) for each in node["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(options))
    if "const" in node or "enum" in node:
        return " or ".join(f"`{each}`" for each in node.get("enum", [node.get("const")]))
    match node.get("type"):
        case "array":
            return f"list of {_type(schema, node['items'])}"
        case "object":
            return "mapping"
        case word:
            words = {"integer": "whole number", "boolean": "true or false", "string": "text"}
            return words.get(word, word or "") + _bounds(node)


def _bounds(node: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤"}
    bounds = [f"{sign} {node[name]:g}" for name, sign in signs.items() if name in node]
    return f" {', '.join(bounds)}" if bounds else ""


def _default(node: Schema) -> str:
    if "default" not in node or node["default"] in (None, "", [], {}):
        return ""
    return f"`{msgspec.json.encode(node['default']).decode()}`"


def _resolved(schema: Schema, node: Schema) -> Schema:
    return schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def _row(setting: Setting) -> str:
    cells = (f"`{setting.path}`", setting.type, setting.default, setting.description)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |\n"


def main(arguments: list[str]) -> int:
    current = page()
    if "--check" in arguments:
        if not PAGE.exists() or PAGE.read_text("utf-8") != current:
            print(f"{PAGE.name} is not current: run python tools/configuration_docs.py")
            return 1
        return 0
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(current, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
