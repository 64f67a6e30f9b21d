"""`/api/v1/organisations`, `/api/v1/departments` and `/api/v1/teams`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field

from antiphon.server.api_actor import At, Tenants, routes
from antiphon.server.api_views import Body, Moment, Named, PageView, View, Which, page_of

ORGANISATIONS, DEPARTMENTS, TEAMS = routes("organisations"), routes("departments"), routes("teams")

_Organisation = Annotated[str, Path(description="The id of the organisation.")]
_Department = Annotated[str, Path(description="The id of the department.")]
_Team = Annotated[str, Path(description="The id of the team.")]


class OrganisationView(View):
    """One tenant."""

    id: str
    name: str
    created_at: Moment
    removed_at: Moment | None


class DepartmentView(View):
    """One department."""

    id: str
    name: str
    created_at: Moment
    removed_at: Moment | None


class TeamView(View):
    """One team."""

    id: str
    name: str
    department: str = Field(description="The id of its department, or empty.")
    created_at: Moment
    removed_at: Moment | None


class NewNameBody(Body):
    """Something with a name that is to be made."""

    name: str = Field(description="In any script; does not change.", examples=["Forschung"])


class NewTeamBody(NewNameBody):
    """A team that is to be made."""

    department: str = Field(default="", description="The id of its department.")


@ORGANISATIONS.get("/organisations", summary="List organisations")
def list_organisations(
    tenants: Tenants, ask: Which, name: Named = ""
) -> PageView[OrganisationView]:
    """The tenants, the newest first; for the admin key alone."""
    return page_of(tenants.list(ask, name=name), OrganisationView.model_validate)


@ORGANISATIONS.post("/organisations", summary="Make an organisation", status_code=201)
def create_organisation(tenants: Tenants, body: NewNameBody) -> OrganisationView:
    """Make a tenant; for the admin key alone."""
    return OrganisationView.model_validate(tenants.create(body.name))


@ORGANISATIONS.get("/organisations/{organisation_id}", summary="Show an organisation")
def show_organisation(tenants: Tenants, organisation_id: _Organisation) -> OrganisationView:
    """One tenant, also where it was removed; for the admin key alone."""
    return OrganisationView.model_validate(tenants.show(organisation_id))


@ORGANISATIONS.delete("/organisations/{organisation_id}", summary="Remove an organisation")
def remove_organisation(tenants: Tenants, organisation_id: _Organisation) -> OrganisationView:
    """Remove a tenant, and revoke its keys; for the admin key alone.

    Its rows stay, so that what it used can still be told, and so does its name.
    """
    return OrganisationView.model_validate(tenants.remove(organisation_id))


@DEPARTMENTS.get("/departments", summary="List departments")
def list_departments(desk: At, ask: Which, name: Named = "") -> PageView[DepartmentView]:
    """Departments, the newest first."""
    return page_of(desk.departments.list(ask, name=name), DepartmentView.model_validate)


@DEPARTMENTS.post("/departments", summary="Make a department", status_code=201)
def create_department(desk: At, body: NewNameBody) -> DepartmentView:
    """Make a department."""
    return DepartmentView.model_validate(desk.departments.create(body.name))


@DEPARTMENTS.get("/departments/{department_id}", summary="Show a department")
def show_department(desk: At, department_id: _Department) -> DepartmentView:
    """One department, also where it was removed."""
    return DepartmentView.model_validate(desk.departments.show(department_id))


@DEPARTMENTS.delete("/departments/{department_id}", summary="Remove a department")
def remove_department(desk: At, department_id: _Department) -> DepartmentView:
    """Remove a department that has no team any more."""
    return DepartmentView.model_validate(desk.departments.remove(department_id))


@TEAMS.get("/teams", summary="List teams")
def list_teams(desk: At, ask: Which, name: Named = "") -> PageView[TeamView]:
    """Teams, the newest first; a key that belongs to one sees that one."""
    return page_of(desk.teams.list(ask, name=name), TeamView.model_validate)


@TEAMS.post("/teams", summary="Make a team", status_code=201)
def create_team(desk: At, body: NewTeamBody) -> TeamView:
    """Make a team."""
    return TeamView.model_validate(desk.teams.create(body.name, department=body.department))


@TEAMS.get("/teams/{team_id}", summary="Show a team")
def show_team(desk: At, team_id: _Team) -> TeamView:
    """One team, also where it was removed."""
    return TeamView.model_validate(desk.teams.show(team_id))


@TEAMS.delete("/teams/{team_id}", summary="Remove a team")
def remove_team(desk: At, team_id: _Team) -> TeamView:
    """Remove a team, and revoke its keys; its users stay, without a team."""
    return TeamView.model_validate(desk.teams.remove(team_id))
