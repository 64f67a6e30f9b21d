"""The cases of this folder; `results.py` says what is in one. Those of completions say so."""

from pathlib import Path

from antiphon.dialects.ollama import OLLAMA, OLLAMA_GENERATE, Ollama
from tests.golden.dialects.results import cases_in, write

CASES = cases_in(Path(__file__).parent)


def dialect_of(case: Path) -> Ollama:
    return OLLAMA_GENERATE if case.name.startswith("completion") else OLLAMA


if __name__ == "__main__":
    for each in CASES:
        write([each], dialect_of(each))
