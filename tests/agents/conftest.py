"""The gateway runs as in the server's tests."""

from tests.server.conftest import brisk_end, pytest_asyncio_loop_factories

__all__ = ["brisk_end", "pytest_asyncio_loop_factories"]
