"""What one entry of `model_list` asks for, in words of ours but without names and secrets yet."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from antiphon.cli.importing.values import Value
from antiphon.yamlfile.places import Path


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Where a deployment is asked, and how: what an entry of `providers` says.

    Attributes:
        known: LiteLLM's name of the provider.
        row: The row of our catalog.
        base: The address, where it is not the row's.
        keys: The keys, used in turn; none leaves them to the environment.
        headers: Names and values of headers.
        wait: Seconds for a stream's first byte, and between two reads of it.
        total: Seconds for a whole call.
    """

    known: str
    row: str
    base: Value | None = None
    keys: tuple[Value, ...] = ()
    headers: tuple[tuple[str, Value], ...] = ()
    wait: float | None = None
    total: float | None = None

    def keyed(self, keys: tuple[Value, ...]) -> Account:
        """The same place with other keys."""
        return msgspec.structs.replace(self, keys=keys)


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A model at an account, under a name.

    Attributes:
        path: The entry in the file.
        name: What callers ask for.
        model: What the provider is asked for; `*` is any.
        account: Where.
        key_path: Where its key stands.
        order: LiteLLM's `order`: lower ones are asked first.
        weight: LiteLLM's `weight`: its share.
        id: LiteLLM's name for the very deployment; empty where the file gives none.
        facts: What the file knows of the model, as `providers.NAME.models.MODEL` says it.
    """

    path: Path
    name: str
    model: str
    account: Account
    key_path: Path
    order: float = 0
    weight: float = 0
    id: str = ""
    facts: Mapping[str, object] = {}

    @property
    def is_wild(self) -> bool:
        """Whether it stands for every model of a provider."""
        return self.model == "*"

    def moved(self, account: Account) -> Deployment:
        """The same deployment at another account."""
        return msgspec.structs.replace(self, account=account)
