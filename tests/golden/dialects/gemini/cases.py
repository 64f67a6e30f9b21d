"""The cases of this folder; `results.py` says what is in one."""

from pathlib import Path

from antiphon.dialects.gemini import GEMINI
from tests.golden.dialects.results import cases_in, write

CASES = cases_in(Path(__file__).parent)

if __name__ == "__main__":
    write(CASES, GEMINI)
