"""Each token is counted in exactly one word."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.usage import Usage

COUNTS = st.integers(0, 10**9)


@given(st.builds(Usage, **dict.fromkeys(Usage.__struct_fields__, COUNTS)))
def test_the_words_add_up(usage: Usage) -> None:
    assert usage.total == sum(msgspec.structs.astuple(usage))
    assert usage.total == usage.input_total + usage.output_total
