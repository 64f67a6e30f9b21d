"""Entries of `providers`: accounts under names, with secrets behind variables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import count
from urllib.parse import urlsplit

from pydantic import ValidationError

from antiphon.cli.importing.deployment import Account, Deployment
from antiphon.cli.importing.known import providers
from antiphon.cli.importing.report import Report
from antiphon.cli.importing.values import Value
from antiphon.config.words import Fault, reworded
from antiphon.dialects.registry import DIALECTS
from antiphon.providers.address import is_private
from antiphon.providers.catalog import GENERIC, Catalog
from antiphon.providers.config import ProviderSettings
from antiphon.providers.provider import mistakes
from antiphon.yamlfile.places import Path

_DIALECT = "openai_chat"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_NAME = 48
_ANYWHERE = "https://placeholder.example"
_PLAIN_HEADERS = frozenset(
    {
        *("anthropic-beta", "anthropic-version", "openai-beta", "openai-organization"),
        *("openai-project", "http-referer", "x-title", "editor-version", "user-agent"),
        *("copilot-integration-id", "editor-plugin-version", "openai-intent", "accept-language"),
    }
)
"""Headers whose values are no secrets; that of any other goes behind a variable."""


class Book:
    """The entries, by name.

    Args:
        catalog: The rows.
        taken: Names of variables that stand for something else.
        places: Where each key stands.
        report: Told of the variables that have to be set.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        taken: Collection[str],
        places: Mapping[Value, Path],
        report: Report,
    ) -> None:
        self._catalog = catalog
        self._taken = set(taken)
        self._places = places
        self._report = report
        self._accounts: dict[str, Account] = {}
        self._names: dict[Account, str] = {}
        self._paths: dict[str, Path] = {}
        self._hidden: dict[str, str] = {}
        self._numbers = defaultdict[str, Iterator[int]](lambda: count(2))
        self._facts: dict[str, dict[str, Mapping[str, object]]] = {}

    def name(self, deployment: Deployment, *, wanted: str = "") -> str:
        """The entry of a deployment, made where there is none; one may be wanted by name."""
        account = deployment.account
        name = self._names.get(account)
        if name is None or wanted:
            name = self._free(account, wanted)
            self._names.setdefault(account, name)
            self._accounts[name] = account
            self._paths[name] = deployment.key_path
        if deployment.facts:
            self._know(name, deployment)
        return name

    def entries(self) -> dict[str, object]:
        """The section `providers`."""
        return {name: self._entry(name, account) for name, account in self._accounts.items()}

    def _know(self, name: str, deployment: Deployment) -> None:
        known = self._facts.setdefault(name, {})
        if known.setdefault(deployment.model, deployment.facts) != deployment.facts:
            why = f"another entry says something else of {name}/{deployment.model}, and holds"
            self._report.dropped((*deployment.path, "model_info"), why)

    def _free(self, account: Account, wanted: str) -> str:
        slug = _slug(account)
        usual = [slug] if account.row == GENERIC else [account.row]
        if account.row != GENERIC and account.base is not None:
            usual.append(f"{account.row}-{slug}")
        names = [name for name in (wanted, *usual) if _NAME.fullmatch(name)]
        base = names[-1]
        for name in names:
            if name not in self._accounts:
                return name
        while (name := f"{base}-{next(self._numbers[base])}") in self._accounts:
            pass
        return name

    def _entry(self, name: str, account: Account) -> dict[str, object]:
        entry: dict[str, object] = {}
        row = self._catalog[account.row]
        if (self._catalog[name].name if name in self._catalog else GENERIC) != account.row:
            entry["catalog"] = account.row
        if account.row == GENERIC:
            entry["dialect"] = _DIALECT
        if account.base is not None:
            entry["base_url"] = self._read(
                account.base, f"providers.{name}.base_url", self._paths[name]
            )
            if is_in_the_open(account.base):
                entry["allow_http"] = True
        elif row.base_url is None:
            self._report.needs(row.base_url_env[0], f"providers.{name}.base_url")
        keys = [self._key(key, name, account) for key in account.keys]
        if keys:
            entry["api_key"] = keys[0] if len(keys) == 1 else keys
        elif not row.key_optional:
            self._report.needs(row.key_env[0], f"providers.{name}.api_key")
        if account.headers:
            entry["headers"] = {
                header: self._header(header, value, name) for header, value in account.headers
            }
        if timeouts := timeouts_of(account):
            entry["timeouts"] = timeouts
        if models := self._facts.get(name):
            entry["models"] = {model: dict(facts) for model, facts in models.items()}
        return entry

    def _key(self, key: Value, name: str, account: Account) -> str:
        member = f"providers.{name}.api_key"
        path = self._places.get(key, self._paths[name])
        if key.is_variable or key.is_placeholder:
            return self._read(key, member, path)
        usual = self._catalog[account.row].key_env if name == account.row else ()
        return self.hide(key, (*usual[:1], _variable(f"{name}_API_KEY")), member, path)

    def _header(self, header: str, value: Value, name: str) -> str:
        member = f"providers.{name}.headers.{header}"
        if value.is_variable or header.lower() in _PLAIN_HEADERS:
            return self._read(value, member, self._paths[name])
        return self.hide(value, (_variable(f"{name}_{header}"),), member, self._paths[name])

    def _read(self, value: Value, member: str, path: Path) -> str:
        if value.is_variable:
            self._report.needs(value.text, member, path)
        return value.written

    def hide(self, secret: Value, names: Sequence[str], member: str, path: Path) -> str:
        """A reference in place of a secret; equal secrets have one variable."""
        variable = self._hidden.get(secret.text)
        if variable is None:
            last = names[-1]
            variable = next((each for each in names if each not in self._taken), None)
            while variable is None or variable in self._taken:
                variable = f"{last}_{next(self._numbers[last])}"
            self._taken.add(variable)
            self._hidden[secret.text] = variable
        self._report.needs(variable, member, path, in_the_clear=True)
        return Value(variable, is_variable=True).written


def fault_of(account: Account, catalog: Catalog) -> str | None:
    """Why an account cannot be an entry of `providers`; None where it can.

    Keys and variables are not looked at: their values are not here.
    """
    base = account.base
    shown = None if base is None else _ANYWHERE if base.is_variable else base.text
    if base is None and catalog[account.row].base_url is None:
        shown = _ANYWHERE
    data = {
        "catalog": account.row,
        "base_url": shown,
        "allow_http": base is not None and is_in_the_open(base),
        "api_key": "placeholder",
        "headers": {
            header: "-" if value.is_variable else value.text for header, value in account.headers
        },
        "timeouts": timeouts_of(account),
    }
    try:
        settings = ProviderSettings.model_validate(data)
    except ValidationError as error:
        [first, *_] = error.errors(include_url=False)
        return reworded(Fault(first["type"], first["msg"], first.get("ctx", {}), None))
    found = mistakes("placeholder", settings, catalog=catalog, dialects=DIALECTS)
    return found[0][1] if found else None


def timeouts_of(account: Account) -> dict[str, float]:
    """The member `timeouts` of an entry."""
    given = {"first_byte": account.wait, "idle": account.wait, "total": account.total}
    return {
        name: int(value) if value == int(value) else value
        for name, value in given.items()
        if value is not None
    }


def is_in_the_open(base: Value) -> bool:
    """Whether an address is a public host without TLS."""
    if base.is_variable:
        return False
    parts = urlsplit(base.text)
    return parts.scheme == "http" and bool(parts.hostname) and not is_private(parts.hostname or "")


def _slug(account: Account) -> str:
    """A name out of the address, the variable that holds it, or LiteLLM's name."""
    base = account.base
    if base is None or base.text == providers()[account.known].base:
        return account.known[:_LONGEST_NAME]
    text = base.text.lower() if base.is_variable else urlsplit(base.text).netloc
    if account.row != GENERIC and not base.is_variable and not text[:1].isdigit():
        text = text.partition(".")[0]
    slug = re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-._")[:_LONGEST_NAME].rstrip("-._")
    return slug or account.known[:_LONGEST_NAME]


def _variable(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper()
    return f"KEY_{name}" if name[:1].isdigit() else name
