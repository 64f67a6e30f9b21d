"""What attempts and probes have shown of a deployment.

It is state and no more: what is concluded from it is decided by the policies, on the floors above,
by figures of the configuration. So a reload keeps it, and whatever it changes holds at once.
"""

from __future__ import annotations

from antiphon.errors import Kind
from antiphon.providers.recent import Recent


class Health:
    """What is known of a deployment; policies read it, attempts write it.

    All times are monotonic.

    Attributes:
        successes: Attempts that gave a whole answer.
        failures: Attempts that did not, through the deployment's own fault.
        consecutive_failures: Of those that count for the breaker, how many came since the last
            success.
        last_error: The code of the last failure.
        last_error_at: Its time.
        latency: Seconds that the last whole answer took; 0 where there was none.
        answered_at: Its time.
        recent: How the last half minute went.
        opened: Its breaker is not closed.
        probe_at: From then on one attempt may probe it, where its breaker is open.
        probe: Whoever probes it now; None where nobody does.
        probe_until: When that one is given up for lost.
        changes: How often its breaker came into each state.
        ejected_until: Until then it is put last, since it fails far more often than others.
        ejections: How often in a row that happened.
        missed: Active probes in a row that its provider did not answer.
        unwell: It is put last, since it missed too many of them.
        resting: Until when each key is not shown to it, by the fingerprints of the keys.
        resting_for: Why: what the provider said when it asked for rest.
    """

    __slots__ = (
        "answered_at",
        "changes",
        "consecutive_failures",
        "ejected_until",
        "ejections",
        "failures",
        "last_error",
        "last_error_at",
        "latency",
        "missed",
        "opened",
        "probe",
        "probe_at",
        "probe_until",
        "recent",
        "resting",
        "resting_for",
        "successes",
        "unwell",
    )

    def __init__(self) -> None:
        self.successes = 0
        self.failures = 0
        self.consecutive_failures = 0
        self.last_error = ""
        self.last_error_at = 0.0
        self.latency = 0.0
        self.answered_at = 0.0
        self.recent = Recent()
        self.opened = False
        self.probe_at = 0.0
        self.probe: object | None = None
        self.probe_until = 0.0
        self.changes = {"open": 0, "half_open": 0, "closed": 0}
        self.ejected_until = 0.0
        self.ejections = 0
        self.missed = 0
        self.unwell = False
        self.resting: dict[str, float] = {}
        self.resting_for = Kind.RATE_LIMITED

    def succeeded(self, at: float = 0.0, seconds: float = 0.0) -> None:
        """An attempt gave a whole answer at this time, after so many seconds."""
        self.successes += 1
        self.consecutive_failures = 0
        self.answered_at = at
        self.latency = seconds
        if self.missed:
            self.missed, self.unwell = 0, False
        self.recent.at(at).ended += 1

    def failed(self, code: str, at: float, *, counts: bool = True) -> None:
        """An attempt failed through the deployment's own fault.

        Args:
            code: What went wrong.
            at: When.
            counts: It says that the deployment is down, and not only that it is busy.
        """
        self.failures += 1
        self.last_error = code
        self.last_error_at = at
        if counts:
            self.consecutive_failures += 1
        second = self.recent.at(at)
        second.ended += 1
        second.failed += 1

    def rest(self, fingerprint: str, until: float) -> None:
        """Show it this key no sooner than then; it may have asked for longer before."""
        self.resting[fingerprint] = max(self.resting.get(fingerprint, 0.0), until)

    def reset(self) -> None:
        """Forget what speaks against it: somebody says that it is in order."""
        if self.opened:
            self.changes["closed"] += 1
        self.opened, self.probe, self.consecutive_failures = False, None, 0
        self.ejected_until, self.ejections = 0.0, 0
        self.missed, self.unwell = 0, False
        self.resting.clear()

    def is_askable(self, now: float) -> bool:
        """Whether its breaker lets an attempt through in its turn."""
        return not self.opened or (
            now >= self.probe_at and (self.probe is None or now >= self.probe_until)
        )

    def is_well(self, now: float) -> bool:
        """Whether it deserves its place in the order."""
        return now >= self.ejected_until and not self.unwell and self.is_askable(now)
