from __future__ import annotations

import os
from pathlib import Path

import pytest

from antiphon.errors import ConfigurationError, Disposition, Kind, UpstreamRefused
from antiphon.providers.keys import DEAD_FOR, LOOK_EVERY, Key, KeyFile, KeyRing
from antiphon.secret import Secret
from tests.unit.providers.conftest import FakeClock


def ring(clock: FakeClock, *keys: str | Path) -> KeyRing:
    return KeyRing(
        [KeyFile(key) if isinstance(key, Path) else Secret(key) for key in keys], clock=clock
    )


def taken(keys: KeyRing, times: int) -> list[str]:
    return [keys.take().secret.reveal() for _ in range(times)]


def test_keys_take_turns(clock: FakeClock) -> None:
    assert taken(ring(clock, "a", "b", "c"), 5) == ["a", "b", "c", "a", "b"]


def test_a_ring_without_keys_has_the_empty_one(clock: FakeClock) -> None:
    assert not ring(clock).take().secret


def test_a_dead_key_is_set_aside(clock: FakeClock) -> None:
    keys = ring(clock, "a", "b", "c")
    keys.set_aside(keys.take(), "invalid_api_key", by="lab/m")
    assert sorted(taken(keys, 4)) == ["b", "b", "c", "c"]
    assert [status.live for status in keys.status()] == [False, True, True]
    assert keys.status()[0].reason == "invalid_api_key"
    assert keys.status()[0].since == clock.now()


def test_with_no_live_key_the_attempt_fails_as_a_dead_key(clock: FakeClock) -> None:
    keys = ring(clock, "a", "b")
    keys.set_aside(keys.take(), "x", by="lab/m")
    keys.set_aside(keys.take(), "x", by="lab/m")
    assert not keys.alive
    with pytest.raises(UpstreamRefused) as raised:
        keys.take()
    assert raised.value.code == "no_live_key"
    assert raised.value.disposition is Disposition.DEAD_KEY
    assert raised.value.error_kind is Kind.UPSTREAM_AUTH


def test_a_key_without_money_is_tried_again_after_a_while(clock: FakeClock) -> None:
    keys = ring(clock, "a", "b")
    keys.set_aside(keys.take(), "quota", by="lab/m", for_good=False)
    clock.move(DEAD_FOR - 1)
    assert taken(keys, 2) == ["b", "b"]
    clock.move(1)
    assert set(taken(keys, 2)) == {"a", "b"}


def test_an_only_key_comes_back_too(clock: FakeClock) -> None:
    keys = ring(clock, "a")
    keys.set_aside(keys.take(), "quota", by="lab/m", for_good=False)
    clock.move(DEAD_FOR)
    assert taken(keys, 1) == ["a"]


def test_an_operator_can_revive_keys(clock: FakeClock) -> None:
    keys = ring(clock, "a")
    keys.set_aside(keys.take(), "quota", by="lab/m", for_good=False)
    keys.revive()
    assert taken(keys, 1) == ["a"]


def test_the_key_that_was_refused_is_the_one_set_aside(clock: FakeClock) -> None:
    keys = ring(clock, "a", "b")
    first = keys.take()
    keys.take()
    keys.take()
    keys.set_aside(first, "x", by="lab/m")
    assert taken(keys, 2) == ["b", "b"]


def test_a_key_never_shows_itself() -> None:
    key = Key(Secret("sk-very-secret"))
    assert "secret" not in f"{key!r} {key}"
    assert len(key.fingerprint) == 8


@pytest.mark.parametrize("text", ["a b", "a\r\nx: y", "a\n", "schlüssel", "a\x00"])
def test_a_key_that_would_break_a_header_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="space") as raised:
        Key(Secret(text))
    assert text not in str(raised.value)


# ------------------------------------------------------------------ keys in files


def test_a_key_file_is_read_without_its_line_break(tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "key"
    file.write_text("first\n")
    assert taken(ring(clock, file), 1) == ["first"]


def test_a_changed_file_is_seen_within_a_second(tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "key"
    file.write_text("first")
    keys = ring(clock, file)
    old = keys.take()
    file.write_text("second")
    assert keys.take() is old
    clock.move(LOOK_EVERY)
    assert taken(keys, 1) == ["second"]


def test_a_file_that_is_replaced_by_another_of_the_same_size_and_time_is_seen(
    tmp_path: Path, clock: FakeClock
) -> None:
    file, other = tmp_path / "key", tmp_path / "other"
    file.write_text("aaaa")
    other.write_text("bbbb")
    keys = ring(clock, file)
    stat = file.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(file)
    clock.move(LOOK_EVERY)
    assert taken(keys, 1) == ["bbbb"]


def test_a_link_that_is_turned_to_another_file_is_seen(tmp_path: Path, clock: FakeClock) -> None:
    # As Kubernetes and Docker change secrets.
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "key").write_text(name)
    link = tmp_path / "data"
    link.symlink_to("one")
    keys = ring(clock, link / "key")
    fresh = tmp_path / "fresh"
    fresh.symlink_to("two")
    fresh.replace(link)
    clock.move(LOOK_EVERY)
    assert taken(keys, 1) == ["two"]


def test_a_refused_key_has_its_file_read_at_once(tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "key"
    file.write_text("first")
    keys = ring(clock, file)
    old = keys.take()
    file.write_text("second")
    keys.set_aside(old, "invalid_api_key", by="lab/m")
    assert keys.alive
    assert taken(keys, 1) == ["second"]


def test_a_dead_key_in_a_file_lives_again_when_the_file_changes(
    tmp_path: Path, clock: FakeClock
) -> None:
    file = tmp_path / "key"
    file.write_text("first")
    keys = ring(clock, file)
    keys.set_aside(keys.take(), "invalid_api_key", by="lab/m")
    assert not keys.alive
    file.write_text("second")
    clock.move(LOOK_EVERY)
    assert taken(keys, 1) == ["second"]
    assert keys.status()[0].live


def test_a_late_refusal_of_the_old_key_does_not_touch_the_new_one(
    tmp_path: Path, clock: FakeClock
) -> None:
    file = tmp_path / "key"
    file.write_text("first")
    keys = ring(clock, file)
    old = keys.take()
    file.write_text("second")
    clock.move(LOOK_EVERY)
    keys.take()
    keys.set_aside(old, "invalid_api_key", by="lab/m")
    assert taken(keys, 1) == ["second"]


@pytest.mark.parametrize("content", [b"", b"  \n", b"two words", b"\xff"])
def test_a_file_that_holds_no_key_changes_nothing(
    tmp_path: Path, clock: FakeClock, content: bytes
) -> None:
    file = tmp_path / "key"
    file.write_text("first")
    keys = ring(clock, file)
    file.write_bytes(content)
    clock.move(LOOK_EVERY)
    assert taken(keys, 1) == ["first"]
    file.unlink()
    clock.move(LOOK_EVERY)
    assert taken(keys, 1) == ["first"]
    file.write_text("second")
    clock.move(LOOK_EVERY)
    assert taken(keys, 1) == ["second"]


def test_a_touched_file_keeps_its_key(tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "key"
    file.write_text("first")
    keys = ring(clock, file)
    old = keys.take()
    os.utime(file, (1, 1))
    clock.move(LOOK_EVERY)
    assert keys.take() is old


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff"])
def test_a_file_without_a_key_is_refused_at_the_start(
    tmp_path: Path, clock: FakeClock, content: bytes | None
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="no key could be read"):
        ring(clock, file)
