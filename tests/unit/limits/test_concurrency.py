import pytest
from pydantic import ValidationError

from antiphon.errors import Overloaded
from antiphon.limits.concurrency import Concurrency
from antiphon.limits.config import LimitsSettings


def test_places_are_taken_and_given_back():
    places = Concurrency(2)
    places.take()
    places.take()
    places.give()
    places.take()
    assert (places.in_use, places.peak, places.refused) == (2, 2, 0)


def test_one_more_than_the_bound_is_refused_and_takes_nothing():
    places = Concurrency(1)
    places.take()
    with pytest.raises(Overloaded, match="1 requests are under way") as caught:
        places.take()
    assert caught.value.status == 503
    assert caught.value.retry_after == 1
    assert (places.in_use, places.peak, places.refused) == (1, 1, 1)
    places.give()
    places.take()
    assert places.in_use == 1


def test_a_bound_of_nothing_is_no_bound():
    with pytest.raises(ValidationError):
        LimitsSettings(concurrency=0)
