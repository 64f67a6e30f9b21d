"""`/api/v1/users`: people and applications."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from antiphon.access.roles import Role
from antiphon.server.api_actor import At, routes
from antiphon.server.api_views import Body, Moment, Named, PageView, View, Which, page_of

USERS = routes("users")

_User = Annotated[str, Path(description="The id of the user.")]


class UserView(View):
    """One person or application."""

    id: str = Field(description="Also the subject id of the ledger.")
    name: str = Field(description="By id where it was erased.")
    team: str = Field(description="The id of their team, or empty.")
    role: Role = Field(description="The most that a key of theirs may do.")
    created_at: Moment
    removed_at: Moment | None


class NewUserBody(Body):
    """A user who is to be made."""

    name: str = Field(description="In any script; does not change.", examples=["王芳"])
    role: Role = Field(default=Role.MEMBER, description="The most that a key of theirs may do.")
    team: str = Field(default="", description="The id of their team: they hold keys of it only.")


class UserChangeBody(Body):
    """What of a user is to change."""

    role: Role = Field(
        description="The most that a key of theirs may do, from now on.", examples=["read-only"]
    )


@USERS.get("/users", summary="List users")
def list_users(desk: At, ask: Which, name: Named = "") -> PageView[UserView]:
    """Users, the newest first; whoever may not read sees only themselves."""
    return page_of(desk.users.list(ask, name=name), UserView.model_validate)


@USERS.post("/users", summary="Make a user", status_code=201)
def create_user(desk: At, body: NewUserBody) -> UserView:
    """Make a user; nobody gives a role that may do more than they may themselves."""
    return UserView.model_validate(desk.users.create(body.name, role=body.role, team=body.team))


@USERS.get("/users/{user_id}", summary="Show a user")
def show_user(desk: At, user_id: _User) -> UserView:
    """One user, also where they were removed."""
    return UserView.model_validate(desk.users.show(user_id))


@USERS.patch("/users/{user_id}", summary="Change a user's role")
def change_user(desk: At, user_id: _User, body: UserChangeBody) -> UserView:
    """Give another role; their keys may do no more than it within a second."""
    return UserView.model_validate(desk.users.change_role(user_id, body.role))


@USERS.delete("/users/{user_id}", summary="Remove a user")
def remove_user(
    desk: At,
    user_id: _User,
    *,
    erase: Annotated[
        bool,
        Query(description="Whether the name is forgotten too, and the names of their keys."),
    ] = False,
) -> UserView:
    """Remove a user, and revoke their keys.

    With `erase` also the name goes, of one who was removed before too; what they used stays, under
    their id.
    """
    return UserView.model_validate(desk.users.remove(user_id, erase=erase))
