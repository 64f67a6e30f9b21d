"""Endpoints beside the dialects: older completions, vectors, sound, pictures, files and batches.

Small answers in the shapes of their APIs, no more than a gateway needs to be tried against. What
is stored is kept in memory, by each simulator for itself.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from struct import pack
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from antiphon.simulator.dialect import Problem, Rejected
from antiphon.simulator.openai_chat.wire import CREATED
from antiphon.simulator.received import Received
from antiphon.simulator.reply import EVENT_STREAM, Framing, Piece, Reply, json, plain
from antiphon.simulator.tokens import count_tokens, words_of

SOUND: Final = bytes(range(256)) * 16
"""What is spoken: every byte there is."""
SAID: Final = "This is a simulated answer."
_VECTOR: Final = (0.25, -0.5, 0.125, 1.0)
_MOST_DIMENSIONS: Final = 16_384
_MOST_INPUTS: Final = 2048
_BOUNDARY: Final = re.compile(rb'boundary="?([^";]+)"?')
_NAME: Final = re.compile(rb'[; ]name="([^"]*)"')
_FILENAME: Final = re.compile(rb'filename="([^"]*)"')

Members: TypeAlias = dict[str, object]


class Stored(Struct):
    """A file, or a batch."""

    shown: Members
    content: bytes = b""


class Shelf:
    """What one simulator keeps, by its id."""

    def __init__(self) -> None:
        self.kept: dict[str, Stored] = {}
        self.loaded: dict[str, None] = {}
        """The models in memory, the one that was used last at the end."""
        self._made = 0

    def keep(self, kind: str, shown: Members, content: bytes = b"") -> Members:
        """Keep something under a new id."""
        self._made += 1
        id_ = f"{kind}-{self._made}"
        shown = {"id": id_, **shown}
        self.kept[id_] = Stored(shown, content)
        return shown

    def find(self, id_: str) -> Stored:
        """What has this id.

        Raises:
            Rejected: nothing has.
        """
        found = self.kept.get(id_)
        if found is None:
            told = f"No such object: {id_}"
            raise Rejected(Problem(404, told, type="not_found_error", param="id"))
        return found

    def listed(self, kind: str) -> Reply:
        """All of one kind."""
        data = [each.shown for id_, each in self.kept.items() if id_.startswith(f"{kind}-")]
        return json({"object": "list", "data": data, "has_more": False})


Answering: TypeAlias = Callable[[Shelf, Received, str], Reply]
"""What a path answers; the last argument is the id in it, empty where it has none."""


def answering(method: str, path: str) -> tuple[Answering, str] | None:
    """Who answers, and the id in the path."""
    for (wanted, shape), answer in _ANSWERS.items():
        found = shape.search(path.rstrip("/")) if wanted == method else None
        if found is not None:
            return answer, found[1] if found.re.groups else ""
    return None


def model_of(received: Received) -> str | None:
    """The model that a request names, in either form."""
    if b"multipart/" in (received.header(b"content-type") or b""):
        return _form(received).get("model", b"").decode(errors="replace") or None
    named = _members(received).get("model") if received.body else None
    return str(named) if named else None


def _completion(_shelf: Shelf, received: Received, _id: str) -> Reply:
    asked = _members(received)
    base = {"id": "cmpl-1", "object": "text_completion", "created": CREATED}
    base["model"] = str(asked.get("model"))
    prompt, said = count_tokens(str(asked.get("prompt"))), count_tokens(SAID)
    usage = {
        "prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said
    }  # fmt: skip
    if not asked.get("stream"):
        return json({**base, "choices": [_choice(SAID, "stop")], "usage": usage})
    frames: list[object] = [{**base, "choices": [_choice(word)]} for word in words_of(SAID)]
    frames.append({**base, "choices": [_choice("", "stop")]})
    options = msgspec.convert(asked.get("stream_options"), dict[str, object] | None)
    if options and options.get("include_usage"):
        frames.append({**base, "choices": [], "usage": usage})
    return _events(*frames, done=True)


def _choice(text: str, finish: str | None = None) -> Members:
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}


def _embeddings(_shelf: Shelf, received: Received, _id: str) -> Reply:
    asked = _members(received)
    texts = _inputs(asked.get("input"))
    size, is_packed = asked.get("dimensions"), asked.get("encoding_format") == "base64"
    if size is not None and not (isinstance(size, int) and 0 < size <= _MOST_DIMENSIONS):
        told = f"'dimensions' must be a whole number from 1 to {_MOST_DIMENSIONS}."
        raise Rejected(Problem(400, told, param="dimensions"))
    if len(texts) > _MOST_INPUTS:
        raise Rejected(Problem(400, f"'input' holds at most {_MOST_INPUTS}.", param="input"))
    data: list[Members] = []
    for number, _ in enumerate(texts):
        numbers = _vector(number, size if isinstance(size, int) else len(_VECTOR))
        vector = b64encode(pack(f"<{len(numbers)}f", *numbers)).decode() if is_packed else numbers
        data.append({"object": "embedding", "index": number, "embedding": vector})
    tokens = sum(count_tokens(str(text)) for text in texts)
    return json(
        {
            "object": "list",
            "data": data,
            "model": asked.get("model"),
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _vector(number: int, size: int) -> list[float]:
    """A vector of so many numbers; that of the next input begins one number later."""
    return [_VECTOR[(number + at) % len(_VECTOR)] for at in range(size)]


def _moderations(_shelf: Shelf, received: Received, _id: str) -> Reply:
    model = _members(received).get("model")
    result: Members = {"flagged": False, "categories": {}, "category_scores": {}}
    return json({"id": "modr-1", "model": model, "results": [result]})


def _rerank(_shelf: Shelf, received: Received, _id: str) -> Reply:
    asked = _members(received)
    documents = _items(asked.get("documents"))
    results = [
        {"index": number, "relevance_score": 1 / (number + 1)} for number in range(len(documents))
    ]
    tokens = count_tokens(f"{asked.get('query')}{documents}")
    return json({"results": results, "meta": {"billed_units": {"input_tokens": tokens}}})


def _compact(_shelf: Shelf, received: Received, _id: str) -> Reply:
    tokens = count_tokens(str(_members(received).get("input")))
    usage = {"input_tokens": tokens, "output_tokens": 3, "total_tokens": tokens + 3}
    kept = {"type": "compaction", "id": "cmp_1", "encrypted_content": "c2VhbA=="}
    return json(
        {
            "id": "resp_1",
            "object": "response.compaction",
            "created_at": CREATED,
            "output": [kept],
            "usage": usage,
        }
    )


def _speech(_shelf: Shelf, received: Received, _id: str) -> Reply:
    if _members(received).get("stream_format") == "sse":
        sound = b64encode(SOUND).decode()
        usage = {"input_tokens": 7, "output_tokens": 11, "total_tokens": 18}
        return _events(
            {"type": "speech.audio.delta", "audio": sound},
            {"type": "speech.audio.done", "usage": usage},
        )
    return plain(SOUND, headers=((b"content-type", b"audio/mpeg"),))


def _transcription(_shelf: Shelf, received: Received, _id: str) -> Reply:
    form = _form(received)
    size = len(form.get("file", b""))
    if form.get("response_format") == b"text":
        return plain(SAID.encode(), headers=((b"content-type", b"text/plain; charset=utf-8"),))
    if b"whisper" in form.get("model", b""):
        return json({"text": SAID, "usage": {"type": "duration", "seconds": size}})
    details = {"text_tokens": 1, "audio_tokens": 9}
    usage = {"type": "tokens", "input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    told = {"text": SAID, "usage": {**usage, "input_token_details": details}}
    if form.get("stream") == b"true":
        deltas = [{"type": "transcript.text.delta", "delta": word} for word in words_of(SAID)]
        return _events(*deltas, {"type": "transcript.text.done", **told})
    return json(told)


def _images(_shelf: Shelf, received: Received, _id: str) -> Reply:
    model = model_of(received) or ""
    told: Members = {"created": CREATED, "data": [{"b64_json": b64encode(SOUND).decode()}]}
    if "gpt-image" in model:
        details = {"text_tokens": 10, "image_tokens": 40}
        told["usage"] = {
            "input_tokens": 50,
            "output_tokens": 100,
            "total_tokens": 150,
            "input_tokens_details": details,
        }
    return json(told)


def _file_made(shelf: Shelf, received: Received, _id: str) -> Reply:
    form = _form(received)
    content = form.get("file", b"")
    shown: Members = {
        "object": "file",
        "bytes": len(content),
        "created_at": CREATED,
        "filename": form.get("file.filename", b"").decode(),
        "purpose": form.get("purpose", b"").decode(),
        "status": "processed",
    }
    return json(shelf.keep("file", shown, content))


def _content(shelf: Shelf, _received: Received, id_: str) -> Reply:
    return plain(shelf.find(id_).content, headers=((b"content-type", b"application/octet-stream"),))


def _shown(shelf: Shelf, _received: Received, id_: str) -> Reply:
    return json(shelf.find(id_).shown)


def _deleted(shelf: Shelf, _received: Received, id_: str) -> Reply:
    del shelf.kept[str(shelf.find(id_).shown["id"])]
    return json({"id": id_, "object": "file", "deleted": True})


def _message_batch_deleted(shelf: Shelf, _received: Received, id_: str) -> Reply:
    del shelf.kept[str(shelf.find(id_).shown["id"])]
    return json({"id": id_, "type": "message_batch_deleted"})


def _batch_made(shelf: Shelf, received: Received, _id: str) -> Reply:
    asked = _members(received)
    shown: Members = {
        "object": "batch",
        "endpoint": asked.get("endpoint"),
        "input_file_id": asked.get("input_file_id"),
        "completion_window": asked.get("completion_window"),
        "status": "validating",
        "created_at": CREATED,
        "errors": None,
    }
    return json(shelf.keep("batch", shown))


def _batch_cancelled(shelf: Shelf, _received: Received, id_: str) -> Reply:
    batch = shelf.find(id_).shown
    if batch["status"] == "cancelled":
        raise Rejected(Problem(409, f"Cannot cancel the batch {id_} twice."))
    batch["status"] = "cancelled"
    return json(batch)


class _Request(Struct):
    custom_id: str


def _message_batch_made(shelf: Shelf, received: Received, _id: str) -> Reply:
    requests = msgspec.convert(_members(received).get("requests"), list[_Request])
    lines = [
        msgspec.json.encode({"custom_id": each.custom_id, "result": {"type": "canceled"}})
        for each in requests
    ]
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    shown: Members = {
        "type": "message_batch",
        "processing_status": "ended",
        "request_counts": {**counts, "canceled": len(lines)},
        "created_at": "2026-01-01T00:00:00Z",
        "expires_at": "2026-01-02T00:00:00Z",
        "ended_at": "2026-01-01T00:00:01Z",
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": None,
    }
    kept = shelf.keep("msgbatch", shown, b"".join(line + b"\n" for line in lines))
    kept["results_url"] = f"https://elsewhere.test/v1/messages/batches/{kept['id']}/results"
    return json(kept)


def _results(shelf: Shelf, _received: Received, id_: str) -> Reply:
    return plain(shelf.find(id_).content, headers=((b"content-type", b"application/x-jsonl"),))


def _listed(kind: str) -> Answering:
    def answer(shelf: Shelf, _received: Received, _id: str) -> Reply:
        return shelf.listed(kind)

    return answer


def _events(*values: object, done: bool = False) -> Reply:
    frames = [b"data: %b\n\n" % msgspec.json.encode(value) for value in values]
    frames += [b"data: [DONE]\n\n"] if done else []
    pieces = tuple(Piece(frame) for frame in frames)
    return Reply(headers=(EVENT_STREAM,), pieces=pieces, framing=Framing.CHUNKED)


def _inputs(value: object) -> list[object]:
    """What vectors are asked for; an array of tokens is one text."""
    items = _items(value)
    are_tokens = isinstance(value, list) and all(isinstance(each, int) for each in items)
    return [items] if items and are_tokens else items


def _items(value: object) -> list[object]:
    return msgspec.convert(value, list[object]) if isinstance(value, list) else [value]


def _members(received: Received) -> Members:
    try:
        return msgspec.json.decode(received.body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Rejected(Problem(400, "This is no JSON object.")) from error


def _form(received: Received) -> Mapping[str, bytes]:
    """The parts of a form by name, and the name of each file under `NAME.filename`."""
    found = _BOUNDARY.search(received.header(b"content-type") or b"")
    if found is None:
        raise Rejected(Problem(400, "This is no form."))
    parts: dict[str, bytes] = {}
    for part in (b"\r\n" + received.body).split(b"\r\n--" + found[1])[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is not None:
            parts[name[1].decode()] = value
            if filename := _FILENAME.search(head):
                parts[f"{name[1].decode()}.filename"] = filename[1]
    return parts


def _at(shape: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|/){shape.replace('ID', '([^/]+)')}$")


_ANSWERS: Final[Mapping[tuple[str, re.Pattern[str]], Answering]] = {
    ("POST", _at("completions")): _completion,
    ("POST", _at("embeddings")): _embeddings,
    ("POST", _at("moderations")): _moderations,
    ("POST", _at("rerank")): _rerank,
    ("POST", _at("responses/compact")): _compact,
    ("POST", _at("audio/speech")): _speech,
    ("POST", _at("audio/transcriptions")): _transcription,
    ("POST", _at("audio/translations")): _transcription,
    ("POST", _at("images/(?:generations|edits|variations)")): _images,
    ("POST", _at("files")): _file_made,
    ("GET", _at("files")): _listed("file"),
    ("GET", _at("files/ID/content")): _content,
    ("GET", _at("files/ID")): _shown,
    ("DELETE", _at("files/ID")): _deleted,
    ("POST", _at("messages/batches")): _message_batch_made,
    ("GET", _at("messages/batches")): _listed("msgbatch"),
    ("GET", _at("messages/batches/ID/results")): _results,
    ("POST", _at("messages/batches/ID/cancel")): _shown,
    ("GET", _at("messages/batches/ID")): _shown,
    ("DELETE", _at("messages/batches/ID")): _message_batch_deleted,
    ("POST", _at("batches")): _batch_made,
    ("GET", _at("batches")): _listed("batch"),
    ("POST", _at("batches/ID/cancel")): _batch_cancelled,
    ("GET", _at("batches/ID")): _shown,
}
