"""The people behind a proxy, as principals."""

from __future__ import annotations

import asyncio

import pytest

from antiphon.access.endusers import EndUsers
from antiphon.access.managed import LOOK_UP
from antiphon.access.walls import actor_of
from antiphon.access.watch import Watch
from antiphon.errors import Forbidden, PathNotFound
from antiphon.model.principal import ANONYMOUS
from tests.unit.access.tenancy import ROOT


@pytest.fixture
def users(tenancy):
    users = EndUsers(tenancy.database, clock=tenancy.clock, most=100)
    yield users
    users.close()


def proxy_in(tenancy, desk, **options):
    principal = tenancy.process().principal(desk.keys.create(**options))
    assert principal is not None
    return principal


async def test_one_who_is_seen_for_the_first_time(tenancy, users):
    desk = tenancy.default()
    proxy = proxy_in(tenancy, desk, models=["fast"])
    assert users.find(proxy, "anna") is LOOK_UP
    asking = [users.principal(proxy, "anna") for _ in range(5)]
    found = await asyncio.gather(*asking)
    assert len(set(map(repr, found))) == 1
    assert users.find(proxy, "anna") == found[0]
    [row] = desk.users.list().items
    assert (found[0].user, found[0].subject, found[0].proxied) == ("anna", row.id, True)
    assert (found[0].key_id, found[0].models) == (proxy.key_id, proxy.models)
    enrolled = desk.entries(limit=1).items[0]
    assert (enrolled.act, enrolled.actor, enrolled.via) == ("user.enrol", proxy.key_id, "proxy")
    assert "anna" not in repr(enrolled)


async def test_the_same_person_however_it_is_written(tenancy, users):
    desk = tenancy.default()
    watch = Watch(tenancy.database, users.apply)
    watch.look()
    ways = [(proxy_in(tenancy, desk), name) for name in ("Anna", "ANNA", "anna")]
    found = [await users.principal(*way) for way in ways]
    assert {(each.subject, each.user) for each in found} == {(found[0].subject, "Anna")}
    desk.users.remove(found[0].subject)
    watch.look()
    for way in ways:
        with pytest.raises(Forbidden):
            await users.principal(*way)


async def test_a_name_is_another_person_in_another_organisation(tenancy, users):
    first = tenancy.organisation("one")
    one = proxy_in(tenancy, tenancy.access.at(ROOT, first))
    other = proxy_in(tenancy, tenancy.default())
    assert (await users.principal(one, "anna")).subject != (
        await users.principal(other, "anna")
    ).subject


async def test_no_more_than_the_key_and_the_user_may(tenancy, users):
    desk = tenancy.default()
    boss = proxy_in(tenancy, desk, role="admin")
    desk.users.create("reader", role="read-only")
    desk.users.create("chief", role="admin")
    assert (await users.principal(boss, "stranger")).scopes == {"inference"}
    assert (await users.principal(boss, "reader")).scopes == {"read"}
    assert "manage" in (await users.principal(boss, "chief")).scopes
    member = proxy_in(tenancy, desk)
    assert (await users.principal(member, "chief")).scopes == {"inference"}


async def test_the_key_of_the_proxy_is_not_theirs(tenancy, users):
    desk = tenancy.default()
    proxy = proxy_in(tenancy, desk)
    here = tenancy.access.at(actor_of(await users.principal(proxy, "anna")))
    assert here.keys.list().items == ()
    for ask in (here.keys.show, here.keys.rotate, here.keys.revoke):
        with pytest.raises(PathNotFound):
            ask(proxy.key_id)


async def test_removed_and_erased(tenancy, users):
    desk = tenancy.default()
    proxy = proxy_in(tenancy, desk)
    watch = Watch(tenancy.database, users.apply)
    watch.look()
    anna = (await users.principal(proxy, "anna")).subject
    berta = await users.principal(proxy, "berta")
    desk.users.remove(anna)
    watch.look()
    assert users.find(proxy, "anna") is LOOK_UP
    for _ in range(2):
        with pytest.raises(Forbidden):
            await users.principal(proxy, "anna")
    assert users.find(proxy, "berta") == berta, "the other one was not forgotten"
    desk.users.remove(anna, erase=True)
    watch.look()
    assert (await users.principal(proxy, "anna")).subject != anna


async def test_a_role_that_changed(tenancy, users):
    desk = tenancy.default()
    proxy = proxy_in(tenancy, desk)
    watch = Watch(tenancy.database, users.apply)
    watch.look()
    anna = (await users.principal(proxy, "anna")).subject
    desk.users.change_role(anna, "read-only")
    watch.look()
    assert (await users.principal(proxy, "anna")).scopes == set()


async def test_a_user_of_another_team(tenancy, users):
    desk = tenancy.default()
    web, shop = desk.teams.create("web").id, desk.teams.create("shop").id
    desk.users.create("anna", team=web)
    with pytest.raises(Forbidden):
        await users.principal(proxy_in(tenancy, desk, team=shop), "anna")
    assert (await users.principal(proxy_in(tenancy, desk, team=web), "anna")).team == "web"


async def test_a_key_of_the_configuration_speaks_for_nobody(users):
    with pytest.raises(Forbidden):
        await users.principal(ANONYMOUS, "anna")


async def test_many_people_take_bounded_room(tenancy):
    users = EndUsers(tenancy.database, clock=tenancy.clock, most=4)
    proxy = proxy_in(tenancy, tenancy.default())
    for number in range(12):
        await users.principal(proxy, f"n{number}")
    assert sum(users.find(proxy, f"n{number}") is not LOOK_UP for number in range(12)) <= 4
    users.close()
