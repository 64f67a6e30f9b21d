"""Providers whose keys and addresses stand in the environment.

The names are those of the catalog's rows, which are those that the vendors' own clients read. An
empty value counts as absent. Nothing is read here but the mapping that is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from antiphon.errors import ConfigurationError, Mistake
from antiphon.providers.address import url_of_host
from antiphon.providers.catalog import Catalog, ProviderRow
from antiphon.providers.config import ProviderSettings
from antiphon.providers.provider import row_of

_WHATEVER_IS_SERVED = "default"
"""A model's name that means: ask the backend which one it has."""


def find_providers(environ: Mapping[str, str], catalog: Catalog) -> Mapping[str, ProviderSettings]:
    """The entries of a configuration that says nothing.

    A row is found by its key; one that needs no key, by its address.

    Raises:
        ConfigurationError: Values that cannot be used, all at once, by the names they stand under.
    """
    found: dict[str, ProviderSettings] = {}
    mistakes: list[Mistake] = []
    for name, row in catalog.items():
        needed = row.base_url_env if row.key_optional else row.key_env
        if not _first(environ, needed) or not (row.base_url or _first(environ, row.base_url_env)):
            continue
        try:
            found[name] = _filled(ProviderSettings(), row, environ)
        except ConfigurationError as error:
            mistakes += error.mistakes
    if mistakes:
        raise ConfigurationError(mistakes)
    return found


def from_environment(
    name: str, settings: ProviderSettings, environ: Mapping[str, str], catalog: Catalog
) -> ProviderSettings:
    """An entry, with key and address from the environment where it gives none.

    An entry that names no row gets nothing: `LLM_API_KEY` belongs to `LLM_BASE_URL`, not to every
    address that somebody writes down.

    Raises:
        ConfigurationError: What stands in the environment cannot be used.
        KeyError: The entry names a row that is not there.
    """
    if settings.catalog is None and name not in catalog:
        return settings
    return _filled(settings, row_of(name, settings, catalog), environ)


def _filled(
    settings: ProviderSettings, row: ProviderRow, environ: Mapping[str, str]
) -> ProviderSettings:
    added: dict[str, object] = {}
    names: dict[str, str] = {}
    url = _first(environ, row.base_url_env)
    if settings.base_url is None and url:
        text = environ[url].strip()
        if row.base_url_form == "host":
            text = url_of_host(text, default=row.base_url or "")
        added["base_url"], names["base_url"] = text, url
    key = _first(environ, row.key_env)
    if not settings.keys and key:
        added["api_key"], names["api_key"] = environ[key].strip(), key
    model = _first(environ, row.models_env)
    if not settings.models and model and environ[model].strip() != _WHATEVER_IS_SERVED:
        added["models"] = [environ[model].strip()]
    if not added:
        return settings
    given = {member: getattr(settings, member) for member in settings.model_fields_set}
    try:
        return ProviderSettings.model_validate({**given, **added})
    except ValidationError as error:
        raise ConfigurationError(
            [
                Mistake("environment", names.get(str(fault["loc"][0]), ""), fault["msg"])
                for fault in error.errors(include_input=False, include_url=False)
            ]
        ) from error


def _first(environ: Mapping[str, str], names: Sequence[str]) -> str:
    """The first of these names that holds something."""
    return next((name for name in names if environ.get(name, "").strip()), "")
