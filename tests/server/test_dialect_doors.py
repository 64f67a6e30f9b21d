"""The doors of Messages and Responses: paths, keys, headers, refusals, and what the clients retry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import anthropic
import openai
import pytest

from antiphon.simulator import FaultRule, Received, SimulatorSpec
from antiphon.simulator.wires import CHAT, MESSAGES, RESPONSES
from tests.server.fault_callers import calling
from tests.server.raw import Response, connected, request
from tests.server.stage import HELLO, KEY, Stage, stage
from tests.server.test_bad_input_of_dialects import EQUAL, PATHS, TRANSLATED, body_of, checked

ADMIN: Final = "admin-key-0123456789abcdef"
FEW: Final = "few-key-0123456789abcdef"
AUTH: Final = {
    "required": True,
    "admin_key": ADMIN,
    "keys": [{"key": KEY}, {"key": FEW, "models": ["fast"]}],
}
SPOKEN: Final = {"two": "anthropic_messages", "three": "openai_responses"}
OLD, NEW = "2023-06-01", "2026-10-21"
"""Versions of Anthropic's API."""
MOUNTED: Final = {
    MESSAGES: ("/v1/messages", "/messages", "/anthropic/v1/messages", "/v1/messages?beta=true"),
    RESPONSES: ("/v1/responses", "/responses", "/openai/v1/responses", "/v1/responses?x=1"),
}
ID_HEADERS: Final = {MESSAGES: "request-id", RESPONSES: "x-request-id"}


@pytest.fixture
async def road(tmp_path) -> AsyncIterator[Stage]:
    specs = [SimulatorSpec(name=name, seed=1) for name in ("one", "two", "three")]
    async with stage(
        tmp_path,
        specs,
        auth=AUTH,
        providers_of={name: {"dialect": dialect} for name, dialect in SPOKEN.items()},
    ) as running:
        yield running
        assert not running.gateway.pipeline.live


def last(road: Stage, model: str) -> Received:
    return road.simulators[["one", "two", "three"].index(model.partition("/")[0])].received[-1]


async def post(road: Stage, path: str, body: bytes, **headers: str) -> Any:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return await road.http.post(path, content=body, headers=headers)


# ------------------------------------------------------------------ paths and keys


@pytest.mark.parametrize("wire", PATHS)
async def test_every_path_and_both_key_headers(road: Stage, wire: str) -> None:
    for path in MOUNTED[wire]:
        for key in ({"x_api_key": KEY}, {"authorization": f"Bearer {KEY}"}):
            for model in (EQUAL[wire], TRANSLATED):
                response = await post(road, path, body_of(wire, model), **key)
                assert response.status_code == 200, (path, response.content)
                assert response.headers[ID_HEADERS[wire]].startswith("req_")
                assert KEY.encode() not in b"".join(v for _, v in last(road, model).headers)


async def test_the_official_clients_by_their_mounts(road: Stage) -> None:
    async with calling(road) as callers:
        mounted = callers.anthropic.with_options(base_url=f"{road.address}/anthropic")
        bearer = anthropic.AsyncAnthropic(
            base_url=road.address,
            auth_token=KEY,
            api_key=None,
            http_client=anthropic.DefaultAsyncHttpxClient(verify=False),
        )
        for client in (mounted, bearer):
            for create in (client.messages.create, client.beta.messages.create):
                told = await create(model=EQUAL[MESSAGES], max_tokens=50, messages=HELLO)
                assert told.content
        await bearer.close()
        for base in ("", "/openai/v1", "/v1"):
            client = callers.openai.with_options(base_url=f"{road.address}{base}")
            assert (await client.responses.create(model=EQUAL[RESPONSES], input="Hi")).output_text


async def test_head_of_the_root_says_that_somebody_is_there(road: Stage) -> None:
    async with connected(road) as raw:
        await raw.send(request(b"", method="HEAD", path="/"))
        head = await raw.response(bodiless=True)
        assert head.status == 200
        await raw.send(request(b"", method="HEAD", path="/"))
        assert (await raw.response(bodiless=True)).status == 200


ANTHROPIC_S: Final = ("/anthropic/nothing", "/anthropic/v1/nothing", "/v1/messages/nothing")
OPENAI_S: Final = ("/nothing", "/v1/nothing", "/openai/v1/nothing", "/v1/responses/resp_1")


async def test_an_unknown_path_is_told_as_its_callers_read_it(road: Stage) -> None:
    for paths, wire in ((ANTHROPIC_S, MESSAGES), (OPENAI_S, RESPONSES)):
        for path in paths:
            error = checked(wire, as_response(await post(road, path, b"{}", x_api_key=KEY)), 404)
            assert error["message"].startswith("Nothing answers on")
    response = await post(road, "/v1/nothing", b"{}", anthropic_version=OLD)
    checked(MESSAGES, as_response(response), 404)


def as_response(response: Any) -> Response:
    return Response(response.status_code, dict(response.headers), response.content)


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize("wire", PATHS)
async def test_refusals_in_the_envelope_of_the_dialect(road: Stage, wire: str) -> None:
    path, body = PATHS[wire], body_of(wire, EQUAL[wire])
    kinds = {MESSAGES: "not_found_error", RESPONSES: "invalid_request_error"}
    for headers in ({}, {"x_api_key": "wrong"}, {"authorization": "Bearer wrong"}):
        response = await post(road, path, body, **headers)
        error = checked(wire, as_response(response), 401)
        assert error["type"] == "authentication_error"
        assert response.headers["x-should-retry"] == "false"
    error = checked(wire, as_response(await post(road, path, body, x_api_key=FEW)), 403)
    assert error["type"] == "permission_error"
    absent = await post(road, path, body_of(wire, "absent"), x_api_key=KEY)
    assert checked(wire, as_response(absent), 404)["type"] == kinds[wire]
    for method in ("GET", "PUT", "DELETE"):
        async with connected(road) as raw:
            await raw.send(request(b"", f"x-api-key: {KEY}", method=method, path=path))
            response = await raw.response()
            checked(wire, response, 405)
            assert response.headers["allow"] == "POST"
    assert not any(each.requests for each in road.simulators)


async def test_what_the_official_clients_raise_on_refusals(road: Stage) -> None:
    async with calling(road) as callers:
        ours, theirs = callers.anthropic, callers.openai
        asked = {"model": "absent", "max_tokens": 9, "messages": HELLO}
        with pytest.raises(anthropic.AuthenticationError):
            await ours.with_options(api_key="wrong").messages.create(**asked)
        with pytest.raises(anthropic.PermissionDeniedError):
            await ours.with_options(api_key=FEW).messages.create(**{**asked, "model": "both"})
        with pytest.raises(anthropic.NotFoundError):
            await ours.messages.create(**asked)
        with pytest.raises(openai.AuthenticationError):
            await theirs.with_options(api_key="wrong").responses.create(model="fast", input="Hi")
        with pytest.raises(openai.PermissionDeniedError):
            await theirs.with_options(api_key=FEW).responses.create(model="both", input="Hi")
        with pytest.raises(openai.NotFoundError):
            await theirs.responses.create(model="absent", input="Hi")


# ------------------------------------------------------------------ what is tried again


async def ask_again(road: Stage, wire: str, retries: int) -> object:
    async with calling(road) as callers:
        if wire == MESSAGES:
            client = callers.anthropic.with_options(max_retries=retries)
            body = {"model": "lone", "max_tokens": 50, "messages": HELLO}
            return await client.messages.create(**body)
        theirs = callers.openai.with_options(max_retries=retries)
        return await theirs.responses.create(model="lone", input="Hello")


@pytest.mark.parametrize("wire", PATHS)
async def test_the_official_clients_retry_what_may_pass_and_nothing_else(tmp_path, wire) -> None:
    specs = [SimulatorSpec(name="one", seed=1)]
    spoken = {MESSAGES: "anthropic_messages", RESPONSES: "openai_responses"}[wire]
    models = {"lone": {"deployments": ["one/sim-small"], "retry": {"attempts": 1}}}
    async with stage(tmp_path, specs, provider={"dialect": spoken}, models=models) as road:
        road.first.arm(FaultRule("rate-limited-ms", count=1))
        assert await ask_again(road, wire, 1)
        assert road.first.requests == 2
        road.first.disarm()
        for fault in ("bad-key", "forbidden", "no-retry", "bad-request", "context-length"):
            for deployment in road.gateway.deployments():
                deployment.reset()
            before = road.first.requests
            road.first.arm(fault)
            with pytest.raises((anthropic.APIStatusError, openai.APIStatusError)):
                await ask_again(road, wire, 2)
            assert road.first.requests == before + 1, fault
            road.first.disarm()


@pytest.mark.parametrize("fault", ["rate-limited-year", "rate-limited-long", "overloaded"])
async def test_no_client_is_told_to_sleep_for_long(road: Stage, fault: str) -> None:
    """Anthropic's client sleeps as long as it is told."""
    model = f"two/sim-small+fault:{fault}"
    for wire in PATHS:
        response = await post(road, PATHS[wire], body_of(wire, model), x_api_key=KEY)
        status = 429 if fault.startswith("rate") else {MESSAGES: 529, RESPONSES: 503}[wire]
        checked(wire, as_response(response), status)
        assert 0 < float(response.headers["retry-after"]) <= 60
        assert 0 < float(response.headers["retry-after-ms"]) <= 60_000


# ------------------------------------------------------------------ headers of Anthropic


def sent(road: Stage, model: str) -> dict[str, str]:
    headers = [(n.decode().lower(), v.decode()) for n, v in last(road, model).headers]
    assert len(dict(headers)) == len(headers), "a header stands twice"
    return dict(headers)


async def test_betas_arrive_byte_for_byte_and_only_where_they_mean_something(road: Stage) -> None:
    betas = "context-1m-2025-08-07,interleaved-thinking-2025-05-14, x-2027-01-01"
    body = body_of(MESSAGES, EQUAL[MESSAGES])
    await post(road, PATHS[MESSAGES], body, x_api_key=KEY, anthropic_beta=betas)
    assert sent(road, EQUAL[MESSAGES])["anthropic-beta"] == betas
    assert sent(road, EQUAL[MESSAGES])["anthropic-version"] == OLD
    for model in (TRANSLATED, EQUAL[RESPONSES]):
        body = body_of(MESSAGES, model)
        response = await post(road, PATHS[MESSAGES], body, x_api_key=KEY, anthropic_beta=betas)
        assert response.status_code == 200
        assert not [name for name in sent(road, model) if name.startswith("anthropic")]


async def test_betas_that_stand_twice_are_sent_as_one_list(road: Stage) -> None:
    async with connected(road) as raw:
        lines = (f"X-Api-Key: {KEY}", "Anthropic-Beta: a-1,b-2", "Anthropic-Beta: c-3")
        body = body_of(MESSAGES, EQUAL[MESSAGES])
        await raw.send(request(body, *lines, path=PATHS[MESSAGES]))
        assert (await raw.response()).status == 200
    assert sent(road, EQUAL[MESSAGES])["anthropic-beta"] == "a-1,b-2, c-3"


@pytest.mark.parametrize("version", [OLD, NEW])
async def test_both_versions(road: Stage, version: str) -> None:
    for model in (EQUAL[MESSAGES], TRANSLATED):
        body = body_of(MESSAGES, model)
        response = await post(road, PATHS[MESSAGES], body, x_api_key=KEY, anthropic_version=version)
        assert response.status_code == 200, response.content
    assert sent(road, EQUAL[MESSAGES])["anthropic-version"] == version
    assert "anthropic-version" not in sent(road, TRANSLATED)


async def test_a_provider_of_messages_is_told_a_version_by_every_caller(road: Stage) -> None:
    model = EQUAL[MESSAGES]
    await post(road, PATHS[RESPONSES], body_of(RESPONSES, model), x_api_key=KEY)
    assert sent(road, model)["anthropic-version"] == OLD
    body = body_of(MESSAGES, model)
    await post(road, PATHS[MESSAGES], body, x_api_key=KEY)
    assert sent(road, model)["anthropic-version"] == OLD
    async with calling(road) as callers:
        told = await callers.ask(CHAT, model, stream=False)
        assert told.text
    assert sent(road, model)["anthropic-version"] == OLD


async def test_the_beta_of_openai_goes_to_responses_only(road: Stage) -> None:
    for model in (EQUAL[RESPONSES], TRANSLATED):
        body = body_of(RESPONSES, model)
        await post(road, PATHS[RESPONSES], body, x_api_key=KEY, openai_beta="responses=v1")
    assert sent(road, EQUAL[RESPONSES])["openai-beta"] == "responses=v1"
    assert "openai-beta" not in sent(road, TRANSLATED)
