"""The counter of scripts, held against sentences that were labelled before it was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from antiphon.routing.language import Scripts
from tests.unit.routing.sentences import Sentence, second_labels, sentences

ENOUGH = 0.99
KNOWN = ["s293", "s483"]
KNOWN_LATER = ["l069", "l077", "l078", "l082"]
"""What is missed today, as the README of the sentences says."""
HARD = {
    "english_mail_with_chinese_name",
    "mixed",
    "kanji_only_japanese",
    "traditional",
    "two_characters",
    "code_with_chinese_comments",
    "follow_up",
    "attached",
}


@pytest.fixture(scope="module")
def scripts() -> Scripts:
    return Scripts()


def routed(scripts: Scripts, sentence: Sentence) -> str:
    language = scripts.language(sentence.text, sentence.earlier[::-1])
    return "zh" if language == "zh" else "other"


def kappa(first: Sequence[str], second: Sequence[str]) -> tuple[float, float]:
    """Raw agreement, and Cohen's kappa: what of it chance does not explain."""
    pairs = list(zip(first, second, strict=True))
    raw = sum(one == other for one, other in pairs) / len(pairs)
    ones, others = Counter(first), Counter(second)
    chance = sum(ones[label] * others[label] for label in ones) / len(pairs) ** 2
    return raw, (raw - chance) / (1 - chance)


def test_the_labelled_sentences_are_many_and_hard() -> None:
    all_of_them = sentences()
    kinds = Counter(each.kind for each in all_of_them)
    assert len(all_of_them) >= 440
    assert len({each.id for each in all_of_them}) == len(all_of_them)
    assert len({each.language for each in all_of_them}) >= 8
    assert set(kinds) == {"plain", *HARD}
    assert sum(count for kind, count in kinds.items() if kind in HARD) >= 150
    assert {each.route for each in all_of_them} == {"zh", "other"}


def test_chinese_is_told_from_the_rest(scripts: Scripts) -> None:
    all_of_them = sentences()
    missed = [each for each in all_of_them if routed(scripts, each) != each.route]
    right = 1 - len(missed) / len(all_of_them)
    assert right >= ENOUGH, "\n".join(
        f"{each.id} {each.kind} {each.language} should be {each.route}: {each.text!r}"
        for each in missed
    )
    assert [each.id for each in missed] == KNOWN


@pytest.mark.parametrize("language", ["ja", "ko"])
def test_japanese_and_korean_are_told_apart_too(scripts: Scripts, language: str) -> None:
    missed = {*KNOWN, *KNOWN_LATER}
    for each in (*sentences(), *sentences("later.tsv")):
        if each.id not in missed:
            told = scripts.language(each.text, each.earlier[::-1])
            assert (told == language) == (each.language == language), each


def test_later_sentences_that_are_nearly_all_hard(scripts: Scripts) -> None:
    later = sentences("later.tsv")
    missed = [each.id for each in later if routed(scripts, each) != each.route]
    assert len(later) >= 100
    assert missed == KNOWN_LATER


@pytest.mark.parametrize("kind", sorted(HARD))
def test_each_hard_kind_alone(scripts: Scripts, kind: str) -> None:
    of_kind = [each for each in sentences() if each.kind == kind]
    missed = [each.id for each in of_kind if routed(scripts, each) != each.route]
    assert len(missed) <= max(2, len(of_kind) // 20), missed


def test_the_second_labels_agree() -> None:
    first, second = {each.id: each for each in sentences()}, second_labels()
    assert len(second) == 100
    routes = kappa([first[each].route for each in second], [it[1] for it in second.values()])
    languages = kappa([first[each].language for each in second], [it[0] for it in second.values()])
    stated = (Path(__file__).parent / "sentences" / "README.md").read_text(encoding="utf-8")
    for figure in (*routes, *languages):
        assert f"{figure:.3f}" in stated, (routes, languages)
    assert routes[1] > 0.9


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", ""),
        ("   \n ", ""),
        ("plain ASCII", ""),
        ("déjà vu", ""),
        ("👍", ""),
        ("\ud800", ""),
        ("\ud800你好吗", "zh"),
        ("你", "zh"),
        ("来週の会議", "ja"),
        ("カタカナ", "ja"),
        ("안녕", "ko"),
        ("ㅋㅋㅋ", "ko"),
        ("Ask 田中さん about the date of the meeting, please.", ""),
        ("。。。", ""),
        ("𠮷", ""),
    ],
)
def test_single_texts(scripts: Scripts, text: str, language: str) -> None:
    assert scripts.of(text) == language


def test_a_long_document_is_looked_at_from_both_ends(scripts: Scripts) -> None:
    chinese = "关于调整差旅报销标准的通知。请各部门遵照执行。" * 1000
    assert scripts.of("Summarise this.\n\n" + chinese) == "zh"
    assert scripts.of(chinese + "\n\n" + "The rest is English. " * 10) == "zh"
    assert scripts.of("The rest is English. " * 3000 + "通知") == ""


def test_the_share_is_a_setting() -> None:
    text = "王小明 and 李娜 的 office"
    assert Scripts(share=0.5).of(text) == "zh"
    assert Scripts(share=0.8).of(text) == ""


def test_a_short_text_stays_with_its_conversation(scripts: Scripts) -> None:
    chinese = "请帮我写一封邮件。通知客户发货会推迟两天。"
    english = "Write a note that the delivery will be late."
    assert scripts.language("ok", [chinese]) == "zh"
    assert scripts.language("ok", ["go on", "thanks", chinese, english]) == "zh"
    assert scripts.language("谢谢", [english]) == ""
    assert scripts.language("谢谢") == "zh"
    assert scripts.language("ok", ["你好"]) == "zh"
    assert scripts.language(english, [chinese]) == ""
    assert Scripts(short=0).language("ok", [chinese]) == ""
