from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from antiphon.config.load import Loaded, load
from antiphon.errors import ConfigurationError

IN_JULY_2026 = 1_782_864_000.0
"""2026-07-01: a day on which none of the models that tests name is about to be switched off."""

Load = Callable[..., Loaded]
Refusal = Callable[..., list[str]]


class Still:
    """A clock that stands."""

    def __init__(self, moment: float = IN_JULY_2026) -> None:
        self.moment = moment

    def now(self) -> float:
        return self.moment

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Loads a text as an `antiphon.yaml`."""

    def load_text(text: str, environ: Mapping[str, str] | None = None, **more: object) -> Loaded:
        path = tmp_path / "antiphon.yaml"
        path.write_text(text)
        return load(path, environ=environ or {}, **{"clock": Still(), **more})

    return load_text


@pytest.fixture
def refusal(load_text: Load, tmp_path: Path) -> Refusal:
    """The mistakes of a text, as a person reads them, without the folder."""

    def refusal(text: str, environ: Mapping[str, str] | None = None, **more: object) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load_text(text, environ, **more)
        return [str(each).replace(f"{tmp_path}/", "") for each in caught.value.mistakes]

    return refusal
