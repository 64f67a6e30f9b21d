"""The `storage` section."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

DATA_DIR = Path("~/.local/share/antiphon")


class StorageSettings(BaseModel):
    """Where the gateway keeps what must survive it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data_dir: Path = Field(
        default=DATA_DIR,
        description="A folder of its own; a relative one starts at the configuration's folder. "
        "`ANTIPHON_DATA` beats it.",
    )
