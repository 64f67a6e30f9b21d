"""The page about recorded traffic is current, and says that all is read and written again."""

from tests.corpus.answers import recorded
from tests.corpus.beside import seen_in
from tests.corpus.exchanges import DATA
from tests.corpus.relaying import SPOKEN
from tests.corpus.table import PAGE, Seen, look, page, tables

SEEN = [look(one) for one in recorded(DATA)]


def test_the_page_is_current():
    assert PAGE.read_text("utf-8") == page(), "run python -m tests.corpus.table --write"


def test_every_exchange_is_read_and_written_again():
    assert len(SEEN) == 203
    assert all(one.is_read and one.is_same for one in SEEN)


def test_every_answer_arrives_in_every_other_dialect():
    arrived = [fine for one in SEEN for fine in one.arrived.values()]
    assert len(arrived) == 4 * 177
    assert all(arrived)


def test_vectors_and_counts_are_read_and_written_again():
    seen = seen_in(DATA)
    assert len(seen) == 28
    assert all(one.is_fine for one in seen)


def test_what_is_not_as_it_should_be_is_seen():
    broken = Seen(
        "openai-chat", "p", "whole", True, False, dict.fromkeys(SPOKEN[1:], False), {}, True
    )
    told = tables([broken])
    assert "| p | 1 | 1 | 0 | 0 | 1 | 0 | 0 of 1 | 0 of 1 | 0 of 1 | 0 of 1 |" in told
