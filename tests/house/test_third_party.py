"""Files of others are what THIRD_PARTY.md says they are."""

import hashlib
import re

from tests.house.source import PACKAGE, ROOT


def test_the_hashes():
    page = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    told = dict(re.findall(r"^\| `(src/\S+)` \| `([0-9a-f]{64})` \|$", page, re.MULTILINE))
    assets = (PACKAGE / "server" / "assets").iterdir()
    assert told == {
        path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in assets
    }


def test_the_version():
    page = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    version = re.search(r"swagger-ui-dist (\d+\.\d+\.\d+)", page)[1]
    assert version in (PACKAGE / "server/assets/swagger-ui-bundle.js").read_text("utf-8")
