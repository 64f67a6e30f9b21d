"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration; by default ./antiphon.yaml if there."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
