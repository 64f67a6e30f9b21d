"""Stop sequences in text that comes in pieces."""

from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.fitting.stops import StopWatch
from tests.unit.dialects.fitting.test_arguments import cut

LETTERS = st.text("ab", max_size=12)


def watch(stops: list[str], pieces: list[str]) -> tuple[str, str | None]:
    watched, out = StopWatch(stops), ""
    for piece in pieces:
        text, stop = watched.feed(piece)
        out += text
        if stop is not None:
            return out, stop
    return out + watched.flush(), None


def first(stops: list[str], text: str) -> tuple[str, str | None]:
    """Letter by letter: what the text completes first, the longest of them."""
    for end in range(len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            longest = max(found, key=len)
            return text[: end - len(longest)], longest
    return text, None


@given(
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3),
    LETTERS,
    st.lists(st.integers(0, 12)),
)
def test_the_first_match_however_it_is_cut(stops: list[str], text: str, places: list[int]) -> None:
    assert watch(stops, cut(text, places)) == first(stops, text)


def test_only_what_may_begin_a_stop_is_held_back() -> None:
    watched = StopWatch(["</end>", "\n\n"])
    assert watched.feed("a < b") == ("a < b", None)
    assert watched.feed("c </en") == ("c ", None)
    assert watched.feed("t>\n") == ("</ent>", None)
    assert watched.flush() == "\n"
    assert watched.flush() == ""
