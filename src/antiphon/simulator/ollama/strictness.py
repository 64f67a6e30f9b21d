"""What the models of a strict server can do, and what it refuses of a request.

A model is what its name says: see `capabilities_of`.
"""

from typing import Final

from antiphon.simulator.dialect import Problem, Rejected, Terms
from antiphon.simulator.model_names import read_name


def capabilities_of(model: str) -> tuple[str, ...]:
    """What a model can do, in Ollama's words: the parts of its name decide.

    `embed` only embeds; `base` calls no tools; `reason` thinks; `large` and `vision` see; `code`
    and `base` fill in between two texts.
    """
    name = model.lower()
    if "embed" in name:
        return ("embedding",)
    able = {
        "completion": True,
        "tools": "base" not in name,
        "insert": "code" in name or "base" in name,
        "vision": "vision" in name or "large" in name,
        "thinking": "reason" in name,
    }
    return tuple(capability for capability, has in able.items() if has)


def tagged(model: str) -> str:
    """A model's name with its tag."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def check_model(name: str, terms: Terms) -> None:
    """See that a strict server has this model.

    Raises:
        Rejected: it has not.
    """
    asked = read_name(name)
    if not terms.strict or asked.replay or name.startswith("fault:"):
        return
    if tagged(asked.model) not in {tagged(each) for each in terms.models}:
        raise Rejected(not_found(asked.model))


def not_found(model: str) -> Problem:
    """There is no such model."""
    return Problem(404, f"model '{model}' not found", code="model_not_found", param=model)


class Need:
    """What a request needs of its model, checked in the server's order."""

    def __init__(self, name: str, terms: Terms) -> None:
        self._model = read_name(name).model
        self._able = frozenset(capabilities_of(self._model)) if terms.strict else _ALL

    def conversation(self, road: str) -> None:
        """A text to be continued.

        Raises:
            Rejected: the model only embeds.
        """
        if "completion" not in self._able:
            raise Rejected(Problem(400, f'"{self._model}" does not support {road}'))

    def thought(self) -> None:
        """Thinking.

        Raises:
            Rejected: the model does not think.
        """
        if "thinking" not in self._able:
            raise Rejected(Problem(400, f'"{self._model}" does not support thinking'))

    def ability(self, capability: str) -> None:
        """Tools, or filling in.

        Raises:
            Rejected: the model cannot.
        """
        if capability not in self._able:
            told = f"{_in_full(self._model)} does not support {capability}"
            raise Rejected(Problem(400, told))

    def sight(self) -> None:
        """Pictures.

        Raises:
            Rejected: the model sees nothing.
        """
        if "vision" not in self._able:
            told = "this model is missing data required for image input"
            raise Rejected(Problem(500, told))


_ALL: Final = frozenset({"completion", "tools", "insert", "vision", "thinking", "embedding"})


def _in_full(model: str) -> str:
    """The name as the server keeps it: with registry, namespace and tag."""
    parts = tagged(model).split("/")
    before = ("registry.ollama.ai", "library")[: max(3 - len(parts), 0)]
    return "/".join((*before, *parts))


def check_length(tokens: int, window: int, *, truncates: bool, terms: Terms) -> None:
    """See that a prompt fits, where nothing of it may be cut off.

    Raises:
        Rejected: it does not.
    """
    if terms.strict and window > 0 and tokens > window and not truncates:
        raise Rejected(Problem(400, "the input length exceeds the context length"))
