from __future__ import annotations

import pytest
from pydantic import ValidationError

from antiphon.usage.budgets.budget import Scope
from antiphon.usage.budgets.config import BudgetsSettings


def budgets(*limits: dict[str, object], **more: object) -> BudgetsSettings:
    return BudgetsSettings.model_validate({"limits": list(limits), **more})


def test_what_is_written_and_what_the_road_has():
    settings = budgets(
        {"scope": "organisation", "limit": 1000, "ask": "the board"},
        {"scope": "team", "name": "web", "limit": "12.5", "per": "day", "when_short": "cap"},
        {"scope": "user", "limit": 0.000_000_001_9, "bound": "soft", "warn_at": [1, 0.5, 0.5]},
        time_zone="Europe/Berlin",
        ask="ops@example.com",
    )
    whole, web, each = settings.compiled()
    assert (whole.limit, whole.per, whole.caps, whole.ask) == (10**12, "month", False, "the board")
    assert (web.scope, web.name, web.limit, web.caps) == (Scope.TEAM, "web", 12_500_000_000, True)
    assert str(web.zone) == "Europe/Berlin"
    assert (each.name, each.limit, each.is_soft, each.steps) == ("", 1, True, (500, 1000))
    assert each.ask == "ops@example.com"


@pytest.mark.parametrize("limit", ["-0.01", "nan", "inf", "-inf", "1e10", "", None, "ten", True])
def test_amounts_that_are_none(limit):
    with pytest.raises(ValidationError) as caught:
        budgets({"scope": "team", "limit": limit})
    assert "limit" in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"scope": "organisation", "name": "us"}, "has no name"),
        ({"scope": "session"}, "scope"),
        ({"scope": "team", "per": "week"}, "per"),
        ({"scope": "team", "warn_at": [0]}, "warn_at"),
        ({"scope": "team", "warn_at": [1.1]}, "warn_at"),
        ({"scope": "team", "reset": "daily"}, "reset"),
    ],
)
def test_mistakes(wrong, told):
    with pytest.raises(ValidationError) as caught:
        budgets({"limit": 1, **wrong})
    assert told in str(caught.value)


def test_two_of_the_same():
    same = {"scope": "team", "name": "web", "limit": 1}
    with pytest.raises(ValidationError, match="team 'web' has two budgets per month"):
        budgets(same, {**same, "limit": 2})
    with pytest.raises(ValidationError, match="each key has two budgets per day"):
        budgets(*[{"scope": "key", "limit": 1, "per": "day"}] * 2)
    assert len(budgets(same, {**same, "per": "day"}, {"scope": "team", "limit": 1}).compiled()) == 3


def test_a_zone_that_there_is_not():
    with pytest.raises(ValidationError, match="no time zone is called 'Mars/Base'"):
        budgets(time_zone="Mars/Base")
