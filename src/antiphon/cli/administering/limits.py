"""`antiphon limits`: how much callers may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from antiphon.cli.administering.allowances import (
    NameArgument,
    ScopeArgument,
    WhichArgument,
    app_of,
    change,
    make,
    used,
    whose,
)
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import reaching

_KIND = "limits"
_COLUMNS = ("id", "source", "scope", "name", "allows", "mode", "used")
_OVER_TIME = ("requests", "tokens", "dollars")
_WINDOWS = {"second": "a second", "minute": "a minute", "hour": "an hour", "day": "a day"}
_AT_ONCE = {
    "concurrency": "at once",
    "tokens_per_request": "tokens a request",
    "bytes_per_request": "bytes a request",
}

_RequestsOption = Annotated[int | None, typer.Option(min=0, help="Requests in a window.")]
_TokensOption = Annotated[int | None, typer.Option(min=0, help="Tokens in a window.")]
_DollarsOption = Annotated[str | None, typer.Option(help="Dollars in a window.")]
_PerOption = Annotated[
    str | None,
    typer.Option(help="The window: second, minute (by default), hour, day, or seconds."),
]
_ConcurrencyOption = Annotated[int | None, typer.Option(min=0, help="Requests at once.")]
_PromptOption = Annotated[int | None, typer.Option(min=0, help="Tokens of one prompt.")]
_BodyOption = Annotated[int | None, typer.Option(min=0, help="Bytes of one body.")]
_ShareOption = Annotated[
    str | None, typer.Option(help="each has its own (by default), or total: all together.")
]
_ModeOption = Annotated[
    str | None, typer.Option(help="enforce (by default), or shadow: refuses nobody, and tells.")
]
_FullOption = Annotated[
    str | None, typer.Option(help="Where it is reached: refuse (by default), or queue.")
]
_ReserveOption = Annotated[
    str | None, typer.Option(help="Of tokens under way: likely (by default), or most.")
]


def _cells(limit: Mapping[str, object]) -> Mapping[str, object]:
    per = limit["per"]
    window = _WINDOWS.get(str(per), f"in {per} s")
    allows = [f"{limit[each]} {each} {window}" for each in _OVER_TIME if limit[each] is not None]
    allows += [
        f"{limit[each]} {words}" for each, words in _AT_ONCE.items() if limit[each] is not None
    ]
    name = "all together" if limit["share"] == "total" else whose(limit)
    return {**limit, "name": name, "allows": allows, "used": f"{used(limit).share:.1%}"}


limits = app_of(_KIND, "Make, list, change and remove limits.", _COLUMNS, _cells)


@limits.command("create")
@reaching
def create_limit(  # noqa: PLR0913  each is an option
    reach: Reach,
    scope: ScopeArgument,
    name: NameArgument = "",
    *,
    requests: _RequestsOption = None,
    tokens: _TokensOption = None,
    dollars: _DollarsOption = None,
    per: _PerOption = None,
    concurrency: _ConcurrencyOption = None,
    tokens_per_request: _PromptOption = None,
    bytes_per_request: _BodyOption = None,
    share: _ShareOption = None,
    mode: _ModeOption = None,
    when_full: _FullOption = None,
    reserve: _ReserveOption = None,
) -> None:
    """Make a limit; it holds within a second. The id is printed."""
    body: dict[str, object | None] = {
        "scope": scope,
        "name": name,
        "requests": requests,
        "tokens": tokens,
        "dollars": dollars,
        "per": _window(per),
        "concurrency": concurrency,
        "tokens_per_request": tokens_per_request,
        "bytes_per_request": bytes_per_request,
        "share": share,
        "mode": mode,
        "when_full": when_full,
        "reserve": reserve,
    }
    make(reach, _KIND, body)


@limits.command("change")
@reaching
def change_limit(  # noqa: PLR0913  each is an option
    reach: Reach,
    which: WhichArgument,
    *,
    requests: _RequestsOption = None,
    tokens: _TokensOption = None,
    dollars: _DollarsOption = None,
    per: _PerOption = None,
    concurrency: _ConcurrencyOption = None,
    tokens_per_request: _PromptOption = None,
    bytes_per_request: _BodyOption = None,
    mode: _ModeOption = None,
    when_full: _FullOption = None,
    reserve: _ReserveOption = None,
) -> None:
    """Change what is given of a limit; what was counted stays counted."""
    body: dict[str, object | None] = {
        "requests": requests,
        "tokens": tokens,
        "dollars": dollars,
        "per": _window(per),
        "concurrency": concurrency,
        "tokens_per_request": tokens_per_request,
        "bytes_per_request": bytes_per_request,
        "mode": mode,
        "when_full": when_full,
        "reserve": reserve,
    }
    change(reach, _KIND, which, body)


def _window(per: str | None) -> str | int | None:
    return int(per) if per is not None and per.isascii() and per.isdigit() else per
