"""Every command of administration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import typer

from antiphon.cli.administering.audit import audit
from antiphon.cli.administering.budgets import budgets
from antiphon.cli.administering.cache import cache
from antiphon.cli.administering.deployments import deployments
from antiphon.cli.administering.groups import departments, organisations, teams
from antiphon.cli.administering.keys import keys
from antiphon.cli.administering.limits import limits
from antiphon.cli.administering.models import models
from antiphon.cli.administering.notices import notices
from antiphon.cli.administering.users import users

GROUPS: Mapping[str, typer.Typer] = MappingProxyType(
    {
        "keys": keys,
        "teams": teams,
        "users": users,
        "departments": departments,
        "organisations": organisations,
        "budgets": budgets,
        "limits": limits,
        "models": models,
        "cache": cache,
        "deployments": deployments,
        "notices": notices,
        "audit": audit,
    }
)
