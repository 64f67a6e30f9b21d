"""Where lines go: rotation, full disks, readers that stopped."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from antiphon.telemetry.sink import Sink


def test_a_file_is_appended_to(tmp_path: Path):
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    sink = Sink(path)
    sink.write([b"one\n", b"two\n"])
    sink.close()
    assert path.read_bytes() == b"old\none\ntwo\n"


def test_others_cannot_read_it(tmp_path: Path):
    Sink(tmp_path / "log").close()
    assert (tmp_path / "log").stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("how", ["moved", "deleted", "replaced"])
def test_rotation(tmp_path: Path, how):
    path, old = tmp_path / "log", tmp_path / "log.1"
    sink = Sink(path)
    sink.write([b"one\n"])
    path.rename(old)
    if how == "deleted":
        old.unlink()
    elif how == "replaced":
        path.touch()
    sink.write([b"two\n"])
    sink.close()
    assert path.read_bytes() == b"two\n"
    assert how == "deleted" or old.read_bytes() == b"one\n"


def test_a_folder_that_is_gone_costs_lines_and_no_more(tmp_path: Path):
    folder = tmp_path / "logs"
    folder.mkdir()
    sink = Sink(folder / "log")
    (folder / "log").unlink()
    folder.rmdir()
    sink.write([b"one\n", b"two\n"])
    assert (sink.dropped, sink.trouble) == (2, "No such file or directory")
    folder.mkdir()
    sink.write([b"three\n"])
    assert (folder / "log").read_bytes() == b"three\n"
    assert not sink.trouble
    sink.close()


def test_a_full_disk_costs_lines_and_no_more():
    sink = Sink(Path("/dev/full"))
    sink.write([b"one\n"])
    assert (sink.dropped, sink.trouble) == (1, "No space left on device")
    sink.close()


def test_a_file_that_cannot_be_opened(tmp_path: Path):
    with pytest.raises(OSError, match="No such file"):
        Sink(tmp_path / "absent" / "log")


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    for each in (reader, writer):
        with suppress(OSError):
            os.close(each)


def test_a_pipe(pipe):
    reader, writer = pipe
    sink = Sink(None, descriptor=writer)
    sink.write([b"one\n", b"two\n"])
    assert os.read(reader, 100) == b"one\ntwo\n"


def test_a_reader_that_stopped_holds_nobody_up(pipe):
    reader, writer = pipe
    sink = Sink(None, descriptor=writer)
    line = b"x" * 999 + b"\n"
    for _ in range(3000):
        sink.write([line])
    assert 0 < sink.dropped < 3000
    assert sink.trouble == "nobody reads it"
    got = bytearray()
    while sink._waiting or sink._begun:
        got += os.read(reader, 1 << 16)
        sink.pump()
    os.set_blocking(reader, False)
    got += os.read(reader, 1 << 20)
    assert len(got) == (3000 - sink.dropped) * 1000
    assert set(bytes(got).split(b"\n")) == {line[:-1], b""}
    assert not sink.trouble


def test_a_line_longer_than_a_piece(pipe):
    reader, writer = pipe
    sink = Sink(None, descriptor=writer)
    sink.write([b"x" * 10_000 + b"\n"])
    assert len(os.read(reader, 20_000)) == 10_001


def test_a_reader_that_left(pipe):
    reader, writer = pipe
    os.close(reader)
    sink = Sink(None, descriptor=writer)
    sink.write([b"one\n", b"two\n"])
    assert (sink.dropped, sink.trouble) == (2, "Broken pipe")


def test_many_threads_and_no_torn_line(tmp_path: Path):
    sink = Sink(tmp_path / "log")
    threads = [
        threading.Thread(
            target=lambda n=n: [sink.write([b"%d" % n * 50 + b"\n"]) for _ in range(200)]
        )
        for n in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    sink.close()
    lines = (tmp_path / "log").read_bytes().splitlines()
    assert len(lines) == 800
    assert set(lines) == {b"%d" % n * 50 for n in range(4)}
