"""A process that opens a database of keys and answers by line which of them open.

`python -m tests.campaign.keys PATH`. It says `ready`; for each line with a key it says the key's id,
or `none`; between two lines it hears of changes, as a gateway does.
"""

from __future__ import annotations

import asyncio
import sys
import threading

from antiphon.access.managed import ManagedKeys
from antiphon.access.resolver import Resolver
from antiphon.access.tables import SCHEMA
from antiphon.access.watch import Watch
from antiphon.clock import SystemClock
from antiphon.storage.database import Database
from antiphon.usage.ledger.tables import SCHEMA as LEDGER


async def main(path: str) -> None:
    loop, stop = asyncio.get_running_loop(), threading.Event()
    database = Database(f"sqlite:///{path}", [SCHEMA, LEDGER])
    keys = ManagedKeys(clock=SystemClock())
    resolver = Resolver(keys, database)
    watch = Watch(database, lambda changes: loop.call_soon_threadsafe(keys.apply, changes))
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    say("ready")
    while line := await reader.readline():
        begun = loop.time()
        found = await resolver.principal(line.strip())
        took = loop.time() - begun
        say(f"{found.key_id if found else 'none'} {took:.6f}")
    stop.set()
    watch.stop()
    thread.join()
    resolver.close()
    database.close()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
