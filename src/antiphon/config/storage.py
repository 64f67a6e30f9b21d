"""The `storage` section."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from antiphon.storage.address import SQLITE, address_of, file_of
from antiphon.usage.config import Durability

DATA_DIR = Path("~/.local/share/antiphon")
_CAPTURES = "captures.db"


def _is_url(text: str) -> str:
    if not text.startswith(SQLITE) or not text.removeprefix(SQLITE):
        raise ValueError("must be sqlite:///PATH; no other database is spoken yet")
    if ":memory:" in text or "?" in text:
        raise ValueError("must be sqlite:///PATH, of a file, without options")
    if file_of(text).name == _CAPTURES:
        raise ValueError(f"{_CAPTURES} is the name of the file beside it, which holds captures")
    return text


class StorageSettings(BaseModel):
    """Where the gateway keeps what must survive it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data_dir: Path = Field(
        default=DATA_DIR,
        description="A folder of its own; a relative one starts at the configuration's folder. "
        "`ANTIPHON_DATA` beats it.",
    )
    database: Annotated[str, AfterValidator(_is_url)] | None = Field(
        default=None,
        description="The database, as `sqlite:///PATH`; by default `antiphon.db` in `data_dir`. A "
        "relative path starts at the configuration's folder.",
    )
    journal: Path | None = Field(
        default=None,
        description="The folder of the journals, on a disk of this machine; by default `journal` "
        "in `data_dir`. Processes may share it: each keeps a directory of its own in it.",
    )
    durability: Durability = Field(
        default="process",
        description="What a written record outlives: `process` the process, whatever kills it; "
        "`power` the machine too, for a wait on the disk before each call and each answer's end.",
    )

    @property
    def database_url(self) -> str:
        """The database in force."""
        return self.database or address_of(self.data_dir / "antiphon.db")

    @property
    def captures_file(self) -> Path:
        """The file with the captures, beside the database."""
        return file_of(self.database_url).with_name(_CAPTURES)

    @property
    def leases_file(self) -> Path:
        """The file with the leases of budgets, beside the database: every process writes it."""
        database = file_of(self.database_url)
        return database.with_name(f"{database.stem}-leases.db")

    @property
    def journal_dir(self) -> Path:
        """The folder of the journals in force."""
        return self.journal or self.data_dir / "journal"
