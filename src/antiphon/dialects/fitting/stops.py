"""Stop sequences, watched for in text that a provider does not stop itself.

Hot path: one `feed` for each piece of text.
"""

from __future__ import annotations

from collections.abc import Sequence


class StopWatch:
    """Finds the stop sequence that a text completes first, however it is cut into pieces.

    As much of the text is held back as may be the beginning of one.
    """

    __slots__ = ("_held", "_longest", "_stops")

    def __init__(self, stops: Sequence[str]) -> None:
        # Where two end at the same letter, the longer one began first.
        self._stops = sorted(stops, key=len, reverse=True)
        self._longest = max(map(len, stops), default=0)
        self._held = ""

    def feed(self, piece: str) -> tuple[str, str | None]:
        """The text that may go out, and the stop sequence behind it."""
        text = self._held + piece
        found: tuple[int, str] | None = None
        for stop in self._stops:
            where = text.find(stop)
            if where >= 0 and (found is None or where + len(stop) < found[0]):
                found = where + len(stop), stop
        if found is not None:
            end, stop = found
            self._held = ""
            return text[: end - len(stop)], stop
        begun = self._begun(text)
        self._held = text[begun:]
        return text[:begun], None

    def flush(self) -> str:
        """What was held back: the text is at its end."""
        held, self._held = self._held, ""
        return held

    def _begun(self, text: str) -> int:
        """Where the longest beginning of a stop sequence at the end of the text starts."""
        for at in range(max(0, len(text) - self._longest + 1), len(text)):
            tail = text[at:]
            for stop in self._stops:
                if stop.startswith(tail):
                    return at
        return len(text)
