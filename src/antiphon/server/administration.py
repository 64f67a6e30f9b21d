"""The routes of administration, which a gateway and the command line stand before."""

from __future__ import annotations

from antiphon.server.api_active import ACTIVE
from antiphon.server.api_audit import AUDIT
from antiphon.server.api_budgets import BUDGETS
from antiphon.server.api_groups import DEPARTMENTS, ORGANISATIONS, TEAMS
from antiphon.server.api_keys import KEYS
from antiphon.server.api_limits import LIMITS
from antiphon.server.api_notices import NOTICES
from antiphon.server.api_users import USERS

ADMINISTRATION = (
    *(ORGANISATIONS, DEPARTMENTS, TEAMS, USERS, KEYS),
    *(BUDGETS, LIMITS, NOTICES, ACTIVE, AUDIT),
)
"""Every router that is made by `api_actor.routes`."""
