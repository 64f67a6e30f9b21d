"""How the lines of Ollama are written, and how a stream of them is folded.

There are no server-sent events here: a frame is a line.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Raw, Struct

from antiphon.simulator.ollama.wire import CREATED
from antiphon.simulator.spelling import Frames, Spelling, before_every_text

COUNTS: Final = re.compile(
    rb',"prompt_eval_count":([^,}]+)(?:,"prompt_eval_duration":\d+,"eval_count":([^,}]+))?'
)
"""What was used: the prompt's tokens, and those of the answer."""
IS_DONE: Final = re.compile(
    rb'"done":true,(?:"done_reason":"[^"]*",)?(?:"context":\[[^\]]*\],)?"total_duration":'
)
UNFINISHED: Final = re.compile(rb'(,"done":false)(?=[,}])')
ARGUMENTS: Final = re.compile(rb'"arguments":(?=\{)')
_QUOTED_OR_BRACE: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}]')
_EMPTY_TEXT: Final = re.compile(rb'("content"|"response"):""')
_SAID: Final = re.compile(rb'"message":\{"role":"assistant",')
_ERROR: Final = b'{"error":"an error was encountered while running the model: unexpected EOF"}\n'


def with_arguments(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The same bytes with other arguments in each call."""
    parts: list[bytes] = []
    at = 0
    while found := ARGUMENTS.search(data, at):
        end = _end_of_object(data, found.end())
        parts += (data[at : found.end()], change(data[found.end() : end]))
        at = end
    return b"".join((*parts, data[at:]))


def _end_of_object(data: bytes, start: int) -> int:
    depth = 0
    for found in _QUOTED_OR_BRACE.finditer(data, start):
        depth += {b"{": 1, b"}": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return len(data)


def _line(said: bytes, more: bytes = b"") -> bytes:
    head = (b"sim-small", CREATED.encode(), said, more)
    return b'{"model":"%b","created_at":"%b",%b,"done":false%b}\n' % head


def _nulls(data: bytes) -> bytes:
    names = [name for name in (b"thinking", b"tool_calls") if b'"%b":' % name not in data]
    nulls = b"".join(b'"%b":null,' % name for name in names)
    data = _SAID.sub(lambda found: found[0] + nulls, _EMPTY_TEXT.sub(rb"\1:null", data))
    return COUNTS.sub(b',"prompt_eval_count":null,"eval_count":null', data)


def _figures(prompt: object, completion: object, _total: object) -> bytes:
    told = {"prompt_eval_count": prompt, "eval_count": completion}
    return msgspec.json.encode(told)[1:-1]


class _Said(Struct, frozen=True):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Raw] | None = None


class _Line(Struct, frozen=True):
    message: _Said | None = None
    response: str | None = None
    thinking: str | None = None
    done: bool | None = None


_LINE: Final = msgspec.json.Decoder(_Line)


class _Folding:
    """A stream while it is put together."""

    def __init__(self) -> None:
        self._texts = {"content": "", "thinking": "", "response": ""}
        self._calls: list[Raw] = []
        self._last: dict[str, object] = {}
        self._in_chat = False

    def add(self, line: bytes) -> None:
        told = _LINE.decode(line)
        said = told.message or _Said()
        self._in_chat = self._in_chat or told.message is not None
        self._texts["content"] += said.content or ""
        self._texts["thinking"] += said.thinking or told.thinking or ""
        self._texts["response"] += told.response or ""
        self._calls += said.tool_calls or ()
        self._last = msgspec.json.decode(line, type=dict[str, object])

    def whole(self) -> bytes:
        texts = {name: text for name, text in self._texts.items() if text}
        if not self._in_chat:
            texts.pop("content", None)
            return msgspec.json.encode({**self._last, **texts})
        message: dict[str, object] = {"role": "assistant", "content": "", **texts}
        if self._calls:
            message["tool_calls"] = self._calls
        return msgspec.json.encode({**self._last, "message": message})


def _folded(body: bytes) -> bytes:
    """The answer that a stream amounts to."""
    folding = _Folding()
    for line in body.splitlines():
        # A recording may hold lines of any shape.
        with suppress(msgspec.DecodeError):
            folding.add(line)
    return folding.whole()


def _spelling(member: bytes, said: bytes) -> Spelling:
    """The spelling of one road: the member with the text, and what is said around a text."""
    text = re.compile(rb'"(%b)":"(?!")' % member)
    quiet = _line(said % b"")
    return Spelling(
        text=text,
        before_text=before_every_text(text),
        is_end=lambda frame: IS_DONE.search(frame) is not None,
        is_finish=lambda frame: IS_DONE.search(frame) is not None,
        bare=lambda frames: _bare(quiet, frames),
        seam=re.compile(rb',(?="(?:message|response)":)'),
        further_lines=b"",
        error=_ERROR,
        late=_line(said % b" And more."),
        unreadable=b'{"model":"sim-small","message":{"role":"assist\x00\xff<garbage>\n',
        holding=lambda value: _line(said % b"", b',"filler":%b' % value),
        nested=lambda value: _line(said % b"", b',"filler":%b' % value),
        nulls=_nulls,
        figures=_figures,
        folded=_folded,
        heartbeat=quiet,
        filler=lambda filler: filler + b"\n",
    )


def _bare(quiet: bytes, frames: Frames) -> Frames:
    return quiet, frames[-1]


IN_CHAT: Final = _spelling(b"content", b'"message":{"role":"assistant","content":"%b"}')
IN_GENERATE: Final = _spelling(b"response", b'"response":"%b"')
