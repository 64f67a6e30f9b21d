"""From a file of LiteLLM's to the data of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from antiphon.cli.importing.deployment import Deployment
from antiphon.cli.importing.entries import Entries
from antiphon.cli.importing.known import tell
from antiphon.cli.importing.naming import Book, fault_of
from antiphon.cli.importing.report import Report
from antiphon.cli.importing.routes import Routes
from antiphon.cli.importing.sections import TABLES, Sections
from antiphon.cli.importing.source import Source
from antiphon.cli.importing.values import NoValue, Value, value_of
from antiphon.config.tree import is_list, is_mapping
from antiphon.providers.catalog import Catalog

_VARIABLES = "environment_variables"
_READ = frozenset({"model_list", "credential_list", _VARIABLES, *TABLES})
_MASTER = ("LITELLM_MASTER_KEY",)


class Converted(msgspec.Struct, frozen=True):
    """What a file becomes.

    Attributes:
        data: Our configuration; the secrets in it are references to variables.
        report: What became of each member.
    """

    data: Mapping[str, object]
    report: Report

    @property
    def serves(self) -> bool:
        """Whether anything is left that can be asked."""
        return bool(self.data["providers"])


def convert(source: Source, catalog: Catalog) -> Converted:
    """The configuration that means the same, as far as there is one."""
    report = Report(source)
    sections = Sections(source.data, report)
    entries = Entries(source.data, catalog=catalog, waits=sections.waits(), report=report)
    deployments = [each for each in entries.deployments() if _can_be_asked(each, catalog, report)]
    book = Book(
        catalog,
        taken=_taken(source.data, deployments, catalog),
        places={key: each.key_path for each in deployments for key in each.account.keys},
        report=report,
    )
    models = Routes(book, sections, report).models(deployments, any_model=entries.any_model)
    auth = _auth(sections, book, report)
    providers = book.entries()
    data: dict[str, object] = {**auth, **dict(sections.others())}
    data |= {"providers": providers, "models": models}
    sections.tell_the_rest()
    _tell_variables(source.data, report)
    for name in source.data.keys() - _READ:
        tell(report, "top", (name,))
    return Converted(data, report)


def _can_be_asked(deployment: Deployment, catalog: Catalog, report: Report) -> bool:
    fault = fault_of(deployment.account, catalog)
    if fault is not None:
        report.dropped((*deployment.path, "litellm_params"), f"cannot be asked: {fault}")
    return fault is None


def _auth(sections: Sections, book: Book, report: Report) -> Mapping[str, object]:
    said = sections.take("master_key", "general_settings", "litellm_settings")
    key: Value | None = None
    if said is not None:
        try:
            key = value_of(said.value)
        except NoValue as error:
            report.dropped(said.path, str(error), "set auth.keys")
    if said is None or key is None:
        why = "without it everybody is served by LiteLLM; here only this machine is"
        told = "set auth.required and auth.keys before other machines have to reach it"
        report.approximated(("general_settings", "master_key"), why, told)
        return {}
    member = "auth.keys.0.key"
    if key.is_variable:
        report.needs(key.text, member, said.path)
        written = key.written
    else:
        written = book.hide(key, _MASTER, member, said.path)
    report.mapped(said.path, "auth.keys: one key for callers and for management")
    return {
        "auth": {
            "required": True,
            "keys": [{"key": written, "user": "master", "scopes": ["admin", "inference"]}],
        }
    }


def _tell_variables(data: Mapping[str, object], report: Report) -> None:
    variables = data.get(_VARIABLES)
    if variables is None:
        return
    if not is_mapping(variables):
        report.dropped((_VARIABLES,), "must be a mapping")
        return
    for name in variables:
        report.stands_in_the_clear(name, (_VARIABLES, name))
        report.approximated(
            (_VARIABLES, name),
            "no variable is set by a configuration here",
            "set it in the environment, or in a .env beside the configuration",
        )


def _taken(
    data: Mapping[str, object], deployments: list[Deployment], catalog: Catalog
) -> frozenset[str]:
    """Names of variables that mean something already."""
    variables = data.get(_VARIABLES)
    named = set(variables) if is_mapping(variables) else set[str]()
    for deployment in deployments:
        if not deployment.account.keys:
            named |= set(catalog[deployment.account.row].key_env)
    return frozenset(named | set(_references(data)))


def _references(value: object) -> Iterator[str]:
    """Every variable that the file reads."""
    if is_mapping(value):
        for each in value.values():
            yield from _references(each)
    elif is_list(value):
        for each in value:
            yield from _references(each)
    elif isinstance(value, str):
        try:
            found = value_of(value)
        except NoValue:
            return
        if found is not None and found.is_variable:
            yield found.text
