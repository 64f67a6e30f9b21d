from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.usage.budgets.periods import TOTAL, period_of, zone_of

ZONES = ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"]


def micros(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1e6)


def test_a_day_begins_at_midnight_of_the_zone():
    at = micros("2026-11-26T23:30:00+00:00")
    assert period_of("day", at, UTC).name == "2026-11-26"
    berlin = period_of("day", at, zone_of("Europe/Berlin"))
    assert berlin.name == "2026-11-27"
    assert berlin.begins == micros("2026-11-26T23:00:00+00:00")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_is_as_long_as_the_clocks_say(day, hours):
    found = period_of("day", micros(f"{day}T12:00:00+00:00"), zone_of("Europe/Berlin"))
    assert found.ends - found.begins == hours * 3_600_000_000


def test_a_midnight_that_the_clocks_skip():
    # In São Paulo the summer of 2018 began at 0:00, which was 1:00.
    zone = zone_of("America/Sao_Paulo")
    before = period_of("day", micros("2018-11-03T12:00:00+00:00"), zone)
    after = period_of("day", micros("2018-11-04T12:00:00+00:00"), zone)
    assert before.ends == after.begins == micros("2018-11-04T03:00:00+00:00")


def test_months_and_all_time():
    december = period_of("month", micros("2026-12-31T12:00:00+00:00"), UTC)
    assert (december.name, december.ends) == ("2026-12", micros("2027-01-01T00:00:00+00:00"))
    assert period_of("total", 0, UTC) is TOTAL


@given(
    st.integers(0, int(timedelta(days=50_000).total_seconds()) * 1_000_000),
    st.sampled_from(["day", "month"]),
    st.sampled_from(ZONES),
)
def test_every_moment_lies_in_its_period_and_periods_adjoin(at, per, name):
    zone = zone_of(name)
    found = period_of(per, at, zone)
    assert found.begins <= at < found.ends or found.begins > at == 0
    assert period_of(per, found.ends, zone).begins == found.ends
    assert period_of(per, found.ends - 1, zone) == found


@pytest.mark.parametrize("at", [-(10**18), 10**18])
def test_a_clock_that_is_far_off_is_no_reason_to_fail(at):
    assert period_of("day", at, UTC).name in {"1970-01-01", "9999-01-01"}


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../etc/passwd", "/etc/passwd"])
def test_a_zone_that_there_is_not(name):
    with pytest.raises(ValueError, match="no time zone"):
        zone_of(name)
