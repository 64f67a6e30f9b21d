"""Canned answers: real answers of the caller's dialect, for people, and only for people."""

from __future__ import annotations

import logging

import pytest

from tests.server.cached import AS_ADMIN, request
from tests.server.callers import DIALECTS, calling
from tests.server.degraded import ADMIN, PATHS, SORRY, ask, ladder
from tests.server.stage import stage

TEXT = "Sorry, nobody is there. unavailable / fast"
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", [each for each in DIALECTS if each != "forgetful-chat"])
async def test_official_clients_read_it_as_any_answer(tmp_path, kind, stream):
    async with stage(tmp_path, models=ladder(canned=SORRY)) as road:
        road.first.arm("server-error")
        async with calling(road, kind) as caller:
            caller.user("Hello there")
            said = await caller.ask("fast", stream=stream)
        assert said.text == TEXT
        assert said.calls == ()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", PATHS)
async def test_it_is_marked_and_in_the_books(tmp_path, caplog, dialect, stream):
    models = ladder(canned=SORRY)
    async with stage(tmp_path, models=models, auth=ADMIN) as road:
        road.first.arm("server-error")
        with caplog.at_level(logging.WARNING, "antiphon.degrade"):
            answer = await ask(road, dialect, stream=stream)
        assert answer.status_code == 200, answer.text
        headers = answer.headers
        assert headers["x-antiphon-degraded"] == "canned"
        assert headers["x-antiphon-attempts"] == "1"
        assert headers["x-antiphon-warnings"] == "degraded: canned"
        # Nobody answered, so nobody is named.
        assert "x-antiphon-deployment" not in headers
        assert TEXT in answer.text
        assert '"fast"' in answer.text
        assert "canned" in caplog.text
        facts = await request(road, answer)
        assert (facts["outcome"], facts["status"], facts["degraded"]) == ("ok", 200, "canned")
        assert facts["cache"] == "none"
        assert [each["outcome"] for each in facts["attempts"]] == ["refused"]
        assert (facts["cost_usd"], set(facts["usage"].values())) == ("0.000000000", {0})
        metrics = road.gateway.metrics.exposition().decode()
        assert 'antiphon_degraded_total{route="fast",step="canned"} 1' in metrics
        assert 'class="canned"' in metrics
        await road.at_rest()
        assert road.gateway.books.journal.open_attempts == 0


NOT_FOR_PROGRAMS = {
    "tools": {"tools": [TOOL]},
    "results": {
        "messages": [
            {"role": "user", "content": "Hello"},
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
        ]
    },
    "json": {"response_format": {"type": "json_object"}},
    "schema": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "s", "schema": {"type": "object"}},
        }
    },
    "several": {"n": 2},
    "logprobs": {"logprobs": True},
    "begun": {
        "messages": [{"role": "user", "content": "JSON"}, {"role": "assistant", "content": "{"}]
    },
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("more", NOT_FOR_PROGRAMS.values(), ids=NOT_FOR_PROGRAMS.keys())
async def test_programs_are_told_the_error(tmp_path, more, stream):
    async with stage(tmp_path, models=ladder(canned=SORRY)) as road:
        road.first.arm("server-error")
        answer = await ask(road, stream=stream, **more)
        assert answer.status_code >= 500
        assert "x-antiphon-degraded" not in answer.headers


async def test_vectors_are_never_canned(tmp_path):
    models = ladder(canned=SORRY)
    async with stage(tmp_path, models=models) as road:
        road.first.arm("server-error")
        body = {"model": "fast", "input": "Hello"}
        answer = await road.http.post("/v1/embeddings", json=body)
        assert answer.status_code >= 500


@pytest.mark.parametrize("fault", ["bad-request", "context-length"])
async def test_what_is_asked_wrongly_is_told(tmp_path, fault):
    async with stage(tmp_path, models=ladder(canned=SORRY)) as road:
        road.first.arm(fault)
        answer = await ask(road)
        assert answer.status_code == 400


async def test_a_template_shows_what_callers_send_and_never_runs_it(tmp_path):
    text = (
        "{{ metadata.city | default('nowhere') }}|{{ region }}|{{ department }}|{{ request_id }}|"
        "{% for each in help_lines %}{{ each.name }} {{ each.phone }};{% endfor %}"
    )
    lines = {
        "region": "de",
        "regions": {
            "de": [{"name": "TelefonSeelsorge", "phone": "0800 1110111", "hours": "24/7"}],
            "sg": [{"name": "SOS", "phone": "1767"}, {"name": "IMH", "phone": "6389 2222"}],
        },
    }
    models = ladder(canned=text)
    async with stage(tmp_path, models=models, help_lines=lines) as road:
        road.first.arm("server-error")
        evil = "{{ 7 * 7 }}{% for x in help_lines %}x{% endfor %}"
        answer = await ask(road, metadata={"city": evil, "region": "sg"})
        said = answer.json()["choices"][0]["message"]["content"]
        who = answer.headers["x-antiphon-request-id"]
        assert said == f"{evil}|SG||{who}|SOS 1767;IMH 6389 2222;"
        answer = await ask(road, headers={"x-antiphon-region": "DE-BY"})
        said = answer.json()["choices"][0]["message"]["content"]
        assert said.startswith("nowhere|DE||")
        assert said.endswith("|TelefonSeelsorge 0800 1110111;")
        # A region without lines has those of the configuration.
        said = (await ask(road, metadata={"region": "xx"})).json()
        assert "TelefonSeelsorge" in said["choices"][0]["message"]["content"]


async def test_an_answer_that_stands_in_is_not_kept_for_whoever_asks_again(tmp_path):
    models = ladder(canned=SORRY)
    async with stage(tmp_path, models=models) as road:
        road.first.arm("server-error")
        key = {"idempotency-key": "one-question"}
        first = await ask(road, headers=key)
        assert first.headers["x-antiphon-degraded"] == "canned"
        road.first.disarm()
        again = await ask(road, headers=key)
        assert "x-antiphon-degraded" not in again.headers
        assert road.first.requests == 2


async def test_admins_see_it_while_it_lasts(tmp_path):
    async with stage(tmp_path, models=ladder(canned=SORRY), auth=ADMIN) as road:
        road.first.arm("server-error")
        await ask(road)
        await road.at_rest()
        listed = await road.http.get("/api/v1/requests", headers=AS_ADMIN)
        assert [each["degraded"] for each in listed.json()["requests"]] == ["canned"]


CASES = [
    {"when": {"language": "zh"}, "text": "抱歉,现在没有人可以回答。"},
    {"when": {"tags": ["crisis"]}, "file": "crisis.md"},
    {"when": {"language": "ja", "metadata": {"plan": "gold"}}, "text": "申し訳ありません。"},
    {"text": "Sorry ({{ language or 'no language' }})."},
]
ASKED = {
    "chinese": ("今天天气怎么样", {}, "抱歉,现在没有人可以回答。"),
    "crisis": ("I feel so alone", {"x-antiphon-tags": "chat, Crisis"}, "Call TelefonSeelsorge."),
    "japanese": ("今日の天気はどうですか", {}, "Sorry (ja)."),
    "english": ("What is the weather?", {}, "Sorry (no language)."),
}


@pytest.mark.parametrize("which", ASKED)
async def test_the_first_text_that_fits_is_given(tmp_path, monkeypatch, which):
    monkeypatch.chdir(tmp_path)
    page = "Call {% for each in help_lines %}{{ each.name }}{% endfor %}."
    (tmp_path / "crisis.md").write_text(f"{page}\n")
    text, headers, told = ASKED[which]
    lines = {"region": "DE", "regions": {"DE": [{"name": "TelefonSeelsorge", "phone": "0800"}]}}
    models = ladder(canned=CASES)
    async with stage(tmp_path, models=models, help_lines=lines) as road:
        road.first.arm("server-error")
        answer = await ask(road, text=text, headers=headers)
        assert answer.json()["choices"][0]["message"]["content"] == told


async def test_where_no_text_fits_the_error_is_told(tmp_path):
    models = ladder(canned=[{"when": {"department": "sales"}, "text": "Sorry."}])
    async with stage(tmp_path, models=models) as road:
        road.first.arm("server-error")
        assert (await ask(road)).status_code == 502
