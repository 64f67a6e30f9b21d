from hypothesis import given
from hypothesis import strategies as st

from antiphon.model.parts import Origin, Reasoning
from antiphon.model.seals import MARK, is_valid_at, unwrapped, wrap, wrapped


@given(st.text(), st.text(), st.text(), st.text(min_size=1), st.booleans())
def test_what_is_wrapped_comes_back(
    dialect: str, model: str, scope: str, signature: str, sealed: bool
) -> None:
    text = wrap(Origin(dialect, model, scope), signature, sealed=sealed)
    back = unwrapped(text, "another")
    assert (back.signature, back.sealed) == (signature, sealed)
    assert back.origin == Origin(dialect, model, scope)


@given(st.text())
def test_whatever_a_caller_makes_up_is_read(text: str) -> None:
    assert unwrapped(text, "d").signature in {text, None}
    made_up = unwrapped(MARK + text, "d")
    assert made_up.signature is None or made_up.origin is not None


def test_a_seal_of_the_callers_own_dialect_is_left_alone() -> None:
    thought = Reasoning("t", signature="s", origin=Origin("d", scope="a/m"))
    assert wrapped(thought, "d") == "s"
    assert (wrapped(thought, "e") or "").startswith(MARK)
    assert wrapped(Reasoning("t"), "e") is None


def test_where_a_seal_is_valid() -> None:
    thought = Reasoning(signature="s", origin=Origin("d", scope="a/m"))
    assert is_valid_at(thought, "d", "a/m")
    assert not is_valid_at(thought, "d", "b/m")
    assert not is_valid_at(thought, "e", "a/m")
    assert is_valid_at(Reasoning(signature="s", origin=Origin("d")), "d", "a/m")
    assert not is_valid_at(Reasoning("open"), "d", "a/m")
