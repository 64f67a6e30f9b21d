"""What a whole answer says of its deployment's speed.

Hot path: for each answer.
"""

from __future__ import annotations

from antiphon.model.usage import Usage
from antiphon.pipeline.exchange import Attempt


def measure(attempt: Attempt, usage: Usage | None, first_token_at: float) -> None:
    """Have the deployment's pace follow an attempt that gave a whole answer.

    A provider may send the head of a stream before it begins to think, so the first byte of a
    stream is the first one of its content.

    Args:
        attempt: The last one of its exchange.
        usage: What the provider counted, or None.
        first_token_at: When its content began; 0 where the answer came at once.
    """
    began, ended = attempt.sent_at, attempt.ended_at
    if first_token_at > began:
        attempt.deployment.pace.answered(
            ended, usage, first_token_at - began, ended - first_token_at
        )
    else:
        attempt.deployment.pace.answered(ended, usage, ended - began)
