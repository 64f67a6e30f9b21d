"""`/api/v1/notices`: who sees what, pages, repeating by hand, and what is refused."""

from __future__ import annotations

import pytest

from antiphon.notices.event import Event
from tests.notices.conftest import ADMIN, SECRET, Desk, Receiver, running, sections
from tests.server.stage import KEY

PATHS = [("GET", ""), ("GET", "/dlv_1"), ("POST", "/test"), ("POST", "/dlv_1/retry")]


def told(number: int, whose: str = "org_default") -> Event:
    return Event("budget.warning", whose, (str(number),), {"number": number}, 1.8e9)


@pytest.fixture
async def road(receiver: Receiver, tmp_path):
    async with running(tmp_path, **sections(receiver)) as made:
        yield made


async def test_pages(road) -> None:
    for number in range(7):
        road.gateway.books.noticing.notices.tell(told(number))
    desk = Desk(road)
    everything = [each["id"] for each in await desk.until("delivered", 7)]
    found, cursor, pages = [], {}, 0
    while True:
        page = await desk.get(limit=3, **cursor)
        found += [each["id"] for each in page["data"]]
        pages += 1
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (found, pages) == (everything, 3)
    assert (await desk.get(state="failed"))["data"] == []
    assert len((await desk.get(webhook="ops", state="delivered"))["data"]) == 7
    assert (await desk.get(webhook="none"))["data"] == []
    assert (await desk.get(organisation="org_default"))["data"] == []
    assert (await desk.get(f"/{found[0]}"))["webhook"] == "ops"


async def test_who_may_not(road) -> None:
    for method, path in PATHS:
        for key, status in (("", 401), ("wrong-key-0123456789abcdef", 401), (KEY, 403)):
            headers = {"authorization": f"Bearer {key}"} if key else {}
            answer = await road.http.request(method, f"/api/v1/notices{path}", headers=headers)
            assert answer.status_code == status, answer.text


async def test_what_is_no_question(road) -> None:
    headers = {"authorization": f"Bearer {ADMIN}"}
    for query in (
        {"limit": 0},
        {"limit": 501},
        {"limit": "x"},
        {"cursor": "dlv_0000000000000000"},
        {"cursor": "\0"},
        {"cursor": "é"},
        {"cursor": "x" * 101},
        {"state": "lost"},
        {"stat": "failed"},
    ):
        answer = await road.http.get("/api/v1/notices", params=query, headers=headers)
        assert answer.status_code == 400, (query, answer.text)


async def test_what_is_not_there(road) -> None:
    headers = {"authorization": f"Bearer {ADMIN}"}
    for notice in ("dlv_0000000000000000", "%00", "é", "x" * 3000, "'--"):
        for method, path in (("GET", ""), ("POST", "/retry")):
            at = f"/api/v1/notices/{notice}{path}"
            answer = await road.http.request(method, at, headers=headers)
            assert answer.status_code == 404, (at, answer.text)


async def test_a_test_of_a_webhook_that_is_not_there(road) -> None:
    await Desk(road).post("/test", {"webhook": "none"}, status=404)
    await Desk(road).post("/test", {"webhok": "ops"}, status=400)
    await Desk(road).post("/test", {"webhook": 1}, status=400)


async def test_it_is_sent_again_by_hand(road, receiver: Receiver) -> None:
    desk = Desk(road)
    [made] = (await desk.post("/test", {"webhook": "ops"}))["data"]
    await desk.until("delivered")
    again = await desk.post(f"/{made['id']}/retry")
    assert (again["state"], again["attempts"]) == ("pending", 0)
    await receiver.until(2)
    await desk.until("delivered")
    assert receiver.verified() == [made["event"]] * 2


async def test_none_is_configured(tmp_path) -> None:
    async with running(tmp_path) as road:
        assert await Desk(road).get() == {"data": [], "next_cursor": None}
        await Desk(road).post("/test", status=404)
        assert not road.gateway.books.noticing.notices.tell(told(1))
        assert "webhooks" not in road.gateway.books.background.states


async def test_no_address_and_no_key_is_shown_or_kept(road, receiver: Receiver, tmp_path) -> None:
    desk = Desk(road)
    [made] = (await desk.post("/test"))["data"]
    await desk.until("delivered")
    texts = [str(made), str(await desk.get())]
    for path in ("/metrics", "/health/detailed"):
        answer = await road.http.get(path, headers={"authorization": f"Bearer {ADMIN}"})
        texts.append(answer.text)
    kept = [each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()]
    for secret in (SECRET.reveal(), receiver.url):
        assert [text for text in texts if secret in text] == []
        assert [data for data in kept if secret.encode() in data] == []


async def test_metrics(road, receiver: Receiver) -> None:
    await Desk(road).post("/test")
    await Desk(road).until("delivered")
    answer = await road.http.get("/metrics", headers={"authorization": f"Bearer {ADMIN}"})
    lines = answer.text.splitlines()
    assert 'antiphon_webhook_attempts_total{verdict="taken"} 1' in lines
    assert 'antiphon_webhook_attempts_total{verdict="never"} 0' in lines
    assert "antiphon_notices_dropped_total 0" in lines
