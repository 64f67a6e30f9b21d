"""What may stand where: a walk through the settings' models by path."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Annotated, Union, get_args, get_origin

from pydantic import BaseModel

from antiphon.yamlfile.places import Path

_UNIONS = (Union, types.UnionType)
_LISTS = frozenset({tuple, list, frozenset, set, Sequence})
_MAPPINGS = frozenset({dict, Mapping})


def names_at(root: type[BaseModel], path: Path) -> tuple[str, ...]:
    """The names of the settings that may stand in the mapping at a path."""
    models = map(_model, _options(_at(root, path)))
    return next((tuple(model.model_fields) for model in models if model is not None), ())


def is_mapping_at(root: type[BaseModel], path: Path) -> bool:
    """Whether a mapping belongs at a path."""
    options = _options(_at(root, path))
    return any(get_origin(option) in _MAPPINGS or _model(option) is not None for option in options)


def _at(annotation: object, path: Path) -> object:
    """The annotation of the member at a path; None where there is none."""
    if not path:
        return annotation
    step, rest = path[0], path[1:]
    for option in _options(annotation):
        model, origin, arguments = _model(option), get_origin(option), get_args(option)
        if model is not None and step in model.model_fields:
            return _at(model.model_fields[str(step)].annotation, rest)
        if origin in _MAPPINGS:
            return _at(arguments[1], rest)
        if origin in _LISTS:
            return _at(arguments[0], rest)
    return None


def _options(annotation: object) -> Sequence[object]:
    """The types that an annotation allows, without what surrounds them."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in _UNIONS:
        return [option for each in get_args(annotation) for option in _options(each)]
    return [annotation]


def _model(annotation: object) -> type[BaseModel] | None:
    for each in (annotation,):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None
