"""What an exchange took, as Google counts it."""

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.gemini.request import ATTACHED
from antiphon.simulator.prompt import Prompt, prompt_of


class Tokens(Struct, frozen=True, rename="camel"):
    """Tokens of one kind."""

    modality: str
    token_count: int


class Usage(Struct, frozen=True, rename="camel"):
    """What the exchange took: the prompt with what was cached, the answer without its thoughts."""

    prompt_token_count: int
    candidates_token_count: int | UnsetType
    total_token_count: int
    cached_content_token_count: int | UnsetType
    prompt_tokens_details: list[Tokens]
    cache_tokens_details: list[Tokens] | UnsetType
    thoughts_token_count: int | UnsetType
    service_tier: str = "standard"


class Made(Struct, frozen=True):
    """The tokens that were made so far."""

    thought: int = 0
    said: int = 0

    def and_also(self, *, thought: int = 0, said: int = 0) -> "Made":
        """With some more."""
        return Made(self.thought + thought, self.said + said)

    def at_most(self, other: "Made") -> "Made":
        """The same, as far as the other goes."""
        return Made(min(self.thought, other.thought), min(self.said, other.said))


def made_by(answers: tuple[Answer, ...]) -> Made:
    """The tokens of whole answers."""
    thought = sum(each.reasoning_tokens for each in answers)
    return Made(thought, sum(each.completion_tokens for each in answers) - thought)


def usage_of(question: Question, made: Made) -> Usage:
    """The usage of an exchange so far; counts of nothing are left out."""
    prompt = prompt_of(question)
    return Usage(
        prompt_token_count=prompt.total,
        candidates_token_count=made.said or UNSET,
        total_token_count=prompt.total + made.said + made.thought,
        cached_content_token_count=prompt.read or UNSET,
        prompt_tokens_details=_details(question, prompt),
        cache_tokens_details=[Tokens("TEXT", prompt.read)] if prompt.read else UNSET,
        thoughts_token_count=made.thought or UNSET,
    )


def _details(question: Question, prompt: Prompt) -> list[Tokens]:
    raw = question.echo.get(ATTACHED, Raw(b"{}"))
    attached = msgspec.json.decode(raw, type=dict[str, int])
    text = prompt.total - sum(attached.values())
    return [Tokens("TEXT", text), *(Tokens(kind, count) for kind, count in attached.items())]
