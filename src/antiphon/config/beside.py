"""Files whose content routes go by: another content is another configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath

from pydantic import BaseModel

from antiphon.config.settings import Settings
from antiphon.config.tree import is_any_list, is_any_mapping
from antiphon.yamlfile.places import Path


def named_files(settings: Settings) -> Mapping[Path, FilePath]:
    """Files that members of `models` name, by these members."""
    return dict(_files(settings.models, ("models",)))


def _files(value: object, path: Path) -> Iterator[tuple[Path, FilePath]]:
    if isinstance(value, FilePath):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _files(getattr(value, name), (*path, name))
    elif is_any_mapping(value):
        for name, each in value.items():
            yield from _files(each, (*path, str(name)))
    elif is_any_list(value):
        for index, each in enumerate(value):
            yield from _files(each, (*path, index))
