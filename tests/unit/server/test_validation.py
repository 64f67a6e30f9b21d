"""Where mistakes of a body are said to be."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from antiphon.errors import MalformedBody
from antiphon.server.problems import Flaw, Invalid
from antiphon.server.validation import refusal_of


class Each(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["each"]
    size: int | None = None


class Total(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["total"]
    name: str

    @field_validator("name")
    @classmethod
    def _checked(cls, name: str) -> str:
        if name == "bad":
            raise ValueError("no good name")
        return name


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    a_b: int | list[int] = Field(default=0, alias="a/b~")
    every: list[Annotated[Each | Total, Field(discriminator="kind")]] = []


def told(body: object) -> list[tuple[object, str]]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Whole).validate_python(body)
    found = [{**each, "loc": ("body", *each["loc"])} for each in caught.value.errors()]
    refusal = refusal_of(RequestValidationError(found, body=body))
    assert isinstance(refusal, Invalid)
    assert refusal.status == 400
    return [(flaw.pointer, flaw.detail) for flaw in refusal.flaws]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"every": [{"kind": "each", "size": "x"}]}, {"#/every/0/size"}),
        ({"every": [{"kind": "each"}, {"kind": "total"}]}, {"#/every/1/name"}),
        ({"every": [{"kind": "total", "name": "bad"}]}, {"#/every/0/name"}),
        ({"every": [{"kind": "other"}]}, {"#/every/0"}),
        ({"every": {}}, {"#/every"}),
        ({"every": [7]}, {"#/every/0"}),
        ({"more": 1, "every": 2}, {"#/more", "#/every"}),
        ({"a/b~": "x"}, {"#/a~1b~0"}),
        ({"a/b~": [1, "x"]}, {"#/a~1b~0", "#/a~1b~0/1"}),
        ({"ä %": 1}, {"#/%C3%A4%20%25"}),
        ([], {"#"}),
        (None, {"#"}),
    ],
)
def test_pointers(body, pointers):
    assert {pointer for pointer, _ in told(body)} == pointers


def test_words():
    assert told({"every": [{"kind": "total", "name": "bad"}]}) == [
        ("#/every/0/name", "no good name")
    ]


def test_more_mistakes_than_anybody_reads():
    assert len(told({"x" * number: 1 for number in range(1, 900)})) == 50


def test_a_name_that_is_too_long():
    ((pointer, _),) = told({"y" * 10_000: 1})
    assert len(str(pointer)) < 200


def test_parameters():
    found = {"type": "missing", "loc": ("query", "limit"), "msg": "Field required"}
    refusal = refusal_of(RequestValidationError([found]))
    assert isinstance(refusal, Invalid)
    assert refusal.flaws == (Flaw("Field required", param="limit"),)
    assert (refusal.param, refusal.message) == ("limit", "limit: Field required")


def test_what_is_no_json():
    found = {"type": "json_invalid", "loc": ("body", 3), "msg": "JSON decode error"}
    assert isinstance(refusal_of(RequestValidationError([found], body="{")), MalformedBody)
