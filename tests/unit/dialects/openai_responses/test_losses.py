"""The tables of losses and words are whole."""

from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.model.needs import Need, Severity


def test_every_need_has_words() -> None:
    assert set(OPENAI_RESPONSES.words) == set(Need)


def test_what_is_lost_is_said_in_a_few_words() -> None:
    assert set(OPENAI_RESPONSES.losses) <= set(Need)
    assert all(loss.how for loss in OPENAI_RESPONSES.losses.values())


def test_what_would_change_the_answer_is_refused() -> None:
    refused = {
        need for need, loss in OPENAI_RESPONSES.losses.items() if loss.severity is Severity.REFUSE
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
    }
