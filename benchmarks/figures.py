"""The figures to reach, read from `figures.toml`, and the verdict on a measured value.

They live in data so that a limit changes in one visible place, and never inside a test.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).parent / "figures.toml"


@dataclass(frozen=True, slots=True)
class Figure:
    """One promise about cost: what is measured, and how much is too much."""

    name: str
    title: str
    unit: str
    most: float
    stretch: float | None = None

    def judge(self, measured: float) -> str:
        """Say whether the measured value keeps the promise."""
        if self.stretch is not None and measured <= self.stretch:
            return "reached (stretch)"
        return "reached" if measured <= self.most else "NOT reached"

    @property
    def limit(self) -> str:
        stretch = f" (stretch {self.stretch:g})" if self.stretch is not None else ""
        return f"<= {self.most:g} {self.unit}{stretch}"


def road_figures() -> dict[str, Figure]:
    """Read the figures of the road, by name."""
    return {name: Figure(name=name, **row) for name, row in _read()["road"].items()}


def hot_path_budgets() -> dict[str, float]:
    """Read the budget of each hot module in microseconds, by the name of its case."""
    return _read()["hot_path"]


def _read() -> dict[str, dict]:
    return tomllib.loads(PATH.read_text(encoding="utf-8"))
