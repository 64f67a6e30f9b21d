"""The tables of what is lost, and of the words in which things are asked for."""

import pytest

from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.ollama import OLLAMA, OLLAMA_GENERATE
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.model.needs import Need, Severity

NEVER_LOST = {
    Need.TOOLS,
    Need.IMAGES,
    Need.JSON_MODE,
    Need.JSON_SCHEMA,
    Need.EFFORT,
    Need.NO_THOUGHT,
    Need.THOUGHT,
    Need.STOP,
    Need.PREFILL,
    Need.LATER_SYSTEM,
}


@pytest.mark.parametrize("dialect", [OLLAMA, OLLAMA_GENERATE], ids=lambda each: each.name)
def test_every_need_has_words(dialect: type[OLLAMA]) -> None:
    assert set(dialect.words) == set(Need)


def test_a_completion_is_asked_for_in_its_own_words() -> None:
    """Errors name these members."""
    assert OLLAMA_GENERATE.words[Need.PREFILL] == ("prompt",)
    assert OLLAMA_GENERATE.words[Need.IMAGES] == ("images",)
    used = {name for names in OLLAMA_GENERATE.words.values() for name in names}
    assert not used & {"messages", "tools"}


def test_what_is_lost_is_said_how() -> None:
    for need, loss in OLLAMA.losses.items():
        assert loss.how, need
        assert loss.how.isascii(), need
        assert ";" not in loss.how, need
    assert not NEVER_LOST & OLLAMA.losses.keys()


def test_what_changes_the_answer_is_never_dropped() -> None:
    refused = {need for need, loss in OLLAMA.losses.items() if loss.severity is Severity.REFUSE}
    assert refused == {
        Need.LOGPROBS,
        Need.ANSWERS,
        Need.IMAGE_URLS,
        Need.AUDIO,
        Need.AUDIO_OUT,
        Need.IMAGE_OUT,
        Need.CHOICE,
        Need.CACHED_PROMPT,
        Need.FILES,
        Need.FILE_URLS,
        Need.FILE_IDS,
        Need.UNKNOWN_PARTS,
        Need.ONLY_SERVER_TOOLS,
        Need.STATE,
    }


def test_whoever_is_refused_could_have_asked() -> None:
    for need, loss in OLLAMA.losses.items():
        if loss.severity is Severity.REFUSE and need is not Need.STATE:
            assert OPENAI_CHAT.words[need] or GEMINI.words[need], need
