"""The tables of what is lost, and of the words in which things are asked for."""

from antiphon.dialects.gemini import GEMINI
from antiphon.model.needs import Need, Severity

NEVER_LOST = {Need.TOOLS, Need.IMAGES, Need.FILES, Need.AUDIO, Need.FORCED_TOOL} | {
    Need.JSON_SCHEMA,
    Need.JSON_MODE,
    Need.EFFORT,
}


def test_every_need_has_words() -> None:
    assert set(GEMINI.words) == set(Need)


def test_what_is_lost_is_said_how() -> None:
    for need, loss in GEMINI.losses.items():
        assert loss.how.isascii(), need
        assert ";" not in loss.how, need
    assert not NEVER_LOST & GEMINI.losses.keys()


def test_what_changes_the_answer_is_never_dropped() -> None:
    refused = {need for need, loss in GEMINI.losses.items() if loss.severity is Severity.REFUSE}
    assert refused == {
        Need.LOGPROBS,
        Need.AUDIO_OUT,
        Need.FILE_IDS,
        Need.UNKNOWN_PARTS,
        Need.ONLY_SERVER_TOOLS,
        Need.STATE,
    }
