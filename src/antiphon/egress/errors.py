"""What can go wrong at the door.

* EgressError
  + BadAddress         the text is no address that is taken here
  + BlockedAddress     the rules forbid it
  + Unresolved         the name has no address
  + Unreachable        no connection, or no TLS
  + EgressTimeout      a deadline passed
  + AnswerTooLarge     the answer is over its bound
  + BrokenAnswer       what came is no HTTP answer, or not in an encoding that was asked for
  + RefusedRedirect    the answer leads on, too often or to where it must not

`message` may be shown to whoever named the address: it says nothing of the network that the
gateway stands in. A blocked name and one that does not exist have the same message, so that
nobody can ask through it which internal names there are. `reason` is for the operator's log.
"""

from __future__ import annotations

from antiphon.errors import AntiphonError, Kind

NOT_FROM_HERE = "The address cannot be reached from here."
_LONGEST_REASON = 300


class EgressError(AntiphonError):
    """A request through the door failed.

    Attributes:
        reason: What happened, for the operator: may name networks and addresses.
    """

    kind = Kind.UPSTREAM
    should_retry = True

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        # The other side may have written a part of it.
        self.reason = (reason or message)[:_LONGEST_REASON]


class BadAddress(EgressError):
    """The text is no address that is taken here; the message says why."""

    kind = Kind.BAD_REQUEST
    should_retry = False


class BlockedAddress(EgressError):
    """The rules forbid the scheme, the port, the name, or an address that the name has."""

    kind = Kind.FORBIDDEN
    should_retry = False

    def __init__(self, reason: str) -> None:
        super().__init__(NOT_FROM_HERE, reason=reason)


class Unresolved(EgressError):
    """The name has no address, or nobody who knows it answered."""

    def __init__(self, reason: str) -> None:
        super().__init__(NOT_FROM_HERE, reason=reason)


class Unreachable(EgressError):
    """No connection could be made, or its certificate is not to be trusted."""


class EgressTimeout(EgressError):
    """A deadline passed: connecting, between two reads, or in all."""

    kind = Kind.TIMEOUT


class AnswerTooLarge(EgressError):
    """The answer, as it came or inflated, is over the bound. The rest was not read."""

    should_retry = False


class BrokenAnswer(EgressError):
    """What came is no HTTP answer, was cut short, or has an encoding that was not asked for."""


class RefusedRedirect(EgressError):
    """The answer leads on too often, or from https to http."""

    should_retry = False
