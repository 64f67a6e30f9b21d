"""Vectors: `/api/embed`, and the older `/api/embeddings` with one of them."""

from math import sqrt
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct
from typing_extensions import override

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery, Problem, Rejected, Terms
from antiphon.simulator.dice import Dice
from antiphon.simulator.ollama.answer import complained
from antiphon.simulator.ollama.options import lets_go, options_of
from antiphon.simulator.ollama.reading import read
from antiphon.simulator.ollama.spelling import IN_CHAT
from antiphon.simulator.ollama.strictness import check_length, check_model, not_found
from antiphon.simulator.ollama.wire import LOADED_IN, WHOLE
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply, plain
from antiphon.simulator.spelling import Spelling
from antiphon.simulator.tokens import count_tokens
from antiphon.simulator.wires import OLLAMA

SIZE: Final = 16
"""The numbers of a vector."""


class _Embed(Struct, frozen=True, kw_only=True):
    model: str | None = None
    input: object = None
    truncate: bool | None = None
    dimensions: Annotated[int, Meta(ge=0)] | None = None
    keep_alive: float | str | None = None
    options: dict[str, object] | None = None


class _Embeddings(Struct, frozen=True, kw_only=True):
    model: str | None = None
    prompt: str | None = None
    keep_alive: float | str | None = None
    options: dict[str, object] | None = None


class _Texts(Question, frozen=True, kw_only=True):
    texts: tuple[str, ...]
    dimensions: int


_EMBED: Final = msgspec.json.Decoder(_Embed)
_EMBEDDINGS: Final = msgspec.json.Decoder(_Embeddings)


class OllamaEmbed:
    """Vectors of length 1, one for each text."""

    @property
    def wire(self) -> str:
        return OLLAMA

    @property
    def id_header(self) -> bytes:
        return b"x-request-id"

    @property
    def spelling(self) -> Spelling:
        return IN_CHAT

    def hear(self, received: Received, terms: Terms) -> Question:
        asked = read(_EMBED, received.body, "EmbedRequest")
        texts = _inputs(asked.input)
        if not asked.model:
            raise Rejected(not_found(""))
        check_model(asked.model, terms)
        lets_go(asked.keep_alive)
        window = options_of(asked.options).num_ctx
        for text in texts:
            truncates = asked.truncate is not False
            check_length(count_tokens(text), window, truncates=truncates, terms=terms)
        return _question(asked.model, texts, asked.dimensions or SIZE)

    def say(self, question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
        assert isinstance(question, _Texts)
        vectors = [_unit(vector_of(each)[: question.dimensions]) for each in question.texts]
        told: dict[str, object] = {"model": question.model, "embeddings": vectors}
        if vectors:
            told |= {"total_duration": 2 * LOADED_IN, "load_duration": LOADED_IN}
            told["prompt_eval_count"] = question.prompt_tokens
        return plain(msgspec.json.encode(told), headers=(WHOLE,))

    def complain(self, problem: Problem) -> Reply:
        return complained(problem)


class OllamaEmbeddings(OllamaEmbed):
    """One vector, of any length."""

    @override
    def hear(self, received: Received, terms: Terms) -> Question:
        asked = read(_EMBEDDINGS, received.body, "EmbeddingRequest")
        if not asked.model:
            raise Rejected(Problem(400, "model is required"))
        check_model(asked.model, terms)
        lets_go(asked.keep_alive)
        options_of(asked.options)
        return _question(asked.model, (asked.prompt,) if asked.prompt else (), SIZE)

    @override
    def say(self, question: Question, answers: tuple[Answer, ...], delivery: Delivery) -> Reply:
        assert isinstance(question, _Texts)
        vectors = [vector_of(each) for each in question.texts]
        told = {"embedding": vectors[0] if vectors else []}
        return plain(msgspec.json.encode(told), headers=(WHOLE,))


def vector_of(text: str) -> list[float]:
    """A text's vector: the same for the same text, and for nothing else."""
    dice = Dice("vector", text)
    return [round(2 * dice.unit() - 1, 6) for _ in range(SIZE)]


def _unit(vector: list[float]) -> list[float]:
    length = sqrt(sum(each * each for each in vector)) or 1.0
    return [round(each / length, 8) for each in vector]


def _inputs(told: object) -> tuple[str, ...]:
    if told is None or told == "":
        return ()
    if isinstance(told, str):
        return (told,)
    try:
        return msgspec.convert(told, tuple[str, ...])
    except msgspec.ValidationError as error:
        raise Rejected(Problem(400, "invalid input type")) from error


def _question(model: str, texts: tuple[str, ...], dimensions: int) -> _Texts:
    return _Texts(
        model=model,
        transcript="\n".join(texts),
        last_role="user",
        last_text="",
        prompt_tokens=sum(count_tokens(each) for each in texts),
        texts=texts,
        dimensions=dimensions,
    )
