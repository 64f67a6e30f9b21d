"""The tables of what is lost, and of the words in which things are asked for."""

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.model.needs import Need, Severity

NEVER_LOST = {Need.TOOLS, Need.IMAGES, Need.FILES, Need.FORCED_TOOL, Need.JSON_SCHEMA, Need.EFFORT}


def test_every_need_has_words() -> None:
    assert set(ANTHROPIC_MESSAGES.words) == set(Need)


def test_what_is_lost_is_said_how() -> None:
    assert all(loss.how for loss in ANTHROPIC_MESSAGES.losses.values())
    assert not NEVER_LOST & ANTHROPIC_MESSAGES.losses.keys()


def test_what_changes_the_answer_is_never_dropped() -> None:
    refused = {
        need for need, loss in ANTHROPIC_MESSAGES.losses.items() if loss.severity is Severity.REFUSE
    }
    assert refused == {
        Need.LOGPROBS,
        Need.ANSWERS,
        Need.AUDIO,
        Need.AUDIO_OUT,
        Need.IMAGE_OUT,
        Need.CHOICE,
        Need.CACHED_PROMPT,
        Need.FILE_IDS,
        Need.UNKNOWN_PARTS,
        Need.ONLY_SERVER_TOOLS,
        Need.STATE,
    }
