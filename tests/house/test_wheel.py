"""What is installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile

from tests.house.source import ROOT

DATA = """
py.typed providers/catalog.toml providers/models.toml providers/rates.json
server/assets/swagger-ui-bundle.js server/assets/swagger-ui.css server/assets/swagger-ui.LICENSE
testing/compliance/golden/README.md testing/compliance/golden/canonical.schema.json
"""
MOST = 2_500_000
"""A quarter of a megabyte is golden data, which is for others as well."""


def test_the_wheel_is_small_and_whole(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    [wheel] = tmp_path.glob("antiphon-*.whl")
    assert wheel.stat().st_size < MOST
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"antiphon/{name}" for name in DATA.split()} <= names
    golden = ROOT / "src/antiphon/testing/compliance/golden"
    cases = {
        f"antiphon/testing/compliance/golden/{path.relative_to(golden).as_posix()}"
        for path in golden.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(cases) > 300
    assert cases <= names
    strangers = {name for name in names if not name.startswith(("antiphon/", "antiphon-"))}
    assert not strangers
    assert not [name for name in names if "__pycache__" in name]
    [licence] = [name for name in names if name.endswith("licenses/LICENSE")]
    assert licence
