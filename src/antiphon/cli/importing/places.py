"""Where a deployment is asked: row, address, keys and headers, out of the members of an entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from antiphon.cli.importing.deployment import Account
from antiphon.cli.importing.known import Known
from antiphon.cli.importing.report import Report
from antiphon.cli.importing.values import NoValue, Value, number_of, text_of, value_of
from antiphon.config.tree import is_list, is_mapping
from antiphon.providers.address import is_private
from antiphon.providers.catalog import GENERIC, Catalog
from antiphon.yamlfile.places import Path

Given = Mapping[str, tuple[Path, object]]
"""Members of an entry, wherever they were said, with their paths."""

_BASES = ("api_base", "base_url")
_HEADERS = ("extra_headers", "headers", "default_headers")
_LONGEST = 86_400


class Waits(NamedTuple):
    """Seconds that hold where an entry gives none: for a call, and for a stream's next byte."""

    total: float | None = None
    stream: float | None = None


class NotHere(Exception):
    """The deployment cannot be asked from here; says why.

    Attributes:
        path: The member that says so.
        why: The reason.
        instead: What to do about it.
    """

    def __init__(self, path: Path, why: str, instead: str = "") -> None:
        super().__init__(why)
        self.path = path
        self.why = why
        self.instead = instead


def accounts_of(
    given: Given, *, provider: str, known: Known, catalog: Catalog, waits: Waits, report: Report
) -> list[Account]:
    """The accounts of an entry: one, or one for each organization that it names.

    Raises:
        NotHere: Nothing here can ask there.
    """
    model = given["model"][0]
    row = next((catalog[name].name for name in known.rows if name in catalog), GENERIC)
    base = _base(given, known, report) or _made(given, known)
    if known.refused and (row == GENERIC or base is None):
        raise NotHere(model, f"{provider}: {known.refused}", known.instead)
    if known.hosts and base is not None and not _is_at(base, known.hosts):
        row = GENERIC
    elif base is None:
        base = _usual_base(known, row, catalog)
    if base is None and row == GENERIC:
        raise NotHere(model, f"{provider} has no address that is known", "give it an api_base")
    if known.note:
        report.approximated(model, f"{provider}: {known.note}")
    total, wait = _waits(given, waits, report)
    at_home = row != GENERIC or base is None or _is_usual(base, known)
    account = Account(
        known=provider,
        row=row,
        base=base,
        keys=_keys(given, known, row, catalog, report, at_home=at_home),
        headers=_headers(given, report),
        total=total,
        wait=wait,
    )
    return _of_each_organization(account, given, report)


def _base(given: Given, known: Known, report: Report) -> Value | None:
    for name in _BASES:
        if name not in given:
            continue
        path, value = given[name]
        try:
            base = value_of(value)
        except NoValue as error:
            raise NotHere(path, str(error)) from error
        if base is not None:
            return base if base.is_variable else Value(_address(base.text, known, path, report))
    return None


def _address(text: str, known: Known, path: Path, report: Report) -> str:
    """The address, without what LiteLLM's own code puts or reads there; tells how it differs."""
    try:
        parts = urlsplit(text)
        host, netloc = parts.hostname or "", parts.netloc
    except ValueError as error:
        raise NotHere(path, "is no address") from error
    if "@" in netloc:
        why = "an address holds no user name or password here"
        raise NotHere(path, why, "send it in a header: providers.NAME.headers")
    if (parts.query or parts.fragment) and not host.endswith(known.only_host or ("\0",)):
        raise NotHere(path, "an address holds no query here")
    if known.only_host and host.endswith(known.only_host) and parts.path.strip("/"):
        report.approximated(path, f"{host} is asked at /openai/v1: its path is left out")
        return f"{parts.scheme}://{netloc}"
    if parts.scheme == "http" and host and not is_private(host):
        why = f"{host} is asked over plain http, as before: keys and prompts go in the open"
        report.approximated(path, why, "give it an https address, and take allow_http away")
    if not known.rows and parts.scheme and not parts.path.strip("/"):
        why = "an address without a path is asked at /v1/..., not at /..."
        report.approximated(path, why, "write the path, where it has another one")
    return text.rstrip("/")


def _made(given: Given, known: Known) -> Value | None:
    """An address that is made of other members; None where one of them is not said here."""
    address = known.template
    for name in known.fields:
        path, value = given.get(name, ((), None))
        try:
            text = text_of(value)
        except NoValue as error:
            raise NotHere(path, str(error), known.instead) from error
        if text is None:
            return None
        address = address.replace(f"{{{name}}}", quote(text, safe=""))
    for written, meant in known.rewrites.items():
        address = address.replace(written, meant)
    return Value(address) if address else None


def _is_at(base: Value, hosts: tuple[str, ...]) -> bool:
    if base.is_variable:
        return False
    host = urlsplit(base.text).hostname or ""
    return any(host == each or host.endswith(f".{each}") for each in hosts)


def _is_usual(base: Value, known: Known) -> bool:
    return base.text in {known.base, *known.base_env} or _is_at(base, known.hosts)


def _usual_base(known: Known, row: str, catalog: Catalog) -> Value | None:
    """Where LiteLLM asks when the file does not say; None where our row knows the same."""
    if known.base:
        return Value(known.base)
    described = catalog[row]
    if row != GENERIC and (
        described.base_url is not None or set(known.base_env) & set(described.base_url_env)
    ):
        return None
    return Value(known.base_env[0], is_variable=True) if known.base_env else None


def _keys(
    given: Given, known: Known, row: str, catalog: Catalog, report: Report, *, at_home: bool
) -> tuple[Value, ...]:
    path, value = given.get("api_key", (given["model"][0], None))
    try:
        key = value_of(value)
    except NoValue as error:
        raise NotHere(path, f"the key {error}") from error
    if key is not None:
        return (key,)
    described = catalog[row]
    if not known.key_env or (row != GENERIC and set(known.key_env) & set(described.key_env)):
        return ()
    if at_home:
        return (Value(known.key_env[0], is_variable=True),)
    why = f"no key is sent there; LiteLLM sends that of {known.key_env[0]}"
    report.approximated(path, why, "set providers.NAME.api_key, if it is meant for that address")
    return ()


def _headers(given: Given, report: Report) -> tuple[tuple[str, Value], ...]:
    headers: dict[str, Value] = {}
    for name in _HEADERS:
        if name not in given:
            continue
        path, value = given[name]
        if not is_mapping(value):
            report.dropped(path, "must be a mapping of headers")
            continue
        for header, text in value.items():
            try:
                read = value_of(text)
            except NoValue as error:
                report.dropped((*path, header), str(error))
                continue
            if read is not None:
                headers[header] = read
    return tuple(headers.items())


def _waits(given: Given, waits: Waits, report: Report) -> tuple[float | None, float | None]:
    total, stream = _wait(given, "timeout", report), _wait(given, "stream_timeout", report)
    if total is not None and stream is None:
        why = "bounds a stream as a whole too, not only the wait for its next part"
        told = "raise providers.NAME.timeouts.total, where answers take longer"
        report.approximated(given["timeout"][0], why, told)
    total = waits.total if total is None else total
    stream = waits.stream if stream is None else stream
    return total, total if stream is None else stream


def _wait(given: Given, name: str, report: Report) -> float | None:
    if name not in given:
        return None
    path, value = given[name]
    return seconds(value, path, report)


def seconds(value: object, path: Path, report: Report) -> float | None:
    """A time in seconds; one that is none is told, and is none."""
    try:
        number = number_of(value)
    except NoValue as error:
        report.dropped(path, str(error), "set providers.NAME.timeouts")
        return None
    if number is not None and not 0 < number <= _LONGEST:
        report.dropped(path, f"must be more than 0 and at most {_LONGEST} seconds")
        return None
    return number


def _of_each_organization(account: Account, given: Given, report: Report) -> list[Account]:
    if "organization" not in given:
        return [account]
    path, value = given["organization"]
    found: list[Account] = []
    for each in value if is_list(value) else [value]:
        try:
            name = value_of(each)
        except NoValue as error:
            report.dropped(path, str(error))
            continue
        if name is not None:
            headers = (*account.headers, ("OpenAI-Organization", name))
            found.append(msgspec.structs.replace(account, headers=headers))
    return found or [account]
