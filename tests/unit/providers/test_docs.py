from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec

from antiphon.providers.catalog import Catalog, ProviderRow

REPOSITORY = Path(__file__).parents[3]
GUIDE = REPOSITORY / "docs/guides/adding-a-provider.md"


def test_the_page_of_providers_is_current() -> None:
    tool = REPOSITORY / "tools" / "provider_table.py"
    subprocess.run([sys.executable, str(tool), "--check"], check=True, timeout=60)


def test_the_guide_names_every_member_of_a_row() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", GUIDE.read_text(), re.MULTILINE))
    members = {field.name for field in msgspec.structs.fields(ProviderRow)} - {"name"}
    assert told == members


def test_the_guides_row_is_a_row() -> None:
    from antiphon.providers.catalog import parse_catalog

    (text,) = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert set(parse_catalog(text)) == {"acme"}


def test_the_pages_example_can_be_built(catalog: Catalog) -> None:
    page = (REPOSITORY / "docs/providers.md").read_text()
    assert "catalog: moonshot" in page
    assert all(f"`{name}`" in page for name in catalog)
