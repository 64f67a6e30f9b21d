"""Configuration files with `@NAMES@` in them: nginx and YAML keep their dollars and braces."""

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
_NAME = re.compile(r"@([A-Z_]+)@")


def fill(name: str, values: Mapping[str, object]) -> str:
    """Read a template of the repository and put the values in; a name without one is an error."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return _NAME.sub(lambda match: str(values[match[1]]), text)


def nginx_user() -> str:
    """Let nginx's workers read our private folder: as root they would become `nobody`."""
    return "user root;" if os.geteuid() == 0 else ""


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
