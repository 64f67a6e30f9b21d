"""What happened, before it is written down."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.egress.webhooks.message import Message, compose, message_id


class Event(msgspec.Struct, frozen=True):
    """Something that happened once, whoever tells it and how often.

    Attributes:
        type: Words parted by dots, such as `budget.warning`.
        organisation: The id of the tenant that it happened to.
        about: What makes it one with the two above: object, period, and so on.
        data: Facts in plain JSON types; ids, never the name of a person.
        at: When, in seconds since 1970.
    """

    type: str
    organisation: str
    about: tuple[str, ...]
    data: Mapping[str, object]
    at: float

    @property
    def identity(self) -> tuple[str, ...]:
        """What two events may not have in common."""
        return self.organisation, self.type, *self.about

    def message(self) -> Message:
        """The event as its receivers get it.

        Raises:
            BodyTooLarge: There is more to tell than a webhook holds.
        """
        return compose(self.type, self.data, id=message_id(*self.identity), at=self.at)
