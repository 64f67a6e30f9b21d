"""What Ollama refuses, in its words: what is no request, and if strict what its models cannot do."""

from collections.abc import AsyncIterator

import httpx2
import ollama as sdk
import pytest
from ollama import AsyncClient

from antiphon.simulator import Simulator, SimulatorSpec
from tests.simulator.test_ollama import CITY, PIXEL, TOOLS, asking

FIELD = "json: cannot unmarshal %s into Go struct field ChatRequest"
MODELS = ("sim-small", "sim-large", "sim-reason", "sim-base:1b", "sim-embed", "hf.co/a/b:Q4_K_M")


@pytest.mark.parametrize(
    ("path", "asked", "status", "told"),
    [
        ("chat", {}, 400, "model is required"),
        ("generate", {"prompt": "x"}, 404, "model '' not found"),
        ("embed", {"input": "x"}, 404, "model '' not found"),
        ("embeddings", {}, 400, "model is required"),
        ("show", {}, 400, "model is required"),
        ("embed", {"model": "m", "input": [1]}, 400, "invalid input type"),
        (
            "chat",
            asking(options={"num_predict": "x"}),
            500,
            'option "num_predict" must be of type integer',
        ),
        ("chat", asking(options={"top_p": True}), 500, 'option "top_p" must be of type float32'),
        ("chat", asking(options={"use_mmap": 1}), 500, 'option "use_mmap" must be of type boolean'),
        ("chat", asking(options={"stop": "x"}), 500, 'option "stop" must be of type array'),
        (
            "chat",
            asking(options={"stop": [1]}),
            500,
            'option "stop" must be of an array of strings',
        ),
        ("chat", asking(top_logprobs=21), 400, "top_logprobs must be between 0 and 20"),
        ("chat", asking(keep_alive="soon"), 400, 'time: invalid duration "soon"'),
        ("chat", asking(keep_alive="5"), 400, 'time: missing unit in duration "5"'),
        (
            "chat",
            asking(think="very"),
            400,
            'invalid think value: "very" (must be "high", "medium", "low", "max", true, or false)',
        ),
        (
            "chat",
            asking(format="xml"),
            500,
            'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object',
        ),
        ("chat", asking(format={"type": 7}), 500, "invalid JSON schema in format"),
        (
            "generate",
            {"model": "m", "prompt": "x", "images": ["data:image/png;base64,AAAA"]},
            400,
            "illegal base64 data at input byte 4",
        ),
        (
            "generate",
            {"model": "m", "prompt": "x", "raw": True, "system": "y"},
            400,
            "raw mode does not support template, system, or context",
        ),
        (
            "chat",
            {"model": "m", "messages": [{"role": "user", "content": ["x"]}]},
            400,
            f"{FIELD % 'array'}.messages.content of type string",
        ),
        (
            "chat",
            {"model": "m", "messages": "x"},
            400,
            f"{FIELD % 'string'}.messages of type []interface {{}}",
        ),
        ("chat", [], 400, "json: cannot unmarshal array into Go value of type api.ChatRequest"),
    ],
)
async def test_what_is_no_request_is_refused(
    simulator: Simulator, path: str, asked: object, status: int, told: str
) -> None:
    async with httpx2.AsyncClient(base_url=simulator.url) as http:
        answer = await http.post(f"/api/{path}", json=asked)
    assert (answer.status_code, answer.json()) == (status, {"error": told})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "missing request body"),
        (b'{"model": "m"', "unexpected EOF"),
        (b'{"model": x}', "invalid character 'x' looking for beginning of value"),
    ],
)
async def test_what_is_no_json_is_refused(simulator: Simulator, body: bytes, told: str) -> None:
    async with httpx2.AsyncClient(base_url=simulator.url) as http:
        answer = await http.post("/api/chat", content=body)
    assert (answer.status_code, answer.json()) == (400, {"error": told})


@pytest.fixture
async def strict() -> AsyncIterator[AsyncClient]:
    spec = SimulatorSpec(strict=True, models=MODELS)
    async with Simulator(spec) as lab, AsyncClient(host=lab.url) as client:
        yield client


SEEN = {"role": "user", "content": "hello", "images": [PIXEL]}
BLIND = "this model is missing data required for image input"
LONG = {"options": {"num_ctx": 8}, "truncate": False}


@pytest.mark.parametrize(
    ("road", "asked", "status", "told"),
    [
        ("chat", asking(model="sim-huge"), 404, "model 'sim-huge' not found"),
        ("chat", asking(model="sim-small:7b"), 404, "model 'sim-small:7b' not found"),
        ("generate", {"model": "x", "prompt": "y"}, 404, "model 'x' not found"),
        ("embed", {"model": "x", "input": "y"}, 404, "model 'x' not found"),
        ("show", {"model": "x"}, 404, "model 'x' not found"),
        ("chat", asking(think=True), 400, '"sim-small" does not support thinking'),
        ("chat", asking(think="low"), 400, '"sim-small" does not support thinking'),
        (
            "chat",
            asking(model="sim-base:1b", tools=TOOLS),
            400,
            "registry.ollama.ai/library/sim-base:1b does not support tools",
        ),
        (
            "generate",
            {"model": "hf.co/a/b:Q4_K_M", "prompt": "x", "suffix": "y"},
            400,
            "hf.co/a/b:Q4_K_M does not support insert",
        ),
        ("chat", asking(model="sim-embed"), 400, '"sim-embed" does not support chat'),
        (
            "generate",
            {"model": "sim-embed", "prompt": "x"},
            400,
            '"sim-embed" does not support generate',
        ),
        ("chat", {"model": "sim-small", "messages": [SEEN]}, 500, BLIND),
        ("generate", {"model": "sim-small", "prompt": "x", "images": [PIXEL]}, 500, BLIND),
    ],
)
async def test_a_strict_server_refuses(
    strict: AsyncClient, road: str, asked: dict, status: int, told: str
) -> None:
    with pytest.raises(sdk.ResponseError) as refused:
        await getattr(strict, road)(**asked)
    assert (refused.value.status_code, refused.value.error) == (status, told)


@pytest.mark.parametrize("path", ["chat", "embed"])
async def test_a_strict_server_cuts_off_nothing_if_told_so(path: str) -> None:
    text = "word " * 100
    asked = asking(text) if path == "chat" else {"model": "sim-embed", "input": text}
    async with (
        Simulator(SimulatorSpec(strict=True, models=MODELS)) as lab,
        httpx2.AsyncClient(base_url=lab.url) as http,
    ):
        answer = await http.post(f"/api/{path}", json={**asked, **LONG})
        told = {"error": "the input length exceeds the context length"}
        assert (answer.status_code, answer.json()) == (400, told)
        fits = await http.post(f"/api/{path}", json={**asked, "options": {"num_ctx": 8}})
        assert fits.status_code == 200


@pytest.mark.parametrize(
    ("road", "asked"),
    [
        ("chat", asking(model="sim-small:latest", tools=TOOLS, format=CITY)),
        ("chat", asking(model="sim-reason", think="high")),
        ("chat", asking(think=False)),
        ("chat", asking(model="hf.co/a/b:Q4_K_M")),
        ("chat", {"model": "sim-large", "messages": [SEEN]}),
        ("chat", {"model": "sim-small", "messages": []}),
        ("generate", {"model": "sim-base:1b", "prompt": "x", "suffix": "y"}),
        ("embed", {"model": "sim-embed", "input": "x"}),
        ("chat", asking(model="sim-reason+fault:crlf")),
        ("chat", asking(model="fault:crlf")),
        ("show", {"model": "sim-embed"}),
    ],
)
async def test_a_strict_server_answers_what_its_models_can_do(
    strict: AsyncClient, road: str, asked: dict
) -> None:
    assert await getattr(strict, road)(**asked)
