"""Probabilities of what was said, which only look the part: each word was all but certain."""

from msgspec import Struct

_CERTAIN = -0.125


class Alternative(Struct, frozen=True):
    """A token and how probable it was."""

    token: str
    logprob: float
    bytes: list[int]


class TokenProbability(Struct, frozen=True):
    """A chosen token with the alternatives to it."""

    token: str
    logprob: float
    bytes: list[int]
    top_logprobs: list[Alternative]


def probabilities_of(words: list[str], alternatives: int) -> list[TokenProbability]:
    """The probability of each word, beside so many others."""
    return [_probability(word, alternatives) for word in words]


def _probability(word: str, alternatives: int) -> TokenProbability:
    chosen = Alternative(word, _CERTAIN, list(word.encode()))
    others = [Alternative(f" {n}", _CERTAIN - n, list(b" %d" % n)) for n in range(1, alternatives)]
    shown = [chosen, *others][:alternatives]
    return TokenProbability(chosen.token, chosen.logprob, chosen.bytes, shown)
