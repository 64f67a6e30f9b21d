"""What of the ledger a caller may see."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, not_

from antiphon.access.roles import Scope as May
from antiphon.access.tables import virtual_keys
from antiphon.access.walls import Realm, actor_of
from antiphon.model.principal import HOME, Principal
from antiphon.usage.ledger.scope import EVERYTHING, Scope


def scope_of(principal: Principal) -> Scope:
    """What a caller may see.

    The whole gateway's admin sees all. Who may read sees what the keys of the organisation used,
    or those of the team where the key belongs to one. All others see what they used themselves;
    the key of a proxy is not theirs.
    """
    if principal.is_root:
        return EVERYTHING
    if May.READ in principal.scopes:
        return Scope(keys=_Keys(principal))
    if principal.proxied:
        return Scope(subject=principal.subject)
    return Scope(key_id=principal.key_id)


class _Keys:
    """The keys that a caller may see, as a condition on a column with their ids."""

    def __init__(self, principal: Principal) -> None:
        realm = Realm(actor_of(principal), principal.organisation)
        self.name = f"{realm.organisation}/{realm.team}"
        self._walls = realm.keys()
        # What is asked with no managed key is the home organisation's.
        self._at_home = principal.tenant == HOME and not realm.team

    def __call__(self, key_id: ColumnElement[str]) -> ColumnElement[bool]:
        same = virtual_keys.c.id == key_id
        if self._at_home:
            return not_(exists().where(same, virtual_keys.c.organisation != HOME))
        return exists().where(same, *self._walls)
