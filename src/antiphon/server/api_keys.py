"""`/api/v1/keys`: virtual keys, made, listed, rotated and revoked."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Response
from pydantic import ConfigDict, Field, JsonValue

from antiphon.access.desk import Desk
from antiphon.access.facts import NewKey
from antiphon.access.roles import Role
from antiphon.access.virtual import DAY, LONGEST_OVERLAP
from antiphon.errors import InvalidRequest
from antiphon.server.api_actor import At, routes
from antiphon.server.api_views import Body, Moment, PageView, View, Which, page_of
from antiphon.usage.ledger.times import time_of

KEYS = routes("keys")
_EXAMPLE: dict[str, JsonValue] = {
    "id": "key_5f2c9d01a7b35f2c",
    "name": "nightly reports",
    "team": "team_9d01a7b35f2c9d01",
    "user": "",
    "role": "member",
    "models": ["fast"],
    "secrets": [{"shown": "ak-1…Xq7Z", "created_at": "2026-11-26T19:00:00Z", "ends_at": None}],
    "state": "active",
    "created_at": "2026-11-26T19:00:00Z",
    "expires_at": "2027-11-26T19:00:00Z",
    "revoked_at": None,
}

_ASKED: dict[str, JsonValue] = {
    "name": "nightly reports",
    "role": "member",
    "models": ["fast"],
    "expires_in": 7_776_000,
}


class SecretView(View):
    """One text of a key, as far as it may be shown."""

    shown: str = Field(description="Its version and last letters.")
    created_at: Moment
    ends_at: Moment | None = Field(description="When a rotation ends it; null where none does.")


class VirtualKeyView(View):
    """One virtual key; never its text."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    id: str = Field(description="Stays the same when the key is rotated.")
    name: str
    team: str = Field(description="The id of the team that it is charged to, or empty.")
    user: str = Field(description="The id of who holds it, or empty.")
    role: Role = Field(description="What it may do, if its user's role allows as much.")
    models: list[str] = Field(description="The names that it may ask for; empty means all.")
    secrets: list[SecretView] = Field(description="Its texts that still open, the newest first.")
    state: Literal["active", "expired", "revoked"]
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None


class NewVirtualKeyView(VirtualKeyView):
    """A key that was just made or rotated, with its text, which is shown this once."""

    model_config = ConfigDict(json_schema_extra={"example": {**_EXAMPLE, "key": "ak-1..."}})

    key: str = Field(description="The text: what the caller sends. It is kept nowhere.")


class NewKeyBody(Body):
    """A key that is to be made."""

    model_config = ConfigDict(json_schema_extra={"example": _ASKED})

    name: str = Field(default="", description="For people; need not be unique.")
    team: str = Field(
        default="",
        description="The id of the team that it is charged to; without one, that of its user.",
    )
    user: str = Field(default="", description="The id of who holds it.")
    role: Role = Field(default=Role.MEMBER, description="The most that it may do.")
    models: list[str] = Field(
        default_factory=list, description="The names that it may ask for; empty means all."
    )
    expires_at: str | None = Field(
        default=None,
        description="When it ends: RFC 3339; null for never.",
        json_schema_extra={"format": "date-time"},
    )
    expires_in: float | None = Field(
        default=None, strict=True, description="Seconds that it lives, in place of `expires_at`."
    )


class RotateBody(Body):
    """How a key is rotated."""

    model_config = ConfigDict(json_schema_extra={"example": {"overlap": 604_800}})

    overlap: float = Field(
        default=DAY,
        strict=True,
        description="Seconds for which its texts until now still open; 0 ends them at once, "
        f"{LONGEST_OVERLAP:.0f} is the most.",
    )


_Key = Annotated[str, Path(description="The id of the key.")]


@KEYS.get("/keys", summary="List keys")
def list_keys(
    desk: At,
    ask: Which,
    team: Annotated[str, Query(description="Only those of this team.")] = "",
    user: Annotated[str, Query(description="Only those of this user.")] = "",
) -> PageView[VirtualKeyView]:
    """Keys, the newest first; whoever may not read sees only their own."""
    return page_of(desk.keys.list(ask, team=team, user=user), VirtualKeyView.model_validate)


@KEYS.post("/keys", summary="Make a key", status_code=201)
def create_key(desk: At, body: NewKeyBody, response: Response) -> NewVirtualKeyView:
    """Make a key; its text is in this answer, and nowhere else.

    Nobody gives what they have not: neither what a role may do, nor models.
    """
    return _told(_created(desk, body), response)


@KEYS.get("/keys/{key_id}", summary="Show a key")
def show_key(desk: At, key_id: _Key) -> VirtualKeyView:
    """One key, also where it is revoked."""
    return VirtualKeyView.model_validate(desk.keys.show(key_id))


@KEYS.post("/keys/{key_id}/rotate", summary="Rotate a key")
def rotate_key(
    desk: At, key_id: _Key, response: Response, body: RotateBody | None = None
) -> NewVirtualKeyView:
    """Give a key another text; it keeps its id.

    Its texts until now still open for the overlap. A key may rotate itself.
    """
    overlap = (body or RotateBody()).overlap
    return _told(desk.keys.rotate(key_id, overlap=overlap), response)


@KEYS.delete("/keys/{key_id}", summary="Revoke a key")
def revoke_key(desk: At, key_id: _Key) -> VirtualKeyView:
    """End a key for good, within a second in every process; one that is revoked stays so."""
    return VirtualKeyView.model_validate(desk.keys.revoke(key_id))


def _created(desk: Desk, body: NewKeyBody) -> NewKey:
    if body.expires_at is not None and body.expires_in is not None:
        raise InvalidRequest(
            "expires_at and expires_in: one of them says when it ends.", param="expires_in"
        )
    return desk.keys.create(
        name=body.name,
        team=body.team,
        user=body.user,
        role=body.role,
        models=body.models,
        expires_in=body.expires_in,
        expires_at=None if body.expires_at is None else time_of(body.expires_at, "expires_at"),
    )


def _told(new: NewKey, response: Response) -> NewVirtualKeyView:
    response.headers["cache-control"] = "no-store"
    shown = VirtualKeyView.model_validate(new.facts)
    return NewVirtualKeyView(**shown.model_dump(), key=new.secret.reveal())
