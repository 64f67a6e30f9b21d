"""The members of a request that steer an answer: options, thinking, format, time in memory."""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from msgspec import Raw, Struct

from antiphon.simulator.answers import Shape
from antiphon.simulator.dialect import Problem, Rejected
from antiphon.simulator.schema_json import Schema, schema_from

_NOTHING: Final = (b"null", b'""')


class Options(Struct, frozen=True):
    """What of the options matters here."""

    num_predict: int = 0
    num_ctx: int = 0
    seed: int = 0
    stop: tuple[str, ...] = ()


def options_of(told: Mapping[str, object] | None) -> Options:
    """The options; unknown ones are read past, as the server does.

    Raises:
        Rejected: one has another type.
    """
    known = {name: value for name, value in (told or {}).items() if value is not None}
    for name, value in known.items():
        if problem := _problem(name, value):
            # The server reads them after the request, which is why this is no 400.
            raise Rejected(Problem(500, f'option "{name}" must be of {problem}'))
    whole = {name: value for name, value in known.items() if name in _WHOLE}
    numbers = {name: int(value) for name, value in whole.items() if isinstance(value, int | float)}
    stop = msgspec.convert(known.get("stop", ()), tuple[str, ...])
    return Options(
        num_predict=numbers.get("num_predict", 0),
        num_ctx=numbers.get("num_ctx", 0),
        seed=numbers.get("seed", 0),
        stop=tuple(one for one in stop if one),
    )


_WHOLE: Final = frozenset({
    *("num_keep", "seed", "num_predict", "top_k", "repeat_last_n", "mirostat", "num_ctx"),
    *("num_batch", "num_gpu", "main_gpu", "num_thread"),
})  # fmt: skip
_REAL: Final = frozenset({
    *("top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty"),
    *("frequency_penalty", "mirostat_tau", "mirostat_eta"),
})  # fmt: skip
_SWITCHES: Final = frozenset({"penalize_newline", "use_mmap", "use_mlock", "numa", "low_vram"})


def _problem(name: str, value: object) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in _WHOLE:
        return "" if is_number else "type integer"
    if name in _REAL:
        return "" if is_number else "type float32"
    if name in _SWITCHES:
        return "" if isinstance(value, bool) else "type boolean"
    if name == "stop":
        return _problem_of_list(value)
    return ""


def _problem_of_list(value: object) -> str:
    if not isinstance(value, list):
        return "type array"
    try:
        msgspec.convert(value, list[str])
    except msgspec.ValidationError:
        return "an array of strings"
    return ""


def effort_of(think: bool | str | None) -> str | None:  # noqa: FBT001  as it stands in requests
    """How much to think: "none" for not at all, None where nothing is said.

    Raises:
        Rejected: there is no such level.
    """
    if think is None or isinstance(think, bool):
        return {None: None, True: "medium", False: "none"}[think]
    if think not in _LEVELS:
        told = f'invalid think value: "{think}" (must be "high", "medium", "low", "max", true, or'
        raise Rejected(Problem(400, f"{told} false)"))
    return think


_LEVELS: Final = frozenset({"low", "medium", "high", "max"})


def shape_of(format_: Raw) -> Shape | None:
    """What the answer has to fit.

    Raises:
        Rejected: it is neither "json" nor a schema.
    """
    told = bytes(format_).strip()
    if told in _NOTHING:
        return None
    if told == b'"json"':
        return Shape(_ANY_OBJECT)
    if not told.startswith(b"{"):
        shown = told.decode("utf-8", "replace").replace('"', '\\"')
        wanted = 'expected "json" or a valid JSON Schema object'
        raise Rejected(Problem(500, f'invalid format: "{shown}"; {wanted}'))
    try:
        return Shape(schema_from(format_))
    except msgspec.ValidationError as error:
        raise Rejected(Problem(500, "invalid JSON schema in format")) from error


_ANY_OBJECT: Final = Schema(
    type="object", properties={"answer": Schema(type="string"), "simulated": Schema(const=True)}
)


def lets_go(keep_alive: float | str | None) -> bool:
    """Whether a model is to leave memory at once.

    Raises:
        Rejected: it is no duration.
    """
    if not isinstance(keep_alive, str):
        return keep_alive == 0
    if not keep_alive:
        return False
    if _UNITLESS.fullmatch(keep_alive) and float(keep_alive):
        raise Rejected(Problem(400, f'time: missing unit in duration "{keep_alive}"'))
    if not _UNITLESS.fullmatch(keep_alive) and not _DURATION.fullmatch(keep_alive):
        raise Rejected(Problem(400, f'time: invalid duration "{keep_alive}"'))
    return not _SOME.search(keep_alive)


_UNITLESS: Final = re.compile(r"[-+]?\d+(?:\.\d*)?")
_DURATION: Final = re.compile(r"[-+]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+")
_SOME: Final = re.compile(r"[1-9]")


def check_images(images: Iterable[str] | None) -> int:
    """How many pictures there are.

    Raises:
        Rejected: one is not base64.
    """
    seen = 0
    for seen, image in enumerate(images or (), start=1):  # noqa: B007  counted
        try:
            b64decode(image, validate=True)
        except (Error, ValueError) as error:
            found = _ILLEGAL.search(image)
            at = found.start() if found else len(image)
            told = f"illegal base64 data at input byte {at}"
            raise Rejected(Problem(400, told)) from error
    return seen


_ILLEGAL: Final = re.compile(r"[^A-Za-z0-9+/=]")
