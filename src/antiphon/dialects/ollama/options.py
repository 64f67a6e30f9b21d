"""How the next token is drawn, how long an answer may be, and how hard to think, both ways."""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.efforts import effort_of
from antiphon.dialects.fields import Written
from antiphon.dialects.ollama.fields import DIALECT, Fields, own, written
from antiphon.dialects.ollama.formats import as_grammar
from antiphon.errors import MalformedBody
from antiphon.model.parts import Extra
from antiphon.model.request import ChatRequest, Output, OutputForm, ReasoningAsk, Sampling

_EFFORTS: Final = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}
_READ: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


class Options(msgspec.Struct, frozen=True):
    """What `options` say that the model has words for."""

    sampling: Sampling
    maximum: int | None
    stop: tuple[str, ...]


def read_options(fields: Fields) -> Options:
    """Take `options`; what the model has no word for is left in them."""
    inner = fields.object("options") or Fields({}, "options")
    options = Options(
        Sampling(
            temperature=inner.number("temperature"),
            top_p=inner.number("top_p"),
            top_k=inner.integer("top_k"),
            min_p=inner.number("min_p"),
            frequency_penalty=inner.number("frequency_penalty"),
            presence_penalty=inner.number("presence_penalty"),
            repetition_penalty=inner.number("repeat_penalty"),
            seed=inner.integer("seed"),
            logprobs=fields.flag("logprobs"),
            top_logprobs=fields.integer("top_logprobs"),
        ),
        _read_maximum(inner),
        inner.text_or_texts("stop"),
    )
    fields.keep_rest_of("options", inner)
    return options


def write_options(request: ChatRequest) -> Written:
    """`options`, without those that only its own dialect knows; empty where none is set."""
    drawn = request.sampling
    return written(
        {
            "temperature": drawn.temperature,
            "top_p": drawn.top_p,
            "top_k": drawn.top_k,
            "min_p": drawn.min_p,
            "frequency_penalty": drawn.frequency_penalty,
            "presence_penalty": drawn.presence_penalty,
            "repeat_penalty": drawn.repetition_penalty,
            "seed": drawn.seed,
            "num_predict": request.max_output_tokens,
            "stop": request.stop or None,
        }
    )


def read_think(fields: Fields) -> ReasoningAsk | None:
    """Take `think`: yes, no, or how hard; a word that nobody knows is kept, and means yes."""
    if not fields.begins("think", b'"'):
        thinks = fields.flag("think")
        if thinks is None:
            return None
        return ReasoningAsk(budget=-1) if thinks else ReasoningAsk("none")
    word = fields.text("think") or ""
    if word in _READ:
        return ReasoningAsk(word)
    kept = msgspec.Raw(msgspec.json.encode(word))
    return ReasoningAsk(budget=-1, extra=Extra(DIALECT, {"think": kept}))


def write_think(asked: ReasoningAsk | None) -> bool | str | msgspec.Raw | None:
    """`think`; None where the model shall decide."""
    if asked is None:
        return None
    kept = own(asked.extra).get("think")
    if kept is not None:
        return kept
    effort = effort_of(asked)
    if effort is None:
        return True if asked.budget is not None else None
    # For a word that Ollama does not know it refuses the request.
    return _EFFORTS.get(effort, True)


def read_format(fields: Fields) -> Output | None:
    """Take `format`: `json`, a schema, or an empty text for none."""
    if fields.begins("format", b"{"):
        return Output(OutputForm.SCHEMA, schema=fields.raw_object("format"))
    word = fields.text("format")
    if not word:
        return None
    if word != "json":
        raise MalformedBody("'format' must be \"json\" or a JSON schema.", param="format")
    return Output(OutputForm.JSON)


def write_format(output: Output | None) -> str | msgspec.Raw | None:
    """`format`."""
    if output is None or output.form is OutputForm.TEXT:
        return None
    if output.name is not None or output.extra is not None:
        # Another dialect's.
        return as_grammar(output.schema) if output.schema else "json"
    return output.schema or "json"


def _read_maximum(inner: Fields) -> int | None:
    """Take `num_predict`; a negative one says that there is no bound, and in which way."""
    maximum = inner.integer("num_predict")
    if maximum is not None and maximum < 0:
        inner.keep("num_predict", msgspec.json.encode(maximum))
        return None
    return maximum
