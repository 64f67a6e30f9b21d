"""`python -m benchmarks.ledger`: attempts a second that journal, shipper and SQLite sustain.

Attempts are opened and closed at a given rate, in steps of ten milliseconds, while the shipper runs
on its thread as it does in a gateway. What is printed: how many are in the ledger when the load
ends, the most that waited, and the most segments that were on the disk; a journal that grows
shows in both. Exit status 1 where rows are missing at the end, or the proof finds a difference.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec

from antiphon.clock import SystemClock
from antiphon.storage.database import Database
from antiphon.usage.journal.journal import Journal
from antiphon.usage.ledger.ledger import Ledger
from antiphon.usage.ledger.prove import prove
from antiphon.usage.ledger.tables import SCHEMA
from antiphon.usage.shipper import Shipper
from benchmarks.hot_cases import CLOSED, OPENED

_STEP = 0.01


def main() -> int:
    """Run, print, return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--rate", type=int, default=5000, help="attempts a second (5000)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long (10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as place:
        return _run(Path(place), options.rate, options.seconds)


def _run(folder: Path, rate: int, seconds: float) -> int:
    clock = SystemClock()
    database = Database(f"sqlite:///{folder}/ledger.db", [SCHEMA])
    ledger = Ledger(database, clock=clock)
    journal = Journal(folder / "journal", ledger=ledger.name, clock=clock)
    shipper, stop = Shipper(journal, ledger, clock=clock), threading.Event()
    thread = threading.Thread(target=shipper.run, args=(stop,))
    thread.start()
    written = most_waiting = most_segments = late = 0
    begun, spent = time.monotonic(), time.process_time()
    while written < rate * seconds:
        journal.prepare()
        for number in range(written, written + round(rate * _STEP)):
            request = f"req_{number:016x}"
            entry = journal.open(msgspec.structs.replace(OPENED, request=request))
            closed = msgspec.structs.replace(
                CLOSED, opened=entry[1], request=request, ended_at=OPENED.started_at + number
            )
            journal.close(entry, closed)
        written += round(rate * _STEP)
        most_waiting = max(most_waiting, written - shipper.shipped)
        most_segments = max(most_segments, len(journal.segments))
        due = begun + written / rate
        late += due < time.monotonic()
        time.sleep(max(due - time.monotonic(), 0))
    took, waiting = time.monotonic() - begun, written - shipper.shipped
    journal.seal()
    stop.set()
    shipper.stop()
    thread.join()
    cpu = time.process_time() - spent
    journal.dispose()
    proof = prove(database, folder / "journal")
    database.close()
    print(f"{written} attempts in {took:.1f} s, {written / took:.0f} a second")
    print(f"waiting at the end {waiting}, at most {most_waiting}; segments at most {most_segments}")
    print(
        f"steps that came late {late} of {round(took / _STEP)}; "
        f"CPU {cpu / written * 1e6:.1f} us each"
    )
    print(f"in the ledger {proof.rows}; {proof.difference or 'the proof finds no difference'}")
    return int(proof.rows != written or bool(proof.difference))


if __name__ == "__main__":
    sys.exit(main())
