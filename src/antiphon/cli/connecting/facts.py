"""What a client is told: where the gateway is, which model to ask, and with which key.

A key that was given on the command line is known to whoever reads the screen. A key that came
from the environment is not: it is shown as a reference to its variable, and the text itself goes
only into a file that was asked for, and to the gateway.
"""

from __future__ import annotations

import msgspec

from antiphon.cli.connecting.refusals import CannotConnect
from antiphon.secret import Secret

KEY_VARIABLE = "ANTIPHON_KEY"
"""Holds the key of a client, where the command line names no other variable."""
ANY_KEY = "any"
"""Taken by a gateway that requires none; most clients insist on sending one."""


class Key(msgspec.Struct, frozen=True):
    """The key of a client.

    Attributes:
        variable: The environment variable that holds it, or is going to.
        secret: The key; None where none was given.
        typed: It stands on the command line.
        needed: The gateway takes no request without one, as far as is known.
    """

    variable: str
    secret: Secret | None = None
    typed: bool = False
    needed: bool = False

    @property
    def referred(self) -> bool:
        """Whether it is shown as a reference to its variable."""
        return self.needed if self.secret is None else not self.typed

    @property
    def absent(self) -> bool:
        """Whether there is none, and none is needed."""
        return self.secret is None and not self.needed

    @property
    def shown(self) -> str:
        """What stands in its place on a screen."""
        return f"${{{self.variable}}}" if self.referred else self.written

    @property
    def written(self) -> str:
        """The text itself, for a file that has no way to refer to a variable.

        Raises:
            CannotConnect: It is needed, and nobody gave it.
        """
        if self.secret is not None:
            return self.secret.reveal()
        if self.needed:
            raise CannotConnect(
                f"the key has to stand in the file, and none was given: set {self.variable}, "
                "or give --key"
            )
        return ANY_KEY


class Facts(msgspec.Struct, frozen=True):
    """What a client is told.

    Attributes:
        url: The gateway, without a closing slash and without `/v1`.
        model: The model to ask.
        models: All that the gateway offers to this key; empty where it was not asked.
        key: The key.
        local: Only this machine reaches that address.
    """

    url: str
    model: str
    models: tuple[str, ...]
    key: Key
    local: bool

    @property
    def openai_url(self) -> str:
        """The base URL of clients that speak one of OpenAI's dialects."""
        return f"{self.url}/v1"
