"""The admin key: made once, printed once, kept only as its hash."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import NamedTuple

from antiphon.access.keys import digest_of
from antiphon.errors import ConfigurationError, Mistake
from antiphon.secret import Secret

FILE = "admin.key"
PREFIX = "ak-admin-"
_KEPT = re.compile(r"sha256:([0-9a-f]{64})\s*")


class AdminKey(NamedTuple):
    """The admin key as it is known here.

    Attributes:
        digest: Its SHA-256.
        fresh: Its text, if it was made just now: to be shown once, for it is kept nowhere.
    """

    digest: bytes
    fresh: Secret | None


def admin_key(data_dir: Path) -> AdminKey:
    """The admin key of this data directory; made if there is none.

    Several processes may start at once: the file appears whole under its name or not at all,
    and whoever comes second reads what the first one made. Deleting the file makes a new key.

    Raises:
        ConfigurationError: The file cannot be read, written or understood.
    """
    path = data_dir / FILE
    try:
        if not path.exists():
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = Secret(PREFIX + secrets.token_urlsafe(32))
            if _claim(path, fresh):
                return AdminKey(digest_of(fresh.reveal()), fresh)
        kept = _KEPT.fullmatch(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise _unusable(path, f"the admin key cannot be kept here: {why}") from error
    if kept is None:
        raise _unusable(path, "this is not an admin key's hash; delete it and a new key is made")
    return AdminKey(bytes.fromhex(kept[1]), None)


def _claim(path: Path, key: Secret) -> bool:
    """Put the hash under the name; False if another process was first.

    A hard link fails where the name exists, as O_EXCL does, and the content is there before the
    name is: a process that dies in between leaves no empty file behind that name.
    """
    draft = path.with_name(f".{FILE}.{secrets.token_hex(8)}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        draft.write_text(f"sha256:{digest_of(key.reveal()).hex()}\n", "utf-8")
        path.hardlink_to(draft)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _unusable(path: Path, message: str) -> ConfigurationError:
    return ConfigurationError([Mistake(str(path), "", message)])
