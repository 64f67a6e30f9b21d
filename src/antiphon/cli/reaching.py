"""Commands of administration: the options that all of them have, said once.

@keys.command("list")
@reaching
def list_keys(reach: Reach, *, team: ... = None) -> None:
with office(reach) as asked: ...
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from antiphon.cli.options import ConfigOption, JsonOption
from antiphon.cli.reach import KEY_VARIABLE, Reach

if TYPE_CHECKING:
    from antiphon.cli.office import Office

_UrlOption = Annotated[
    str | None, typer.Option(help="Where the gateway is; by default the configuration says.")
]
_KeyOption = Annotated[
    str, typer.Option(help="The environment variable with the key that the gateway is asked with.")
]
_OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Ask no gateway: open the configured database itself.")
]
_OrganisationOption = Annotated[
    str | None, typer.Option(help="The organisation, by name or id; by default one's own.")
]


def office(
    reach: Reach, *, makes: bool = False, served: str = ""
) -> AbstractContextManager[Office]:
    """What is asked; loads the server's side of it.

    Args:
        reach: Where.
        makes: Whether a database is made where there is none yet.
        served: Why only a gateway can be asked; empty where the database will do.
    """
    from antiphon.cli.office import open_office  # noqa: PLC0415

    return open_office(reach, makes=makes, served=served)


def reaching(command: Callable[..., None]) -> Callable[..., None]:
    """The command, with the options of a `Reach` in place of its first parameter."""

    def called(
        *,
        organisation: _OrganisationOption = None,
        url: _UrlOption = None,
        key_env: _KeyOption = KEY_VARIABLE,
        offline: _OfflineOption = False,
        config: ConfigOption = None,
        json: JsonOption = False,
        **own: object,
    ) -> None:
        command(Reach(config, url, key_env, offline, organisation, json), **own)

    _, *parameters = inspect.signature(command, eval_str=True).parameters.values()
    *shared, _ = inspect.signature(called, eval_str=True).parameters.values()
    parameters += shared
    run = functools.wraps(command)(called)
    # Typer reads both.
    vars(run)["__signature__"] = inspect.Signature(parameters)
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
