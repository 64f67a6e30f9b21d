"""Files of others, changed so that the change can be undone to the byte.

Beside a file that was written lie its backup and a record of what was written. `--restore` goes
back by one write at a time where somebody else wrote in between, and refuses where the file is no
longer what was written.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import msgspec

from antiphon.cli.connecting.forms import Form
from antiphon.cli.connecting.forms.base import differences
from antiphon.cli.connecting.refusals import CannotConnect

_PRIVATE = 0o600
_WRITABLE = 0o222
_VERSION = 1


class Change(msgspec.Struct, frozen=True):
    """What became of a file.

    Attributes:
        path: The file.
        done: `written`, `unchanged`, `restored` or `removed`.
        backup: The backup; None where there was no file.
        readable: Others on this machine may read it.
    """

    path: str
    done: str
    backup: str | None = None
    readable: bool = False


class _Layer(msgspec.Struct, frozen=True):
    """One write: what was there before, and what came to be there."""

    after: bytes
    mode: int | None = None
    backup: str | None = None
    digest: str | None = None
    folders: tuple[str, ...] = ()


class _Record(msgspec.Struct, frozen=True):
    version: int
    layers: tuple[_Layer, ...]


def write(path: Path, text: str, now: bytes | None) -> Change:
    """Put a text into a file, with a way back.

    Args:
        path: The file.
        text: What shall stand in it.
        now: What stands there, as `read` found it.

    Raises:
        CannotConnect: It cannot be written; nothing was.
    """
    data = text.encode()
    if data == now:
        return Change(str(path), "unchanged", readable=_is_readable(path))
    layers = _layers(path)
    try:
        folders = _made(path.parent)
        mode = _PRIVATE if now is None else stat.S_IMODE(path.stat().st_mode)
        if layers and layers[-1].after == now:
            layer = msgspec.structs.replace(layers[-1], after=data)
            layers = layers[:-1]
        elif now is None:
            layer = _Layer(data, folders=folders)
        else:
            backup = _backup_of(path, len(layers))
            _put(backup, now, mode)
            layer = _Layer(data, mode, backup.name, _digest(now))
        _keep(path, (*layers, layer))
        _put(path, data, mode)
    except OSError as error:
        raise _unwritable(path, error) from error
    kept = None if layer.backup is None else str(path.with_name(layer.backup))
    return Change(str(path), "written", kept, _is_readable(path))


def is_ours(path: Path, now: bytes) -> bool:
    """Whether a file is, to the byte, what was last written here."""
    layers = _layers(path)
    return bool(layers) and layers[-1].after == now


def restore(path: Path, form: Form, *, force: bool) -> Change:
    """Bring back what was there before the last write.

    Raises:
        CannotConnect: Nothing was written, or the file was changed since.
    """
    layers = _layers(path)
    if not layers:
        raise CannotConnect(f"nothing to restore: {path} was not written by this command")
    layer, now = layers[-1], read(path)
    before = _before(path, layer)
    if now not in {layer.after, before} and not force:
        raise CannotConnect(_changed(path, form, layer.after, now))
    try:
        if before is None:
            path.unlink(missing_ok=True)
        elif before != now:
            _put(path, before, layer.mode or _PRIVATE)
        _keep(path, layers[:-1])
        if layer.backup is not None:
            path.with_name(layer.backup).unlink(missing_ok=True)
        _empty(layer.folders)
    except OSError as error:
        raise _unwritable(path, error) from error
    return Change(str(path), "removed" if before is None else "restored")


def read(path: Path) -> bytes | None:
    """What stands in a file that may be changed; None where there is none.

    Raises:
        CannotConnect: It is no file of one's own that can be changed; says what it is.
    """
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotConnect(f"{path} cannot be read: {error.strerror}") from error
    if stat.S_ISLNK(found.st_mode):
        raise CannotConnect(
            f"{path} is a symbolic link to {path.readlink()}: name the file itself with --file"
        )
    if not stat.S_ISREG(found.st_mode):
        raise CannotConnect(f"{path} is no file")
    if found.st_uid != os.geteuid():
        raise CannotConnect(f"{path} belongs to somebody else")
    if not found.st_mode & _WRITABLE:
        raise CannotConnect(f"{path} is read-only")
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotConnect(f"{path} cannot be read: {error.strerror}") from error


def _changed(path: Path, form: Form, ours: bytes, now: bytes | None) -> str:
    if now is None:
        told = ["it was deleted"]
    else:
        told = differences(form, ours.decode(), now.decode(errors="replace"))
    lines = "".join(f"\n  {each}" for each in told)
    return (
        f"{path} was changed after it was written here:{lines}\n"
        "  --force brings back what was there before all the same"
    )


def _before(path: Path, layer: _Layer) -> bytes | None:
    if layer.backup is None:
        return None
    backup = path.with_name(layer.backup)
    try:
        data = backup.read_bytes()
    except OSError as error:
        raise CannotConnect(f"the backup {backup} cannot be read: {error.strerror}") from error
    if _digest(data) != layer.digest:
        raise CannotConnect(f"the backup {backup} was changed: copy it back by hand")
    return data


def _layers(path: Path) -> tuple[_Layer, ...]:
    record = _record_of(path)
    try:
        return msgspec.json.decode(record.read_bytes(), type=_Record).layers
    except FileNotFoundError:
        return ()
    except (OSError, msgspec.DecodeError) as error:
        raise CannotConnect(f"{record} cannot be read: {error}") from error


def _keep(path: Path, layers: tuple[_Layer, ...]) -> None:
    record = _record_of(path)
    if layers:
        _put(record, msgspec.json.encode(_Record(_VERSION, layers)), _PRIVATE)
    else:
        record.unlink(missing_ok=True)


def _put(path: Path, data: bytes, mode: int) -> None:
    """Write a file as a whole or not at all."""
    fresh = path.with_name(f".{path.name}.antiphon-{os.getpid()}")
    try:
        fresh.touch(mode=_PRIVATE, exist_ok=False)
        with fresh.open("wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _made(folder: Path) -> tuple[str, ...]:
    """Make a folder and those above it; the ones that were not there, the deepest first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700)
    return tuple(str(each) for each in missing)


def _empty(folders: tuple[str, ...]) -> None:
    """Take folders away that were made for a file, where nothing else came to stand in them."""
    for each in map(Path, folders):
        if not each.is_dir() or any(each.iterdir()):
            return
        each.rmdir()


def _unwritable(path: Path, error: OSError) -> CannotConnect:
    return CannotConnect(f"{path} cannot be written: {error.strerror or error}")


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.antiphon.json")


def _backup_of(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.antiphon-backup{f'-{number + 1}' if number else ''}")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _is_readable(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o044)
