"""Sentences that mean nothing, written the same way each time.

A few words are not ASCII, so that whoever counts characters where bytes are meant is found out.
"""

from antiphon.simulator.dice import Dice

_OPENINGS = (
    "In short,",
    "As a rule,",
    "On balance,",
    "In practice,",
    "At first glance,",
    "Usually",
)
_SUBJECTS = (
    "the quiet harbour", "a careful reader", "the second ledger", "every small café",
    "the northern railway", "a patient engineer", "the Zürich office", "an early draft",
)  # fmt: skip
_VERBS = ("keeps", "measures", "repeats", "answers", "carries", "explains", "follows", "counts")
_OBJECTS = (
    "the same question twice", "a list of plain numbers", "what the morning brought",
    "the shortest useful path", "three reasons and a doubt", "more than it promises",
    "a naïve but honest guess", "the work of the day before",
)  # fmt: skip
_ENDINGS = (
    ".",
    ".",
    ".",
    ", and that is enough.",
    ", which is the point.",
    "; nothing else moves.",
)

SIGNATURE = "This is a simulated answer."
"""How every free text begins: nobody should take it for a model's opinion."""


def short_text(dice: Dice, sentences: int) -> str:
    """Some sentences, after the signature."""
    return " ".join([SIGNATURE, *(sentence(dice) for _ in range(sentences))])


def long_text(dice: Dice, size: int) -> str:
    """At least `size` bytes of sentences, after the signature."""
    written, length = [SIGNATURE], len(SIGNATURE)
    while length < size:
        written.append(sentence(dice))
        length += len(written[-1]) + 1
    return " ".join(written)


def sentence(dice: Dice) -> str:
    """One sentence."""
    opening, subject = dice.choice(_OPENINGS), dice.choice(_SUBJECTS)
    return (
        f"{opening} {subject} {dice.choice(_VERBS)} {dice.choice(_OBJECTS)}{dice.choice(_ENDINGS)}"
    )
