from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from antiphon.access.admin import FILE, admin_key
from antiphon.access.keys import digest_of
from antiphon.errors import ConfigurationError


def test_it_is_made_once_and_only_its_hash_is_kept(tmp_path: Path):
    folder = tmp_path / "not" / "yet"
    first = admin_key(folder)
    assert first.fresh.reveal().startswith("ak-admin-")
    assert len(first.fresh.reveal()) > 40
    assert digest_of(first.fresh.reveal()) == first.digest
    assert first.fresh.reveal() not in (folder / FILE).read_text()
    assert admin_key(folder) == (first.digest, None)


def test_nobody_else_can_read_it(tmp_path: Path):
    admin_key(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / FILE).stat().st_mode & 0o777 == 0o600
    assert [each.name for each in (tmp_path / "data").iterdir()] == [FILE]


def test_processes_that_start_at_once_agree(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: admin_key(tmp_path), range(32)))
    assert len({each.digest for each in made}) == 1
    assert sum(each.fresh is not None for each in made) == 1
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "content", [b"", b"ak-admin-plain", b"\xff", b"sha256:12", b"sha256:" + b"g" * 64]
)
def test_a_broken_file_is_refused_and_left_alone(tmp_path: Path, content: bytes):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        admin_key(tmp_path)
    assert str(tmp_path / FILE) in caught.value.message
    assert (tmp_path / FILE).read_bytes() == content


def test_a_folder_that_cannot_be_made_is_a_mistake(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be kept here: Not a directory"):
        admin_key(tmp_path / "file" / "data")
