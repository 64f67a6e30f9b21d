"""`GET /v1/models`, in the shape that each client reads."""

import anthropic
import pytest

from tests.server.stage import Stage


async def test_openai_s_client_lists_what_may_be_asked_for(road: Stage) -> None:
    listed = [each async for each in road.client.models.list()]
    assert "fast" in [each.id for each in listed]
    assert (await road.client.models.retrieve("fast")).object == "model"


@pytest.mark.parametrize("base", ["", "/anthropic"])
async def test_anthropic_s_client_lists_them_page_by_page(road: Stage, base: str) -> None:
    async with anthropic.AsyncAnthropic(
        base_url=f"{road.address}{base}",
        api_key="any",
        http_client=anthropic.DefaultAsyncHttpxClient(verify=False),
    ) as client:
        whole = (await client.models.list(limit=1000)).data
        paged = [each async for each in client.models.list(limit=1)]
        assert [each.id for each in paged] == [each.id for each in whole]
        assert "fast" in [each.id for each in whole]
        one = await client.models.retrieve("fast")
        assert (one.type, one.lifecycle, one.id) == ("model", "active", "fast")
        assert one.capabilities is None  # nothing is known of it, so nothing is denied
        with pytest.raises(anthropic.NotFoundError):
            await client.models.retrieve("absent")
        with pytest.raises(anthropic.BadRequestError):
            await client.models.list(after_id="absent")


async def test_pages_go_backwards_too(road: Stage) -> None:
    headers = {"anthropic-version": "2023-06-01"}
    whole = (await road.http.get("/v1/models?limit=1000", headers=headers)).json()
    names = [each["id"] for each in whole["data"]]
    assert (names, whole["has_more"]) == (["fast", "both"], False)
    told = (await road.http.get("/v1/models?limit=1&before_id=both", headers=headers)).json()
    assert ([each["id"] for each in told["data"]], told["has_more"]) == (["fast"], False)
    told = (await road.http.get("/v1/models?limit=1", headers=headers)).json()
    assert (told["last_id"], told["has_more"]) == ("fast", True)
    for wrong in ("limit=0", "limit=1001", "limit=x"):
        refused = await road.http.get(f"/v1/models?{wrong}", headers=headers)
        assert refused.status_code == 400
