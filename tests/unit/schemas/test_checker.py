"""Answers against schemas: what is told of them, and what they may cost."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

import pytest

from antiphon.model.reply import StopReason
from antiphon.model.request import OutputForm
from antiphon.model.said import Said
from antiphon.model.structured import How, Structured, combined
from antiphon.schemas.checker import Checkers
from antiphon.schemas.trouble import BadSchema

SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        "odd name": {"enum": ["a", "b"]},
    },
    "required": ["age"],
    "additionalProperties": False,
}
NODE: Final = {
    "type": "object",
    "properties": {"next": {"$ref": "#"}, "value": {"type": "integer"}},
}


def checked(schema: object, answer: str, form: OutputForm = OutputForm.SCHEMA) -> Structured:
    raw = json.dumps(schema).encode() if schema is not None else b""
    return Checkers().of(form, raw).check(Said(answer), How.NATIVE)


INVALID: Final = [
    ("Hello", "$: is no JSON"),
    ("[1]", "$: must be object"),
    ("{}", "$: lacks 'age'"),
    ('{"age": "secret"}', "$.age: must be integer"),
    ('{"age": 1, "tags": [1]}', "$.tags[0]: must be string"),
    ('{"age": 1, "tags": ["a", "b", "c"]}', "$.tags: has too many items"),
    (
        '{"age": 1, "odd name": "secret"}',
        "$['odd name']: is none of the values that may stand here",
    ),
    ('{"age": 1, "secret": 2}', "$: has members that the schema does not name"),
]


@pytest.mark.parametrize(("answer", "problem"), INVALID)
def test_what_is_wrong_is_told_without_what_stands_there(answer: str, problem: str) -> None:
    found = checked(SCHEMA, answer)
    assert found.valid is False
    assert found.problems == (problem,)
    assert "secret" not in found.line


@pytest.mark.parametrize("answer", ['{"age": 1}', ' {"age": 1.0, "tags": []}\n'])
def test_what_fits(answer: str) -> None:
    found = checked(SCHEMA, answer)
    assert (found.valid, found.line) == (True, "native; valid")


def test_json_of_any_shape_is_an_object() -> None:
    assert checked(None, '{"a": 1}', OutputForm.JSON).valid is True
    assert checked(None, "[1]", OutputForm.JSON).problems == ("$: must be object",)
    assert checked(None, "{", OutputForm.JSON).problems == ("$: is no JSON",)
    assert checked(None, "[1]").valid is True


def test_problems_are_bounded_and_ascii() -> None:
    schema = {"additionalProperties": {"type": "string"}}
    answer = json.dumps({f"{'ü' * 500}\r\n{n}": n for n in range(100)}, ensure_ascii=False)
    found = checked(schema, answer)
    assert len(found.problems) == 10
    assert found.line.isascii()
    assert found.line.isprintable()
    assert len(found.line) < 600
    assert found.line.endswith("and 7 more")


EXCUSES: Final = [
    (Said("{", StopReason.LENGTH), "length"),
    (Said("{", StopReason.CONTEXT), "length"),
    (Said("", StopReason.FILTER), "filter"),
    (Said("No.", StopReason.STOP, refused=True), "refusal"),
    (Said("", StopReason.TOOL), "tool calls"),
    (Said("Let me see.", StopReason.STOP, called=True), "tool calls"),
]


@pytest.mark.parametrize(("said", "why"), EXCUSES)
def test_what_did_not_end_as_an_answer_is_not_judged(said: Said, why: str) -> None:
    found = Checkers().of(OutputForm.SCHEMA, json.dumps(SCHEMA).encode()).check(said, How.NATIVE)
    assert (found.valid, found.why) == (None, why)


def test_several_answers_must_all_fit() -> None:
    good, bad = checked(SCHEMA, '{"age": 1}'), checked(SCHEMA, "{}")
    cut = Structured(OutputForm.SCHEMA, How.NATIVE, why="length")
    unknown = Structured(OutputForm.SCHEMA, How.NATIVE)
    assert combined([good, good], unknown).valid is True
    assert combined([good, bad], unknown).problems == ("answer 1: $: lacks 'age'",)
    assert combined([good, cut], unknown) == cut
    assert combined([], unknown).why == "no answer"


# ------------------------------------------------------------------ what it may cost


def doubling(depth: int) -> dict[str, Any]:
    parts = {f"a{at}": {"anyOf": [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(depth)}
    return {"$defs": {**parts, f"a{depth}": {"type": "string"}}, "$ref": "#/$defs/a0"}


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(depth):
        schema = {"properties": {"a": schema}}
    return schema


BAD: Final = {
    "not an object": [1],
    "no such type": {"type": "objekt"},
    "a reference to a host": {"$ref": "http://127.0.0.1:9/x"},
    "a reference to a file": {"$ref": "file:///etc/passwd"},
    "a reference to a neighbour": {"$ref": "other.json#/x"},
    "a reference to nothing": {"properties": {"a": {"$ref": "#/$defs/x"}}},
    "an anchor that is not there": {"$ref": "#x"},
    "a circle": {"$ref": "#"},
    "a wider circle": {"allOf": [{"$ref": "#/$defs/x"}], "$defs": {"x": {"not": {"$ref": "#"}}}},
    "branches": doubling(40),
    "branches by level": {"anyOf": [{"properties": {"a": {"$ref": "#"}}}] * 2},
    "branches behind items": {"allOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]},
    "dynamic": {"$dynamicRef": "#node"},
    "a name inside": {"properties": {"a": {"$id": "http://x/y"}}},
    "a pattern that explodes": {"pattern": "((a{100}){100}){100}"},
    "deep": nested(150),
    "huge": {"description": "x" * 300_000},
    "another meta-schema": {"$schema": "http://127.0.0.1:9/draft"},
}


@pytest.mark.parametrize("what", BAD)
def test_what_a_schema_may_cost(what: str) -> None:
    with pytest.raises(BadSchema) as caught:
        checked(BAD[what], '"a"')
    assert 10 < len(str(caught.value)) < 200


def test_references_that_end_are_followed() -> None:
    assert checked(NODE, '{"next": {"next": {"value": 1}}}').valid is True
    found = checked(NODE, '{"next": {"next": {"value": "x"}}}')
    assert found.problems == ("$.next.next.value: must be integer",)
    named = {"$ref": "#it", "$defs": {"x": {"$anchor": "it", "type": "string"}}}
    assert checked(named, "1").valid is False
    assert checked(doubling(5), '"a"').valid is True


def test_an_answer_that_is_too_much_is_not_judged() -> None:
    deep = '{"next": ' * 40 + "{}" + "}" * 40
    assert checked(NODE, deep).why == "too much to be checked"
    assert checked(SCHEMA, "x" * 2_000_000).why == "too much to be checked"
    many = json.dumps([0] * 400_000)
    assert checked({"items": {"anyOf": [{"type": "string"}] * 20}}, many).why
    assert checked({"type": "object"}, "[" * 100_000).valid is False


def test_patterns_end() -> None:
    long = json.dumps("a" * 100_000 + "!")
    assert checked({"pattern": "^(a+)+$"}, long).problems == ("$: does not match the pattern",)
    assert checked({"pattern": "^(?=a)(a|a)*(?!b)$"}, long).valid is not True
    assert checked({"pattern": "^(?=.*[0-9])[a-z0-9]+$"}, '"abc1"').valid is True


def test_schemas_are_kept_by_their_bytes_and_bounded() -> None:
    kept = Checkers(most=200)
    raw = [json.dumps({"type": "object", "title": "x" * n}).encode() for n in range(60, 70)]
    first = kept.of(OutputForm.SCHEMA, raw[0])
    assert kept.of(OutputForm.SCHEMA, bytes(bytearray(raw[0]))) is first
    for each in raw:
        kept.of(OutputForm.SCHEMA, each)
    assert len(kept) == 2
    assert kept.of(OutputForm.SCHEMA, raw[0]) is not first
    for _ in range(2):
        with pytest.raises(BadSchema):
            kept.of(OutputForm.SCHEMA, b'{"type": 5}')


def test_the_validator_is_loaded_with_the_first_schema() -> None:
    code = (
        "import sys, antiphon.pipeline.phases\n"
        "from antiphon.schemas.checker import CHECKERS\n"
        "from antiphon.model.request import OutputForm\n"
        "CHECKERS.of(OutputForm.JSON, b'')\n"
        "print('jsonschema_rs' in sys.modules)\n"
        "CHECKERS.of(OutputForm.SCHEMA, b'{}')\n"
        "print('jsonschema_rs' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]
