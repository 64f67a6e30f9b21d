"""`antiphon notices`: what was told to webhooks."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from antiphon.cli.administering.showing import show_list, show_one
from antiphon.cli.naming import path_of
from antiphon.cli.output import remark, say, show_json
from antiphon.cli.reach import Reach
from antiphon.cli.reaching import office, reaching

if TYPE_CHECKING:
    from antiphon.cli.office import Facts, Office

notices = typer.Typer(help="Look at notices to webhooks, and test them.", no_args_is_help=True)
_PATH = "/api/v1/notices"
_COLUMNS = ("id", "type", "webhook", "state", "attempts", "message", "created_at", "due_at")
_PAUSE = 0.1


class _Made(msgspec.Struct):
    id: str


_NoticeArgument = Annotated[str, typer.Argument(help="The id of the notice.", show_default=False)]


@notices.command("list")
@reaching
def list_notices(
    reach: Reach,
    *,
    state: Annotated[
        str | None, typer.Option(help="Only pending, delivered, failed or gone ones.")
    ] = None,
    webhook: Annotated[str | None, typer.Option(help="Only those to this webhook.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The most.")] = 50,
) -> None:
    """List notices, the newest first."""
    with office(reach) as asked:
        found = list(asked.each(_PATH, most=limit, state=state, webhook=webhook))
    if reach.as_json:
        show_json(found)
    else:
        show_list(found, _COLUMNS, "there is no notice")


@notices.command("show")
@reaching
def show_notice(reach: Reach, notice: _NoticeArgument) -> None:
    """Show how far a notice is."""
    with office(reach) as asked:
        show_one(asked.get(path_of("notices", notice)), as_json=reach.as_json)


@notices.command("retry")
@reaching
def retry_notice(reach: Reach, notice: _NoticeArgument) -> None:
    """Send a notice again, whatever became of it; its receiver sees the same id."""
    with office(reach) as asked:
        again = asked.post(f"{path_of('notices', notice)}/retry")
        if reach.as_json:
            show_json(again)
        else:
            remark(f"{again['id']} is {again['state']} in {asked.where}")


@notices.command("test")
@reaching
def send_test(
    reach: Reach,
    webhook: Annotated[str | None, typer.Argument(help="Its name; all without one.")] = None,
    *,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for what comes of it; 0 for none.")
    ] = 20.0,
) -> None:
    """Send a notice that says nothing, and tell whether it was taken; exits with 1 if not."""
    with office(reach) as asked:
        made = asked.post(f"{_PATH}/test", {"webhook": webhook})
        ids = [each.id for each in msgspec.convert(made["data"], list[_Made])]
        found = _tried(asked, ids, wait)
    if reach.as_json:
        show_json(found)
    else:
        show_list(found, ("webhook", "state", "status", "message", "id"), "there is no webhook")
    if wait and any(each["state"] != "delivered" for each in found):
        sys.exit(1)


@notices.command("secret")
def new_secret() -> None:
    """Print a new key for a webhook; the gateway's configuration and the receiver share it."""
    from antiphon.egress.webhooks.signing import new_webhook_secret  # noqa: PLC0415

    say(new_webhook_secret().reveal())


def _tried(asked: Office, ids: list[str], wait: float) -> list[Facts]:
    """How they are once each was tried, or when the time is over."""
    until = time.monotonic() + wait
    while True:
        found = [asked.get(path_of("notices", each)) for each in ids]
        if all(each["attempts"] for each in found) or time.monotonic() >= until:
            return found
        time.sleep(_PAUSE)  # noqa: TID251  a person waits
