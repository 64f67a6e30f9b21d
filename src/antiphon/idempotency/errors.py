"""Why a request with an idempotency key gets neither an answer of its own nor an earlier one."""

from __future__ import annotations

from antiphon.errors import CallerError, GatewayError, Kind


class KeyReused(CallerError):
    """The key belongs to a request that asked for something else."""

    kind = Kind.KEY_REUSED

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was sent with another request: another path, other parameters "
            "or another body. Use a new key for a new request.",
            param="Idempotency-Key",
        )


class StillRunning(GatewayError):
    """The first request with this key is under way."""

    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__(
            "The first request with this Idempotency-Key is still under way.",
            param="Idempotency-Key",
            retry_after=1,
        )


class AnswerLost(CallerError):
    """What was asked was done, and what its caller was told is not known any more."""

    kind = Kind.CONFLICT
    code = "answer_lost"

    def __init__(self) -> None:
        super().__init__(
            "The request with this Idempotency-Key was carried out, but its answer is not known "
            "any more. Look at what is there; it will not be done again with this key.",
            param="Idempotency-Key",
        )
