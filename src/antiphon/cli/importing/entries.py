"""`model_list`, read entry by entry; `credential_list`, which entries refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from antiphon.cli.importing.deployment import Account, Deployment
from antiphon.cli.importing.facts import ABILITIES, PRICES, SIZES, facts_of
from antiphon.cli.importing.known import Known, providers, split, tell
from antiphon.cli.importing.places import Given, NotHere, Waits, accounts_of
from antiphon.cli.importing.report import Report
from antiphon.cli.importing.values import NoValue, number_of, text_of
from antiphon.config.tree import is_list, is_mapping
from antiphon.providers.catalog import Catalog
from antiphon.providers.provider import is_model_name
from antiphon.yamlfile.places import Path

_ANY = "*"
_ENTRY = frozenset({"model_name", "litellm_params", "model_info"})
_PARAMS = frozenset(
    {
        *("model", "custom_llm_provider", "api_base", "base_url", "api_key", "api_version"),
        *("organization", "extra_headers", "headers", "default_headers", "timeout"),
        *("stream_timeout", "order", "weight", "litellm_credential_name", "mock_response"),
        *PRICES,
    }
)
_INFO = frozenset({"id", *SIZES, *ABILITIES, *PRICES})
_CREDENTIAL = frozenset({"credential_name", "credential_values", "credential_info"})


class Entries:
    """The entries of a file.

    Attributes:
        any_model: `*` stood for every model of every provider.
    """

    def __init__(
        self, data: Mapping[str, object], *, catalog: Catalog, waits: Waits, report: Report
    ) -> None:
        self._data = data
        self._catalog = catalog
        self._waits = waits
        self._report = report
        self._credentials = dict(_credentials(data, report))
        self.any_model = False

    def deployments(self) -> list[Deployment]:
        """What can be asked from here; what cannot is told."""
        entries = self._data.get("model_list", [])
        if not is_list(entries):
            self._report.dropped(("model_list",), "must be a list")
            return []
        found: list[Deployment] = []
        for index, entry in enumerate(entries):
            path: Path = ("model_list", index)
            if not is_mapping(entry):
                self._report.dropped(path, "must be a mapping with model_name and litellm_params")
                continue
            try:
                found += self._entry(path, entry)
            except NotHere as error:
                self._report.dropped(error.path, error.why, error.instead)
        return found

    def _entry(self, path: Path, entry: Mapping[str, object]) -> list[Deployment]:
        params_path, info_path = (*path, "litellm_params"), (*path, "model_info")
        params, info = entry.get("litellm_params"), entry.get("model_info")
        name = _needed(entry, "model_name", path)
        if not is_mapping(params):
            raise NotHere(params_path, "must be a mapping")
        if not is_mapping(info):
            if info is not None:
                self._report.dropped(info_path, "must be a mapping")
            info = dict[str, object]()
        given = {**self._credential(params, params_path), **_members(params, params_path)}
        described = _members(info, info_path)
        if "mock_response" in given:
            why = "its answers are made up: nobody is asked"
            raise NotHere(given["mock_response"][0], why, "ask a provider of `antiphon simulate`")
        model = _needed(params, "model", params_path)
        if name == model == _ANY:
            self.any_model = True
            why = "every provider of this file can be asked as PROVIDER/MODEL; no other is"
            self._report.approximated(path, why, "add the others to providers, each as NAME: {}")
            return []
        found = self._found(path, name, model, given, described)
        self._tell(entry, path, "entry", _ENTRY)
        self._tell(params, params_path, "params", _PARAMS | self._whose(model, given)[1].fields)
        self._tell(info, info_path, "info", _INFO)
        return found

    def _found(
        self, path: Path, name: str, text: str, given: Given, described: Given
    ) -> list[Deployment]:
        model_path = given["model"][0]
        provider, known, model = self._whose(text, given)
        if known.only_models and not model.startswith(known.only_models):
            raise NotHere(model_path, f"{provider}: {known.refused}", known.instead)
        accounts = accounts_of(
            given,
            provider=provider,
            known=known,
            catalog=self._catalog,
            waits=self._waits,
            report=self._report,
        )
        self._version(given, accounts[0])
        for part in known.strip:
            if model.startswith(part):
                model = model.removeprefix(part)
                self._report.approximated(
                    model_path, f"{part} is left out: each dialect is asked as the caller speaks"
                )
        if _ANY in name or _ANY in model:
            name = self._wild(path, name, model, provider)
        elif not is_model_name(model) or " " in model:
            raise NotHere(model_path, "this is no model name here: visible ASCII, without spaces")
        facts = {each: given[each] for each in given.keys() & PRICES.keys()} | {
            each: described[each] for each in described
        }
        return [
            Deployment(
                path=path,
                name=self._callable(name, path),
                model=model,
                account=account,
                key_path=given.get("api_key", (model_path, None))[0],
                order=self._number(given, "order"),
                weight=self._number(given, "weight"),
                id=_id(described),
                facts=facts_of(facts, model=model, report=self._report),
            )
            for account in accounts
        ]

    def _whose(self, text: str, given: Given) -> tuple[str, Known, str]:
        path, value = given.get("custom_llm_provider", (given["model"][0], None))
        try:
            named = split(text, text_of(value))
        except NoValue as error:
            raise NotHere(path, str(error)) from error
        if not named.provider:
            why = "does not say whose model it is"
            raise NotHere(path, why, "write PROVIDER/MODEL, or openai/MODEL with its api_base")
        known = providers().get(named.provider)
        if known is None:
            why = f"{named.provider} is no provider of LiteLLM's that is known here"
            told = "if it speaks OpenAI's dialect: openai/MODEL with its api_base"
            raise NotHere(path, why, told)
        return named.provider, known, named.model

    def _version(self, given: Given, account: Account) -> None:
        if "api_version" in given and given["api_version"][1] is not None:
            why = f"{account.row} is asked at its address of version 1, which has no dated versions"
            self._report.approximated(given["api_version"][0], why)

    def _wild(self, path: Path, name: str, model: str, provider: str) -> str:
        """The name of a deployment that stands for many."""
        prefix, slash, rest = name.rpartition("/")
        if model != _ANY or rest != _ANY or _ANY in prefix or "/" in prefix:
            raise NotHere(
                path,
                "only PROVIDER/* for all models of a provider can be a pattern here",
                "name the models one by one",
            )
        if not slash:
            why = f"names are asked with the provider before them: {provider}/MODEL"
            self._report.approximated(path, why, "name those that are asked without, in models")
            return f"{provider}/{_ANY}"
        return name

    def _callable(self, name: str, path: Path) -> str:
        """A name without spaces."""
        whole = "-".join(name.split())
        if whole != name:
            why = f"a name has no spaces here: it is {whole!r}"
            self._report.approximated((*path, "model_name"), why, "callers have to ask for that")
        return whole

    def _number(self, given: Given, name: str) -> float:
        if name not in given:
            return 0
        path, value = given[name]
        try:
            return number_of(value) or 0
        except NoValue as error:
            self._report.dropped(path, str(error))
            return 0

    def _credential(self, params: Mapping[str, object], path: Path) -> Given:
        name = params.get("litellm_credential_name")
        if name is None:
            return {}
        here: Path = (*path, "litellm_credential_name")
        if not isinstance(name, str) or name not in self._credentials:
            why = "names no credential of this file"
            raise NotHere(here, why, "set providers.NAME.api_key and base_url")
        self._report.mapped(here, "what the credential holds is said at its provider")
        return self._credentials[name]

    def _tell(
        self, members: Mapping[str, object], path: Path, table: str, read: frozenset[str]
    ) -> None:
        for name, value in members.items():
            if name not in read and value is not None:
                tell(self._report, table, (*path, name))


def _credentials(data: Mapping[str, object], report: Report) -> Iterator[tuple[str, Given]]:
    entries = data.get("credential_list", [])
    if not is_list(entries):
        report.dropped(("credential_list",), "must be a list")
        return
    for index, entry in enumerate(entries):
        path: Path = ("credential_list", index)
        values = entry.get("credential_values") if is_mapping(entry) else None
        name = entry.get("credential_name") if is_mapping(entry) else None
        if not is_mapping(entry) or not is_mapping(values) or not isinstance(name, str):
            report.dropped(path, "must be a mapping with credential_name and credential_values")
            continue
        for member in entry.keys() - _CREDENTIAL:
            report.unknown((*path, member))
        inside: Path = (*path, "credential_values")
        for member in values.keys() - _PARAMS:
            tell(report, "params", (*inside, member))
        yield name, _members(values, inside)


def _members(members: Mapping[str, object], path: Path) -> Given:
    return {name: ((*path, name), each) for name, each in members.items() if each is not None}


def _needed(members: Mapping[str, object], name: str, path: Path) -> str:
    here: Path = (*path, name)
    try:
        text = text_of(members.get(name))
    except NoValue as error:
        raise NotHere(here, str(error)) from error
    if text is None:
        raise NotHere(here, "is missing")
    return text


def _id(described: Given) -> str:
    value = described["id"][1] if "id" in described else ""
    return str(value) if isinstance(value, str | int) else ""
