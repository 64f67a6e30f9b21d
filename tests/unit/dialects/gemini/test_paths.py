"""Where a model is asked, whatever its name holds."""

import pytest

from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.paths import model_and_method


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-3-pro", "/models/gemini-3-pro:generateContent"),
        ("tunedModels/mine", "/tunedModels/mine:generateContent"),
        ("publishers/google/models/x", "/publishers/google/models/x:generateContent"),
        ("openai/gpt 5:free", "/models/openai/gpt%205%3Afree:generateContent"),
        ("é?#", "/models/%C3%A9%3F%23:generateContent"),
    ],
)
def test_paths(model: str, path: str) -> None:
    assert GEMINI.target_path(model, stream=False) == path
    streamed = GEMINI.target_path(model, stream=True)
    assert streamed == path.replace("generateContent", "streamGenerateContent?alt=sse")
    found, method = model_and_method(path.removeprefix("/"))
    assert (found, method) == (model, "generateContent")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("models/a/b:c:generateContent", ("a/b:c", "generateContent")),
        ("gemini-3-pro:countTokens", ("gemini-3-pro", "countTokens")),
        ("models/gemini-3-pro", ("gemini-3-pro", "")),
    ],
)
def test_what_a_path_names(path: str, found: tuple[str, str]) -> None:
    assert model_and_method(path) == found
