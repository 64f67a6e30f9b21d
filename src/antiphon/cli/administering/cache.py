"""`antiphon cache`: how the stored answers of a gateway stand, and their removal."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from antiphon.cli.administering.showing import show_list
from antiphon.cli.output import say, show_json
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

cache = typer.Typer(help="Look at stored answers, and remove them.", no_args_is_help=True)
_PATH = "/api/v1/cache"
_SERVED = "stored answers are in the memory of a gateway that runs"
_COLUMNS = ("name", "hits", "misses", "shared", "stale", "skipped", "stored")


class _Memory(msgspec.Struct):
    entries: int
    bytes: int
    most_bytes: int
    evicted: int
    expired: int
    dropped: int


class _Figures(msgspec.Struct):
    memory: _Memory
    routes: list[dict[str, object]]


@cache.command("show")
@reaching
def show_cache(reach: Reach) -> None:
    """Show what is stored, and what became of the requests of each route with a cache."""
    with office(reach, served=_SERVED) as asked:
        told = asked.get(_PATH)
    if reach.as_json:
        show_json(told)
        return
    figures = msgspec.convert(told, _Figures)
    memory = figures.memory
    say(
        f"{memory.entries} answers, {memory.bytes} of {memory.most_bytes} bytes; removed: "
        f"{memory.evicted} for room, {memory.expired} by age, {memory.dropped} by order"
    )
    show_list(figures.routes, _COLUMNS, "no route has a cache")


@cache.command("clear")
@reaching
def clear_cache(
    reach: Reach,
    *,
    alias: Annotated[str | None, typer.Option(help="Only answers of this route.")] = None,
    team: Annotated[str | None, typer.Option(help="Only those for this team.")] = None,
    user: Annotated[str | None, typer.Option(help="Only those for this person, by the id.")] = None,
    key: Annotated[str | None, typer.Option(help="Only those for this key, by its id.")] = None,
) -> None:
    """Remove stored answers: all, or those for which all is so that is said."""
    with office(reach, served=_SERVED) as asked:
        told = asked.delete(_PATH, alias=alias, team=team, user=user, key=key)
    if reach.as_json:
        show_json(told)
    else:
        say(f"{told['dropped']} answers removed")
