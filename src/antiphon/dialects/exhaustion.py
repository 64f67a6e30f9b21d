"""Which attempts were made and who was passed over, as every dialect tells it in its errors."""

from __future__ import annotations

from antiphon.dialects.fields import Written, written
from antiphon.dialects.redaction import without_keys
from antiphon.errors import Exhausted


def told_of(error: Exhausted) -> Written:
    """The members `attempts` and `passed_over`, each where there are any."""
    attempts = [
        written(
            {
                "deployment": each.deployment,
                "code": each.error.code,
                "message": without_keys(each.error.message) or None,
                "latency_ms": round(each.seconds * 1000),
            },
            {},
        )
        for each in error.attempts
    ]
    passed = [
        written(
            {
                "deployment": each.deployment,
                "reason": each.reason,
                "seconds": None if each.seconds is None else round(each.seconds, 3),
            },
            {},
        )
        for each in error.passed_over
    ]
    out: Written = {}
    if attempts or not passed:
        out["attempts"] = attempts
    if passed:
        out["passed_over"] = passed
    return out
