"""Schemas of answers, written in another dialect than they came in: what is changed, what is told."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
import pytest

from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import Target
from antiphon.dialects.gemini.dialect import GEMINI
from antiphon.dialects.ollama.dialect import OLLAMA
from antiphon.dialects.registry import DIALECTS
from antiphon.model.needs import IN_WORDS, SOME_RULES, Loss
from antiphon.model.parts import Author, Extra, Text, Turn
from antiphon.model.request import ChatRequest, Output, OutputForm

CHAT, RESPONSES = DIALECTS["openai_chat"], DIALECTS["openai_responses"]
MESSAGES: Final = DIALECTS["anthropic_messages"]
MAKER, OTHER = Target("m", original=True), Target("m")
NUMBER: Final = {"type": "integer"}
PLAIN: Final = {"type": "object", "properties": {"a": NUMBER}}
MAP: Final = {"type": "object", "properties": {"a": {"additionalProperties": NUMBER}}}
TREE: Final = {"type": "object", "properties": {"kids": {"items": {"$ref": "#"}}}}
SHARED: Final = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#/$defs/n"}},
    "$defs": {"n": NUMBER},
}
BOUND: Final = {"type": "object", "properties": {"a": {"type": "integer", "multipleOf": 3}}}
PATTERN: Final = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^x$"}}}
DEPENDS: Final = {"type": "object", "if": {"required": ["a"]}, "then": {"required": ["b"]}}
LIST: Final = {"type": "array", "items": NUMBER}
NAMED: Final = {"type": "object", "properties": {"minimum": NUMBER, "pattern": NUMBER}}

LOSSES: Final[list[tuple[Dialect, Target, dict[str, Any], Loss | None]]] = [
    (MESSAGES, MAKER, PLAIN, None),
    (MESSAGES, MAKER, SHARED, None),
    (MESSAGES, MAKER, NAMED, None),
    (MESSAGES, MAKER, BOUND, SOME_RULES),
    (MESSAGES, MAKER, DEPENDS, SOME_RULES),
    (MESSAGES, MAKER, MAP, IN_WORDS),
    (MESSAGES, MAKER, TREE, IN_WORDS),
    (CHAT, MAKER, PLAIN, None),
    (CHAT, MAKER, TREE, None),
    (CHAT, MAKER, LIST, IN_WORDS),
    (CHAT, OTHER, LIST, None),
    (RESPONSES, MAKER, LIST, IN_WORDS),
    (GEMINI, MAKER, PLAIN, None),
    (GEMINI, MAKER, MAP, None),
    (GEMINI, MAKER, LIST, None),
    (GEMINI, MAKER, TREE, SOME_RULES),
    (GEMINI, MAKER, BOUND, SOME_RULES),
    (GEMINI, MAKER, DEPENDS, SOME_RULES),
    (OLLAMA, OTHER, TREE, None),
    (OLLAMA, OTHER, NAMED, None),
    (OLLAMA, OTHER, PATTERN, SOME_RULES),
]


def raw(schema: object) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(schema).encode())


def sent(dialect: Dialect, output: Output, target: Target = MAKER) -> dict[str, Any]:
    request = ChatRequest("m", (Turn(Author.USER, (Text("Hi"),)),), output=output)
    return json.loads(dialect.encode_request(request, target).encode())


@pytest.mark.parametrize(("dialect", "target", "schema", "loss"), LOSSES)
def test_what_becomes_of_a_schema(
    dialect: Dialect, target: Target, schema: dict[str, Any], loss: Loss | None
) -> None:
    assert dialect.schema_loss(raw(schema), target) is loss


@pytest.mark.parametrize("dialect", [MESSAGES, CHAT, GEMINI, OLLAMA], ids=lambda each: each.name)
@pytest.mark.parametrize("schema", [b"", b"[1]", b"{", b"true", b'{"a":' * 2000])
def test_what_is_no_schema_loses_nothing_here(dialect: Dialect, schema: bytes) -> None:
    assert dialect.schema_loss(msgspec.Raw(schema), OTHER) is None


def test_messages_takes_any_of_for_one_of() -> None:
    schema = {"type": "object", "properties": {"a": {"oneOf": [NUMBER, {"type": "null"}]}}}
    output = Output(OutputForm.SCHEMA, name="x", schema=raw(schema))
    found = sent(MESSAGES, output)["output_config"]["format"]["schema"]
    assert found["properties"]["a"] == {"anyOf": [NUMBER, {"type": "null"}]}
    assert found["additionalProperties"] is False


CLOSED: Final = {**PLAIN, "required": ["a"], "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "target", "strict"),
    [
        (CLOSED, MAKER, True),
        (CLOSED, OTHER, None),
        (PLAIN, MAKER, None),
        ({**CLOSED, "required": []}, MAKER, None),
        ({**CLOSED, "not": {}}, MAKER, None),
        ({**CLOSED, "properties": {"a": {"type": "object"}}}, MAKER, None),
    ],
)
def test_strict_mode_for_who_has_no_word_for_it(
    schema: dict[str, Any], target: Target, strict: bool | None
) -> None:
    kept = Extra("anthropic_messages", {})
    output = Output(OutputForm.SCHEMA, schema=raw(schema), extra=kept)
    chat = sent(CHAT, output, target)["response_format"]["json_schema"]
    assert (chat.get("strict"), chat["schema"]) == (strict, schema)
    assert sent(RESPONSES, output, target)["text"]["format"].get("strict") == strict
    said = Output(OutputForm.SCHEMA, name="x", schema=raw(CLOSED), strict=False)
    assert sent(CHAT, said)["response_format"]["json_schema"]["strict"] is False
    named = Output(OutputForm.SCHEMA, name="x", schema=raw(CLOSED))
    assert "strict" not in sent(CHAT, named)["response_format"]["json_schema"]


def test_a_grammar_of_ollama_s_has_no_patterns() -> None:
    inner = {"type": "string", "pattern": "x", "maxLength": 9000, "minLength": 1}
    schema = {"type": "object", "properties": {"pattern": inner}, "enum": [{"pattern": "x"}]}
    output = Output(OutputForm.SCHEMA, name="x", schema=raw(schema))
    assert sent(OLLAMA, output)["format"] == {
        "type": "object",
        "properties": {"pattern": {"type": "string", "minLength": 1}},
        "enum": [{"pattern": "x"}],
    }
    own = Output(OutputForm.SCHEMA, schema=raw(schema))
    assert sent(OLLAMA, own)["format"] == schema
