"""The JavaScript SDKs are those of the lock, and the lock tells nothing of who made it."""

from __future__ import annotations

import json
import re

from tests.sdks.javascript import FOLDER


def test_versions_are_exact() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", one) for one in package["dependencies"].values())


def test_the_lock_holds_hashes_and_no_address() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert len(packages) > 5
    assert all(one["integrity"].startswith("sha512-") for one in packages.values())
    assert not any("resolved" in one for one in packages.values())
