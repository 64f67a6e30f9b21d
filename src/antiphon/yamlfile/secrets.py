"""A setting whose text is wrapped as it is read, and masked when it is written."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from antiphon.secret import Secret


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text: put it in quotes")  # noqa: TRY004  pydantic reads ValueError
    if not value.strip():
        raise ValueError("is empty")
    return Secret(value.strip())


SecretText: TypeAlias = Annotated[
    Secret,
    PlainValidator(_secret),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "password"}),
]
"""Serialised, it is a mask."""
