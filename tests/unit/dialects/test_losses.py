"""What a dialect may declare as lost, and what none ever may."""

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.model.needs import Need, Severity

NEVER = {
    *("text", "content", "message", "messages", "turns"),
    *("tool_name", "tool_names", "arguments", "tool_calls", "calls", "call_ids", "results"),
    *("usage", "tokens", "total_usage", "input_tokens", "output_tokens"),
    *("stop_class", "stop_reason", "finish_reason", "errors"),
}
"""What may never be lost is no need, so that no table can name it."""
EVERY = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


def test_text_tools_usage_and_stops_are_no_needs():
    assert not NEVER & {need.value for need in Need}


@EVERY
def test_no_dialect_loses_tools(dialect):
    """Names, arguments and results: also a tool of free text keeps its name and its text."""
    assert Need.TOOLS not in dialect.losses
    for need in (Need.CUSTOM_TOOLS, Need.RESULT_MEDIA, Need.RESULT_ERRORS):
        loss = dialect.losses.get(need)
        assert loss is None or loss.severity is not Severity.REFUSE


@EVERY
def test_every_need_has_words_in_every_dialect(dialect):
    """Words may be none, where its callers cannot ask; but somebody has thought about it."""
    assert dialect.words.keys() == set(Need)
    assert dialect.losses.keys() <= set(Need)


@EVERY
def test_what_is_lost_is_told_in_plain_words(dialect):
    """They stand in a header, one behind the other."""
    for need, loss in dialect.losses.items():
        assert loss.how, need
        assert loss.how.isascii(), need
        assert ";" not in loss.how, need
        assert loss.how.isprintable(), need


def test_whoever_can_be_refused_could_have_asked():
    """A refusal names the member that asked, so at least one other dialect has a word for it."""
    for name, dialect in DIALECTS.items():
        for need, loss in dialect.losses.items():
            if loss.severity is Severity.REFUSE:
                others = [each.words[need] for other, each in DIALECTS.items() if other != name]
                assert any(others), (name, need)


def test_somebody_can_ask_for_every_need_that_is_lost():
    asked = {need for each in DIALECTS.values() for need, names in each.words.items() if names}
    lost = {need for each in DIALECTS.values() for need in each.losses}
    assert lost - asked <= {Need.UNKNOWN_MEMBERS}
