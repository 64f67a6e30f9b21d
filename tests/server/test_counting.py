"""`POST /v1/messages/count_tokens`: by the provider where it counts, else by an estimate."""

import pytest

from tests.server.stage import HELLO, KEY, stage

PATHS = (
    "/v1/messages/count_tokens",
    "/messages/count_tokens",
    "/anthropic/v1/messages/count_tokens",
)
ASKED = {"model": "fast", "messages": HELLO}
COUNTS = {"catalog": "llamacpp", "dialect": None}
"""A row that speaks Messages beside chat, and counts in it."""


@pytest.fixture
async def counting(tmp_path):
    async with stage(tmp_path, provider=COUNTS) as running:
        yield running


@pytest.mark.parametrize("path", PATHS)
async def test_a_provider_that_counts_is_asked(counting, path):
    answer = await counting.http.post(path, json=ASKED, headers={"anthropic-beta": "some-beta"})
    assert answer.status_code == 200
    assert answer.json().keys() == {"input_tokens"}
    assert answer.headers["x-antiphon-token-count"] == "provider"
    assert answer.headers["request-id"].startswith("req_")
    [received] = counting.first.received
    assert received.path.endswith("/v1/messages/count_tokens")
    assert received.header(b"anthropic-beta") == b"some-beta"
    assert b'"sim-small"' in received.body
    assert b"max_tokens" not in received.body


@pytest.mark.parametrize("path", PATHS)
async def test_all_others_are_estimated_for(road, path):
    short = await road.http.post(path, json=ASKED)
    longer = {**ASKED, "messages": [{"role": "user", "content": "Hello there. " * 100}]}
    long = await road.http.post(path, json=longer)
    assert short.headers["x-antiphon-token-count"] == "estimated"
    assert 0 < short.json()["input_tokens"] < long.json()["input_tokens"]
    assert road.first.requests == 0


async def test_where_the_provider_cannot_be_reached_it_is_estimated(counting):
    counting.first.refuse(60)
    answer = await counting.http.post(PATHS[0], json=ASKED)
    assert answer.status_code == 200
    assert answer.headers["x-antiphon-token-count"] == "estimated"
    assert answer.json()["input_tokens"] > 0


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({**ASKED, "model": "absent"}, 404, "not_found_error"),
        ({"model": "fast"}, 400, "invalid_request_error"),
        ({"model": "fast", "messages": []}, 400, "invalid_request_error"),
        ({"model": "fast", "messages": [{"role": "user", "content": 7}]}, 400, None),
        ([], 400, "invalid_request_error"),
    ],
)
async def test_bad_questions_are_told_in_anthropic_s_words(road, body, status, kind):
    answer = await road.http.post(PATHS[0], json=body)
    assert answer.status_code == status
    told = answer.json()
    assert told["type"] == "error"
    assert told["error"]["type"] == kind or kind is None


async def test_it_is_a_post_and_needs_a_key_where_keys_are_required(tmp_path):
    auth = {"required": True, "keys": [{"key": KEY, "models": ["both"]}]}
    async with stage(tmp_path, auth=auth) as road:
        assert (await road.http.get(PATHS[0])).status_code == 405
        assert (await road.http.post(PATHS[0], json=ASKED)).status_code == 401
        headers = {"x-api-key": KEY}
        assert (await road.http.post(PATHS[0], json=ASKED, headers=headers)).status_code == 403
        allowed = {**ASKED, "model": "both"}
        assert (await road.http.post(PATHS[0], json=allowed, headers=headers)).status_code == 200


async def test_a_count_is_no_request_to_a_model(counting):
    await counting.http.post(PATHS[0], json=ASKED)
    await counting.at_rest()
    assert b"antiphon_requests_total{" not in counting.gateway.metrics.exposition()
