"""The gateway that serves where the configuration says, if one does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator
from contextlib import contextmanager

import httpx2
import msgspec

from antiphon.cli.connecting.address import place_of
from antiphon.cli.connecting.refusals import CannotConnect
from antiphon.cli.output import fail, remark
from antiphon.cli.reach import KEY_VARIABLE, Reach
from antiphon.config.load import Loaded
from antiphon.errors import StorageFailed
from antiphon.gateway.books import SCHEMAS
from antiphon.secret import Secret
from antiphon.storage.address import file_of
from antiphon.storage.database import open_to_read
from antiphon.usage.ledger.ledger import name_of_ledger
from antiphon.version import VERSION
from antiphon.yamlfile.environment import environment, process_environment

_PROBED = "/api/v1/status"
_OURS = "x-antiphon-request-id"
_PATIENCE = 30.0
_KEY = re.compile(r"[!-~]+")


class _Status(msgspec.Struct):
    ledger: str = ""


@contextmanager
def find_gateway(
    reach: Reach, loaded: Loaded, runner: asyncio.Runner
) -> Generator[tuple[httpx2.AsyncClient, str] | None]:
    """A client of the gateway, and its address; None where none serves.

    Ends the command where one serves that cannot be asked, or that is not the one that is meant.

    Args:
        reach: What was said on the command line.
        loaded: The configuration.
        runner: Of the loop that the client is for.
    """
    if reach.offline or (reach.url is None and not loaded.settings.server.port):
        yield None
        return
    try:
        url = place_of(reach.url, reach.config).url
    except CannotConnect as error:
        fail(error.message, 2 if error.asked_wrongly else 1)
    client = httpx2.AsyncClient(
        base_url=url,
        timeout=_PATIENCE,
        trust_env=False,
        # To read the system's certificates takes longer than most commands.
        verify=url.startswith("https:"),
        headers={"user-agent": f"antiphon-cli/{VERSION}", "accept": "application/json"},
    )
    try:
        yield (client, url) if _is_gateway(client, url, reach, loaded, runner) else None
    finally:
        runner.run(client.aclose())


def _is_gateway(
    client: httpx2.AsyncClient, url: str, reach: Reach, loaded: Loaded, runner: asyncio.Runner
) -> bool:
    """Whether a gateway serves there; if so, the client has the key for it from now on."""
    # Asked without a key: whoever else listens there must not be given one.
    try:
        answer = runner.run(client.get(_PROBED))
    except httpx2.ConnectError as error:
        if reach.url is not None:
            fail(f"no gateway serves at {url}: {error}")
        return False
    except httpx2.HTTPError as error:
        fail(
            f"{url} does not answer ({error or type(error).__name__}): is it a gateway? "
            "--offline changes the database itself"
        )
    if _OURS not in answer.headers:
        if reach.url is not None:
            fail(f"{url} is no Antiphon")
        remark(f"{url} is no Antiphon; the database is asked itself")
        return False
    key = _key(reach, loaded)
    if key is None:
        fail(
            f"a gateway serves at {url}, and asks for a key: set {reach.key_env} to its admin key"
            ", which it printed at its first start"
            "\n  (auth.admin_key sets another; --offline changes the database itself)"
        )
    client.headers["authorization"] = f"Bearer {key.reveal()}"
    if reach.url is None:
        _check_database(runner.run(client.get(_PROBED)), loaded, url)
    return True


def _key(reach: Reach, loaded: Loaded) -> Secret | None:
    """The key of the named variable; the usual one may also stand in the configuration."""
    folder = loaded.path.parent if loaded.path is not None else None
    process = process_environment()
    found = (process if folder is None else environment(folder, process)).get(reach.key_env, "")
    configured = loaded.settings.auth.admin_key
    if not found.strip():
        return configured if reach.key_env == KEY_VARIABLE else None
    if not _KEY.fullmatch(found.strip()):
        fail(f"{reach.key_env}: a key has no spaces, and is made of ASCII alone", 2)
    return Secret(found.strip())


def _check_database(answer: httpx2.Response, loaded: Loaded, url: str) -> None:
    """Refuse a gateway that happens to listen there, and keeps another database."""
    # A key that does not see the status is no admin key, and known to nobody else.
    if not answer.is_success:
        return
    address = loaded.settings.storage.database_url
    try:
        database = open_to_read(address, SCHEMAS)
        try:
            ours = name_of_ledger(database)
        finally:
            database.close()
    except StorageFailed:
        # Not on this machine, or not this user's to read: it cannot be compared.
        return
    theirs = msgspec.json.decode(answer.content, type=_Status).ledger
    if ours and theirs and ours != theirs:
        fail(
            f"the gateway at {url} keeps another database than {file_of(address)}: say --url "
            f"{url} where it is meant, or --offline for the database"
        )
