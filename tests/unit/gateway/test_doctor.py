"""What the doctor counts."""

from __future__ import annotations

import pytest

from antiphon.gateway.doctor.service import percentile


@pytest.mark.parametrize(
    ("values", "rank", "expected"),
    [
        ([7.0], 50, 7.0),
        ([7.0], 99, 7.0),
        ([4.0, 1.0, 3.0, 2.0], 50, 2.0),
        ([4.0, 1.0, 3.0, 2.0], 95, 4.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
    ],
)
def test_percentiles_are_samples_that_were_taken(values, rank, expected):
    assert percentile(values, rank) == expected
