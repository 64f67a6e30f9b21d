"""A gateway that serves by a file, so that the file can be changed under it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from antiphon.clock import Clock
from antiphon.config.load import load
from antiphon.gateway.gateway import Antiphon
from antiphon.server.reloads import Reloads
from antiphon.server.serve import serving
from antiphon.simulator import Fleet, SimulatorSpec
from tests.server.stage import Stage, configuration

ADMIN_KEY = "admin-key-of-reloads-0123456789"
AS_ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}


class Changeable(Stage):
    """A stage whose configuration is a file.

    Attributes:
        file: The configuration.
        said: What it says.
        reloads: Looks at the file.
        told: What it told.
    """

    file: Path
    said: dict[str, Any]
    reloads: Reloads
    told: list[str]

    def write(self, **sections: Any) -> None:
        """Write the file, with these sections in place of those that it had."""
        self.said = {**self.said, **sections}
        # JSON is YAML.
        self.file.write_text(json.dumps(self.said, indent=1))

    async def reload(self, **sections: Any) -> Any:
        self.write(**sections)
        return await self.gateway.reload()

    async def metrics(self) -> str:
        return (await self.http.get("/metrics", headers=AS_ADMIN)).text

    async def health(self) -> dict[str, Any]:
        return (await self.http.get("/health/detailed", headers=AS_ADMIN)).json()


@asynccontextmanager
async def changeable(
    folder: Path,
    specs: list[SimulatorSpec] | None = None,
    *,
    environ: dict[str, str] | None = None,
    clock: Clock | None = None,
    models: dict[str, Any] | None = None,
    alone: bool = False,
    **sections: Any,
) -> AsyncIterator[Changeable]:
    specs = specs or [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="two", seed=2)]
    async with Fleet(specs) as fleet:
        said = configuration(fleet, storage={"data_dir": str(folder / "data")}, **sections)
        said = {"auth": {"admin_key": ADMIN_KEY}, **said, **({"models": models} if models else {})}
        file = folder / "antiphon.yaml"
        file.write_text(json.dumps(said, indent=1))
        gateway = Antiphon(load(file, environ=environ or {}), clock=clock, alone=alone)
        told: list[str] = []
        # Tests look at the files themselves.
        reloads = Reloads(gateway, told=told.append, every=3600)
        async with gateway, serving(gateway, reloads) as address:
            running = Changeable(gateway, address, fleet)
            running.file, running.said = file, said
            running.reloads, running.told = reloads, told
            async with running.client, running.http:
                yield running
