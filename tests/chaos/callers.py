"""Callers of five dialects, who read their answers by themselves.

Each asks for one text, which no other request asks for: so whoever gets it to its end has a true
answer, and an answer of somebody else would be seen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx2
from msgspec import Struct

from antiphon.simulator.dice import Dice

ROUTE: Final = "chaos"
_WORDS: Final = (
    "train", "river", "window", "seven", "Grüße", "naïve", "quiet", "世界", "under", "glass", "🙂",
    "paper", "morning", "señor", "between", "cloud", "carries", "letters", "slowly", "north",
    "Łódź", "and", "then", "again",
)  # fmt: skip
_SCHEMA: Final = {
    "type": "json_schema",
    "json_schema": {
        "name": "said",
        "schema": {"type": "object", "properties": {"said": {"type": "string"}}},
    },
}
_FIRST_ERROR: Final = 400


class Question(Struct, frozen=True):
    """One request.

    Attributes:
        number: It is known by that.
        dialect: In which it is asked.
        said: The one true answer.
        shaped: The answer must have a form, so nobody can go on with it.
    """

    number: int
    dialect: str
    stream: bool
    said: str
    shaped: bool

    @property
    def text(self) -> str:
        return f"q{self.number:06} [say: {self.said}]"


class Answer(Struct):
    """What its caller got.

    Attributes:
        ended: It says that it is whole.
        error: There is an error in the caller's dialect: its code.
        odd: What came is neither, and why.
    """

    question: Question
    status: int = 0
    request: str = ""
    text: str = ""
    ended: bool = False
    error: str = ""
    odd: str = ""
    seconds: float = 0.0
    degraded: str = ""
    continued: bool = False

    @property
    def is_whole(self) -> bool:
        return self.ended and not self.error and self.status < _FIRST_ERROR

    @property
    def is_true(self) -> bool:
        return self.is_whole and _plain(self.text) == self.question.said

    @property
    def is_told(self) -> bool:
        """There is a typed error, and nothing claims to be whole."""
        return bool(self.error) and not self.is_whole and not self.odd


def _plain(text: str) -> str:
    """Without what the fault `line-separators` puts into a text."""
    return text.translate({0x2028: None, 0x2029: None, 0x85: None})


def question(seed: int, number: int) -> Question:
    """The n-th request of a run."""
    dice = Dice("question", seed, number)
    said = f"Answer {number}: {' '.join(_words(dice, dice.between(8, 48)))}"
    stream = dice.unit() < 0.6
    dialect = dice.choice(_MIX)
    shaped = dialect == "openai_chat" and dice.unit() < 0.12
    if shaped:
        said = json.dumps({"said": said})
    return Question(number, dialect, stream, said, shaped)


def _words(dice: Dice, count: int) -> list[str]:
    """None that is one of the last few: a seam takes a word that is said twice for its repetition."""
    words: list[str] = []
    while len(words) < count:
        word = dice.choice(_WORDS)
        if word not in words[-4:]:
            words.append(word)
    return words


_MIX: Final = (
    *["openai_chat"] * 8,
    *["anthropic_messages"] * 4,
    *["openai_responses"] * 4,
    *["gemini"] * 2,
    *["ollama"] * 2,
)


async def ask(client: httpx2.AsyncClient, asked: Question) -> Answer:
    """Ask, and read to the end."""
    answer = Answer(asked)
    path, body = _request(asked)
    begun = time.monotonic()
    try:
        got = await client.post(path, json=body, headers={"anthropic-version": "2023-06-01"})
    except httpx2.HTTPError as error:
        answer.odd = f"{type(error).__name__}: {error}"
    else:
        answer.status = got.status_code
        answer.request = got.headers.get("x-antiphon-request-id", "")
        answer.degraded = got.headers.get("x-antiphon-degraded", "")
        _read(answer, got)
    answer.seconds = time.monotonic() - begun
    return answer


def _request(asked: Question) -> tuple[str, dict[str, Any]]:
    said = [{"role": "user", "content": asked.text}]
    body: dict[str, Any] = {"model": ROUTE, "stream": asked.stream}
    match asked.dialect:
        case "openai_chat":
            shape = {"response_format": _SCHEMA} if asked.shaped else {}
            return "/v1/chat/completions", {**body, "messages": said, **shape}
        case "anthropic_messages":
            return "/v1/messages", {**body, "messages": said, "max_tokens": 4000}
        case "openai_responses":
            return "/v1/responses", {**body, "input": said}
        case "gemini":
            method = "streamGenerateContent?alt=sse" if asked.stream else "generateContent"
            parts = [{"role": "user", "parts": [{"text": asked.text}]}]
            return f"/v1beta/models/{ROUTE}:{method}", {"contents": parts}
        case _:
            return "/api/chat", {**body, "messages": said}


def _read(answer: Answer, got: httpx2.Response) -> None:
    asked = answer.question
    try:
        streamed = asked.stream and got.status_code < _FIRST_ERROR
        for piece in _pieces(got.content, streamed=streamed):
            if piece == "[DONE]":
                answer.ended = True
            elif answer.ended and asked.dialect in {"openai_chat", "anthropic_messages"}:
                answer.odd = "something came after the end"
            else:
                _READERS[asked.dialect](answer, piece)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        answer.odd = f"{type(error).__name__}: {error}: {got.content[-300:]!r}"


def _pieces(body: bytes, *, streamed: bool) -> Iterator[Any]:
    """The events of a stream, its lines, or one whole body."""
    if not streamed:
        yield json.loads(body)
        return
    text = body.decode().replace("\r\n", "\n")
    if text.startswith("{"):
        yield from (json.loads(line) for line in text.split("\n") if line.strip())
        return
    for frame in text.split("\n\n"):
        lines = [line[5:].strip() for line in frame.split("\n") if line.startswith("data:")]
        data = "\n".join(lines)
        if data:
            yield data if data == "[DONE]" else json.loads(data)


def _streams(answer: Answer) -> bool:
    return answer.question.stream


def _chat(answer: Answer, piece: Any) -> None:
    if error := piece.get("error"):
        assert {"message", "type", "code"} <= error.keys()
        answer.error = error["code"] or error["type"]
        return
    for choice in piece.get("choices") or ():
        said = choice.get("delta") or choice.get("message") or {}
        answer.text += said.get("content") or ""
        # A whole answer that had no reason has none.
        answer.ended = answer.ended or not _streams(answer)


def _messages(answer: Answer, piece: Any) -> None:
    match piece.get("type"):
        case "error":
            answer.error = piece["error"]["type"]
            assert piece["error"]["message"]
        case "message":
            answer.text = "".join(block.get("text", "") for block in piece["content"])
            answer.ended = True
        case "content_block_delta":
            answer.text += piece["delta"].get("text", "")
        case "message_stop":
            answer.ended = True
        case _:
            pass


def _responses(answer: Answer, piece: Any) -> None:
    match piece.get("type"):
        case "error":
            answer.error = str(piece.get("code") or piece["error"]["code"])
        case "response.failed":
            answer.error = answer.error or piece["response"]["error"]["code"]
        case "response.output_text.delta":
            answer.text += piece["delta"]
        case "response.completed" | "response.incomplete":
            answer.text = answer.text or _output(piece["response"])
            answer.ended = True
        case None if error := piece.get("error"):
            assert {"message", "type", "code"} <= error.keys()
            answer.error = error["code"] or error["type"]
        case None:
            answer.text, answer.ended = _output(piece), True
        case _:
            pass


def _output(response: Any) -> str:
    parts = [part for item in response["output"] for part in item.get("content") or ()]
    return "".join(part.get("text", "") for part in parts)


def _gemini(answer: Answer, piece: Any) -> None:
    if error := piece.get("error"):
        assert error["code"]
        answer.error = error["status"]
        return
    if "promptFeedback" in piece and piece["promptFeedback"].get("blockReason"):
        answer.error = "blocked"
    for candidate in piece.get("candidates") or ():
        parts = (candidate.get("content") or {}).get("parts") or ()
        answer.text += "".join(part.get("text", "") for part in parts)
        # A whole answer that had no reason has none.
        answer.ended = answer.ended or bool(candidate.get("finishReason") or not _streams(answer))


def _ollama(answer: Answer, piece: Any) -> None:
    if error := piece.get("error"):
        answer.error = f"{answer.status}" if isinstance(error, str) else "?"
        return
    answer.text += (piece.get("message") or {}).get("content") or ""
    answer.ended = answer.ended or piece.get("done") is True


_READERS: Final[Mapping[str, Callable[[Answer, Any], None]]] = {
    "openai_chat": _chat,
    "anthropic_messages": _messages,
    "openai_responses": _responses,
    "gemini": _gemini,
    "ollama": _ollama,
}
