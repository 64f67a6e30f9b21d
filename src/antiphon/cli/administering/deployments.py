"""`antiphon deployments`: how those that a gateway asks do, and taking one into use again."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec
import typer

from antiphon.cli.administering.showing import show_list
from antiphon.cli.output import say, show_json
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

deployments = typer.Typer(
    help="Look at deployments, and take them into use again.", no_args_is_help=True
)
_PATH = "/api/v1/deployments"
_SERVED = "how deployments do is known to a gateway that runs"
_COLUMNS = ("name", "breaker", "failures", "probe_in", "keys", "resting", "last_error")


class _Breaker(msgspec.Struct):
    state: str
    failures: int
    seconds: float | None


class _Key(msgspec.Struct):
    live: bool
    rests: float | None


class _Deployment(msgspec.Struct):
    name: str
    breaker: _Breaker
    keys: list[_Key]
    last_error: str | None

    @property
    def row(self) -> dict[str, object]:
        """What a table shows."""
        live = [each for each in self.keys if each.live]
        seconds = self.breaker.seconds
        return {
            "name": self.name,
            "breaker": self.breaker.state.replace("_", " "),
            "failures": self.breaker.failures,
            "probe_in": None if seconds is None else f"{seconds:.0f} s",
            "keys": f"{len(live)} of {len(self.keys)}",
            "resting": sum(each.rests is not None for each in live),
            "last_error": self.last_error,
        }


@deployments.command("list")
@reaching
def list_deployments(reach: Reach) -> None:
    """List deployments: their breakers, failures in a row, and keys."""
    with office(reach, served=_SERVED) as asked:
        told = asked.all(_PATH)
    if reach.as_json:
        show_json(told)
        return
    rows = [each.row for each in msgspec.convert(told, list[_Deployment])]
    show_list(rows, _COLUMNS, "no route names a deployment")


@deployments.command("reset")
@reaching
def reset_deployment(
    reach: Reach, name: Annotated[str, typer.Argument(help="The deployment, PROVIDER/MODEL.")]
) -> None:
    """Take a deployment into use again: close its breaker, and try its provider's keys again."""
    with office(reach, served=_SERVED) as asked:
        told = asked.post(f"{_PATH}/{quote(name)}/reset")
    if reach.as_json:
        show_json(told)
    else:
        say(f"{told['name']} is in use again")
