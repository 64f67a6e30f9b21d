"""Rules over real sockets: what a request says decides who answers it, in every dialect."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest

from antiphon.simulator import FaultRule, SimulatorSpec
from tests.server.purses import budgets
from tests.server.spoken import DIALECTS, assistant, user, who_answers
from tests.server.stage import KEY, Stage, stage

SPECS = [
    SimulatorSpec(name="west", seed=1),
    SimulatorSpec(name="east", seed=2),
    SimulatorSpec(name="cheap", seed=3),
]
CHINESE = "请帮我写一封邮件。通知客户下周一的发货会推迟两天。"
TRADITIONAL = "請幫我擬一封信。通知客戶下週一的出貨會延後兩天。"
ENGLISH = "Write a mail to 王小明 that Monday's delivery will be two days late, please."
JAPANESE = "来週の納品が二日遅れることをお知らせするメールを書いてください。"
KOREAN = "다음 주 월요일 배송이 이틀 늦어진다고 알리는 메일을 써 주세요."
MINUTES = "会议记录。一、行销部下周三前提出中秋节的文案。二、工程部修正礼券重复核销的问题。"
EAST = "east/sim-small"
SMART = {
    "deployments": ["west/sim-small"],
    "retry": {"calls": 3, "backoff": 0},
    "rules": [
        {"name": "mandarin", "when": {"language": "zh"}, "use": EAST},
        {"name": "apac", "when": {"task": "APAC_research"}, "use": EAST},
        {"name": "tagged", "when": {"tags": ["mandarin", "draft"]}, "use": EAST},
        {"name": "market", "when": {"market": ["cn", "hk"]}, "use": EAST},
        {"name": "words", "when": {"message": r"(?i)\bin mandarin\b"}, "use": EAST},
        {"name": "app", "when": {"headers": {"X-App": "kai"}}, "use": EAST},
        {"name": "tier", "when": {"metadata": {"tier": ["gold", "7"]}}, "use": EAST},
        {"name": "sales", "when": {"department": "sales"}, "use": "thrifty"},
        {"name": "tools", "when": {"needs": "tools"}, "use": "thrifty"},
        {"name": "long", "when": {"tokens": {"over": 2000}}, "use": "thrifty", "only": True},
    ],
}
THRIFTY = {"thrifty": "cheap/sim-small"}
MODELS = {"smart": SMART, **THRIFTY}
AUTH = {
    "required": True,
    "keys": [
        {"key": KEY, "team": "web"},
        {"key": "sales-key-0123456789abcdef", "team": "shop", "department": "sales"},
    ],
}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest.fixture
async def road(tmp_path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, SPECS, models=MODELS) as running:
        yield running


CONVERSATIONS = {
    "chinese": ([user(CHINESE)], "east"),
    "traditional": ([user(TRADITIONAL)], "east"),
    "a name": ([user(ENGLISH)], "west"),
    "japanese": ([user(JAPANESE)], "west"),
    "korean": ([user(KOREAN)], "west"),
    "short after chinese": ([user(CHINESE), assistant("Of course."), user("ok")], "east"),
    "short after english": ([user(ENGLISH), assistant("好的。"), user("谢谢")], "west"),
    "english after chinese": ([user(CHINESE), assistant("好的。"), user(ENGLISH)], "west"),
    "chinese attached": ([user("List the action items", MINUTES)], "east"),
    "english attached": ([user("请总结附件。", ENGLISH * 3)], "east"),
    "nothing chinese": ([user("List the action items", ENGLISH)], "west"),
}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_language_decides(road, dialect):
    told = {
        name: await who_answers(road, *turns, dialect=dialect)
        for name, (turns, _) in CONVERSATIONS.items()
    }
    assert told == {name: expected for name, (_, expected) in CONVERSATIONS.items()}


async def test_a_chinese_system_prompt_and_chinese_answers_decide_nothing(road):
    body = {
        "model": "smart",
        "messages": [
            {"role": "system", "content": CHINESE},
            {"role": "user", "content": ENGLISH},
            {"role": "assistant", "content": CHINESE},
            {"role": "user", "content": "Now in a friendlier tone, and shorter."},
        ],
    }
    answer = await road.http.post("/v1/chat/completions", json=body)
    assert answer.headers["x-antiphon-deployment"] == "west/sim-small"


@pytest.mark.parametrize("asked", [CHINESE, ENGLISH])
async def test_what_tools_say_decides_nothing(road, asked):
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    other = ENGLISH if asked == CHINESE else CHINESE
    turns = [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": other * 20},
    ]
    body = {"model": "smart", "messages": turns}
    answer = await road.http.post("/v1/chat/completions", json=body)
    told = answer.headers["x-antiphon-deployment"]
    assert told == (EAST if asked == CHINESE else "west/sim-small")
    blocks = [
        {"role": "user", "content": asked},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c", "name": "look", "input": {}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c", "content": other * 20}],
        },
    ]
    answer = await road.http.post(
        "/v1/messages", json={"model": "smart", "max_tokens": 9, "messages": blocks}
    )
    assert answer.headers["x-antiphon-deployment"] == told


async def test_escaped_characters_are_read(road):
    text = CHINESE.encode("unicode_escape").decode()
    body = f'{{"model": "smart", "messages": [{{"role": "user", "content": "{text}"}}]}}'
    answer = await road.http.post(
        "/v1/chat/completions", content=body, headers={"content-type": "application/json"}
    )
    assert answer.headers["x-antiphon-deployment"] == EAST


@pytest.mark.parametrize(
    "file",
    [
        {"filename": "notes.md", "file_data": base64.b64encode(MINUTES.encode()).decode()},
        {
            "filename": "notes.json",
            "file_data": "data:application/json;base64,"
            + base64.b64encode(f'{{"notes": "{MINUTES}"}}'.encode()).decode(),
        },
    ],
    ids=["known_by_its_name", "json"],
)
async def test_files_that_are_text_in_other_words(road, file):
    parts = [{"type": "text", "text": "Summarise this"}, {"type": "file", "file": file}]
    body = {"model": "smart", "messages": [{"role": "user", "content": parts}]}
    answer = await road.http.post("/v1/chat/completions", json=body)
    assert answer.headers["x-antiphon-deployment"] == EAST, answer.text


async def test_streams_go_the_same_way(road):
    stream = await road.client.chat.completions.with_raw_response.create(
        model="smart", messages=[{"role": "user", "content": CHINESE}], stream=True
    )
    assert stream.headers["x-antiphon-deployment"] == EAST


BESIDE = {
    "nothing": ({}, {}, "west"),
    "task header": ({"x-antiphon-task": "apac_research"}, {}, "east"),
    "task type": ({}, {"metadata": {"task_type": "APAC_Research"}}, "east"),
    "task": ({}, {"metadata": {"task": "apac_research"}}, "east"),
    "another task": ({"x-antiphon-task": "sport"}, {}, "west"),
    "tags header": ({"x-antiphon-tags": "mail, Draft"}, {}, "east"),
    "tags": ({}, {"metadata": {"tags": "mandarin"}}, "east"),
    "market header": ({"x-antiphon-market": "HK"}, {}, "east"),
    "market": ({}, {"metadata": {"market": "cn"}}, "east"),
    "header": ({"x-app": "Kai"}, {}, "east"),
    "another header": ({"x-app": "other"}, {}, "west"),
    "metadata": ({}, {"metadata": {"tier": "Gold"}}, "east"),
    "a number": ({}, {"metadata": {"tier": 7}}, "east"),
    "null": ({}, {"metadata": {"tier": None}}, "west"),
    "tools": ({}, {"tools": [TOOL]}, "cheap"),
}


async def test_what_stands_beside_the_message(road):
    told = {
        name: await who_answers(road, user("Hello"), headers=headers, **members)
        for name, (headers, members, _) in BESIDE.items()
    }
    assert told == {name: expected for name, (_, _, expected) in BESIDE.items()}


async def test_words_of_the_message_and_its_size(road):
    assert await who_answers(road, user("Draft it in Mandarin, please")) == "east"
    assert await who_answers(road, user("word " * 3000)) == "cheap"


async def test_the_department_of_a_key(tmp_path):
    async with stage(tmp_path, SPECS, models=MODELS, auth=AUTH) as road:
        web = {"authorization": f"Bearer {KEY}"}
        sales = {"authorization": "Bearer sales-key-0123456789abcdef"}
        assert await who_answers(road, user("Hello"), headers=web) == "west"
        assert await who_answers(road, user("Hello"), headers=sales) == "cheap"


async def test_when_all_of_a_rule_failed_the_route_follows(tmp_path):
    async with stage(tmp_path, SPECS, models=MODELS) as road:
        road.second.arm(FaultRule("server-error"))
        assert await who_answers(road, user(CHINESE)) == "west"


async def test_or_nobody_does_if_the_rule_says_so(tmp_path):
    async with stage(tmp_path, SPECS, models=MODELS) as road:
        road.simulators[2].arm(FaultRule("server-error"))
        answer = await road.http.post(
            "/v1/chat/completions",
            json={"model": "smart", "messages": [{"role": "user", "content": "word " * 3000}]},
        )
        assert answer.status_code >= 500
        assert not road.first.received


async def test_a_rule_never_reaches_who_is_not_cleared(tmp_path):
    async with stage(
        tmp_path,
        SPECS,
        models=MODELS,
        providers_of={"west": {"clearance": "restricted"}, "east": {"clearance": "public"}},
    ) as road:
        marked = {"x-antiphon-sensitivity": "confidential"}
        assert await who_answers(road, user(CHINESE), headers=marked) == "west"
        assert not road.second.received


async def test_nobody_is_cleared_and_no_rule_matches(tmp_path):
    cleared = {"west": {"clearance": "public"}, "east": {"clearance": "restricted"}}
    async with stage(tmp_path, SPECS, models=MODELS, providers_of=cleared) as road:
        marked = {"x-antiphon-sensitivity": "confidential"}
        assert await who_answers(road, user(CHINESE), headers=marked) == "east"
        body = {"model": "smart", "messages": [{"role": "user", "content": ENGLISH}]}
        answer = await road.http.post("/v1/chat/completions", json=body, headers=marked)
        assert answer.status_code == 403
        assert len(road.first.received) == 0
        assert len(road.second.received) == 1


async def test_how_sensitive_and_how_urgent(tmp_path):
    rules = [
        {"name": "secret", "when": {"sensitivity": ["confidential", "restricted"]}, "use": EAST},
        {"name": "urgent", "when": {"priority": "high"}, "use": "thrifty"},
    ]
    models = {"smart": {"deployments": ["west/sim-small"], "rules": rules}, **THRIFTY}
    trusted = {"clearance": "restricted"}
    async with stage(tmp_path, SPECS, models=models, provider=trusted) as road:
        assert await who_answers(road, user("Hi")) == "west"
        marked = {"x-antiphon-sensitivity": "confidential"}
        assert await who_answers(road, user("Hi"), headers=marked) == "east"
        assert await who_answers(road, user("Hi"), metadata={"sensitivity": "restricted"}) == "east"
        assert (
            await who_answers(road, user("Hi"), headers={"x-antiphon-priority": "high"}) == "cheap"
        )


async def test_when_a_budget_is_nearly_used(tmp_path):
    sections = budgets({"scope": "team", "limit": 0.007})
    rules = [{"name": "thrift", "when": {"budget_used": {"over": 0.2}}, "use": "thrifty"}]
    models = {"smart": {"deployments": ["west/sim-small"], "rules": rules}, **THRIFTY}
    async with stage(tmp_path, SPECS, models=models, **sections) as road:
        headers = {"authorization": f"Bearer {KEY}"}
        names = []
        for _ in range(5):
            names.append(
                await who_answers(road, user("word " * 600), headers=headers, max_tokens=10)
            )
            await road.at_rest()
        assert names[0] == "west"
        assert names[-1] == "cheap"
        assert names == sorted(names, reverse=True), "once it is over, it stays over"


async def test_a_pool_is_ordered_and_the_rest_follows(tmp_path):
    rules = [{"name": "all", "use": ["both_east", "west/sim-small"]}]
    models = {
        "smart": {"deployments": ["cheap/sim-small", "west/sim-large"], "rules": rules},
        "both_east": ["east/sim-small", "east/sim-large"],
    }
    async with stage(tmp_path, SPECS, models=models) as road:
        chooser = road.gateway.snapshot.plan("smart").chooser
        assert [each.name for each in chooser.deployments] == [
            *("cheap/sim-small", "west/sim-large"),
            *("east/sim-small", "east/sim-large", "west/sim-small"),
        ]
        road.second.arm(FaultRule("server-error"))
        assert await who_answers(road, user("Hi")) == "west"
        assert [each.path for each in road.second.received] == ["/v1/chat/completions"] * 2


async def test_embeddings_have_a_language_too(tmp_path):
    rules = [{"name": "mandarin", "when": {"language": "zh"}, "use": "east/sim-embed"}]
    models = {"vectors": {"deployments": ["west/sim-embed"], "rules": rules}}
    async with stage(tmp_path, SPECS, models=models) as road:
        for text, name in ((CHINESE, "east"), (ENGLISH, "west")):
            answer = await road.http.post(
                "/v1/embeddings", json={"model": "vectors", "input": [text]}
            )
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-antiphon-deployment"] == f"{name}/sim-embed"


async def test_the_strategy_orders_whom_a_rule_names(tmp_path):
    def priced(price: float) -> dict[str, object]:
        return {"models": {"sim-small": {"prices": {"input": price, "output": price}}}}

    rules = [{"name": "mandarin", "when": {"language": "zh"}, "use": [EAST, "cheap/sim-small"]}]
    models = {"smart": {"deployments": ["west/sim-small"], "strategy": "cheapest", "rules": rules}}
    prices = {"west": priced(1), "east": priced(9), "cheap": priced(3)}
    async with stage(tmp_path, SPECS, models=models, providers_of=prices) as road:
        assert await who_answers(road, user(CHINESE)) == "cheap"
        assert await who_answers(road, user(ENGLISH)) == "west"


async def test_a_star_in_a_rule_stands_for_the_same_text(tmp_path):
    rules = [{"name": "mandarin", "when": {"language": "zh"}, "use": "east/*"}]
    models = {"any-*": {"deployments": ["west/*"], "rules": rules}}
    async with stage(tmp_path, SPECS, models=models) as road:
        assert await who_answers(road, user(CHINESE), model="any-sim-small") == "east"
        assert await who_answers(road, user(ENGLISH), model="any-sim-small") == "west"
