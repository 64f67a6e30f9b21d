"""Two organisations at one gateway: each hears of its own, and sees its own deliveries."""

from __future__ import annotations

import json

from antiphon.access.roles import Role
from antiphon.access.walls import operator_here
from tests.notices.conftest import ADMIN, SECRET, Desk, Receiver, listening, running, sections
from tests.server.purses import PRICED
from tests.server.stage import HELLO, Stage

AUTH = {"required": True, "admin_key": ADMIN}


def tenant(road: Stage, name: str) -> tuple[str, str, str]:
    """An organisation, the key of its administrator, and that of a member."""
    access = road.gateway.access
    assert access is not None
    organisation = access.organisations(operator_here()).create(name).id
    desk = access.at(operator_here(), organisation)
    team = desk.teams.create("Web")
    user = desk.users.create(f"Ada of {name}", team=team.id)
    admin = desk.keys.create(role=Role.ADMIN).secret.reveal()
    return organisation, admin, desk.keys.create(user=user.id).secret.reveal()


async def ask(road: Stage, key: str) -> int:
    body = {"model": "fast", "messages": HELLO, "max_tokens": 50}
    headers = {"authorization": f"Bearer {key}"}
    return (await road.http.post("/v1/chat/completions", json=body, headers=headers)).status_code


async def test_each_hears_of_its_own(tmp_path) -> None:
    async with running(tmp_path, auth=AUTH) as road:
        first, second = tenant(road, "First"), tenant(road, "Second")
    ours, theirs, everybody = Receiver(), Receiver(), Receiver()
    async with (
        listening(ours.handle) as ours.server,
        listening(theirs.handle) as theirs.server,
        listening(everybody.handle) as everybody.server,
    ):
        more = sections(
            everybody,
            ours,
            theirs,
            first={"url": ours.url, "secret": SECRET.reveal(), "organisation": first[0]},
            second={"url": theirs.url, "secret": SECRET.reveal(), "organisation": second[0]},
        )
        limits = [
            {
                "scope": scope,
                "limit": "0.001",
                "per": "total",
                "warn_at": [0.8],
                "organisation": "*",
            }
            for scope in ("team", "user")
        ]
        more |= {"auth": AUTH, "provider": PRICED, "budgets": {"limits": limits}}
        async with running(tmp_path, **more) as road:
            while await ask(road, first[2]) == 200:
                pass
            assert await ask(road, second[2]) == 200
            await Desk(road).until("delivered", 6)
            await _walls(road, first, second)
    assert theirs.visits == []
    assert sorted(ours.verified()) == sorted(everybody.verified())
    bodies = [json.loads(visit.body) for visit in ours.visits]
    assert {each["data"]["organisation"] for each in bodies} == {first[0]}
    assert sorted((each["type"], each["data"]["budget"]["scope"]) for each in bodies) == [
        ("budget.exceeded", "team"),
        ("budget.warning", "team"),
        ("budget.warning", "user"),
    ]
    assert "Ada" not in str(bodies)
    [team] = [each["data"]["budget"] for each in bodies if each["type"] == "budget.exceeded"]
    assert team == {"scope": "team", "id": "Web", "name": "Web", "per": "total"}


async def _walls(road: Stage, first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    mine, other, root = Desk(road, first[1]), Desk(road, second[1]), Desk(road)
    seen = (await mine.get())["data"]
    assert {each["webhook"] for each in seen} == {"first"}
    assert (await other.get())["data"] == []
    assert len((await root.get())["data"]) == 6
    assert (await root.get(organisation=first[0]))["data"] == seen
    headers = {"authorization": f"Bearer {second[1]}"}
    everything = (await root.get())["data"]
    for each in everything:
        for method, path in (("GET", ""), ("POST", "/retry")):
            at = f"/api/v1/notices/{each['id']}{path}"
            answer = await road.http.request(method, at, headers=headers)
            assert answer.status_code == 404, answer.text
    answer = await road.http.get(
        "/api/v1/notices", params={"organisation": first[0]}, headers=headers
    )
    assert answer.status_code == 404
    await other.post("/test", {"webhook": "first"}, status=404)
    await other.post("/test", {"webhook": "ops"}, status=404)
    for path in ("", f"/{seen[0]['id']}"):
        member = {"authorization": f"Bearer {first[2]}"}
        answer = await road.http.get(f"/api/v1/notices{path}", headers=member)
        assert answer.status_code == 403
