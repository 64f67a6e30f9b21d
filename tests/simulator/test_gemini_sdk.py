"""The official client of Google against the simulator."""

import json

import pytest
from google.genai import errors, types
from google.genai.client import AsyncClient
from pydantic import BaseModel

from antiphon.simulator import Simulator
from tests.simulator.callers import Raw

CITY = types.Schema(
    type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]
)
TOOLS = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(name="get_weather", parameters=CITY),
            types.FunctionDeclaration(
                name="get_stock",
                parameters_json_schema={
                    "type": "object",
                    "properties": {"symbol": {"type": "string"}},
                    "required": ["symbol"],
                    "additionalProperties": False,
                },
            ),
        ]
    )
]
THINKING = types.ThinkingConfig(include_thoughts=True)


def asking(**members: object) -> types.GenerateContentConfig:
    off = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(automatic_function_calling=off, **members)


async def streamed(
    gemini: AsyncClient, model: str, text: str, **members: object
) -> list[types.GenerateContentResponse]:
    stream = await gemini.models.generate_content_stream(
        model=model, contents=text, config=asking(**members)
    )
    return [chunk async for chunk in stream]


async def test_a_text(gemini: AsyncClient, simulator: Simulator) -> None:
    answer = await gemini.models.generate_content(model="sim-small", contents="hello")
    assert answer.text.startswith("This is a simulated answer.")
    assert answer.model_version == "sim-small"
    assert answer.candidates[0].finish_reason is types.FinishReason.STOP
    usage = answer.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count
    assert simulator.received[0].header(b"x-goog-api-key") == b"sk-test"
    assert simulator.received[0].path == "/v1/models/sim-small:generateContent"


async def test_a_stream_says_the_same(gemini: AsyncClient) -> None:
    whole = await gemini.models.generate_content(model="sim-small", contents="hello")
    chunks = await streamed(gemini, "sim-small", "hello")
    assert "".join(chunk.text for chunk in chunks) == whole.text
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP
    assert chunks[-1].usage_metadata == whole.usage_metadata
    growing = [chunk.usage_metadata.total_token_count for chunk in chunks[:-1]]
    assert growing == sorted(growing)


async def test_thoughts_are_told_or_only_counted(gemini: AsyncClient) -> None:
    for model, config, told in (
        ("sim-reason", THINKING, True),
        ("sim-small", THINKING, True),
        ("sim-reason", None, False),
        ("gemini-3-flash-preview", types.ThinkingConfig(thinking_level="LOW"), False),
    ):
        answer = await gemini.models.generate_content(
            model=model, contents="[say: hi]", config=asking(thinking_config=config)
        )
        said = answer.candidates[0].content.parts
        assert [part.text for part in said if not part.thought] == ["hi"]
        assert any(part.thought for part in said) is told
        assert answer.usage_metadata.thoughts_token_count > 0
        assert said[-1].thought_signature.startswith(b"sim-")
    none = types.ThinkingConfig(thinking_budget=0)
    answer = await gemini.models.generate_content(
        model="sim-small", contents="hello", config=asking(thinking_config=none)
    )
    assert answer.usage_metadata.thoughts_token_count is None


async def test_a_loop_of_parallel_calls(gemini: AsyncClient, simulator: Simulator) -> None:
    asked = types.Content(role="user", parts=[types.Part(text="get_weather and get_stock")])
    called = await gemini.models.generate_content(
        model="sim-reason", contents=[asked], config=asking(tools=TOOLS)
    )
    turn = called.candidates[0].content
    first, second = turn.parts
    assert first.function_call.name == "get_weather"
    assert first.function_call.args == {"city": "Paris"}
    assert list(second.function_call.args) == ["symbol"]
    assert first.function_call.id != second.function_call.id
    assert first.thought_signature
    assert second.thought_signature is None
    assert called.candidates[0].finish_reason is types.FinishReason.STOP
    results = [
        types.Part(
            function_response=types.FunctionResponse(
                id=call.id, name=call.name, response={"output": "sunny"}
            )
        )
        for call in called.function_calls
    ]
    answer = await gemini.models.generate_content(
        model="sim-reason",
        contents=[asked, turn, types.Content(role="user", parts=results)],
        config=asking(tools=TOOLS),
    )
    assert "The tool says" in answer.text
    assert '{"output":"sunny"}' in answer.text
    sent = json.loads(simulator.received[-1].body)["contents"][1]["parts"][0]
    assert sent["thoughtSignature"]


async def test_calls_of_a_stream_come_whole(gemini: AsyncClient) -> None:
    chunks = await streamed(gemini, "sim-reason", "get_weather and get_stock", tools=TOOLS)
    calls = [chunk.function_calls for chunk in chunks if chunk.function_calls]
    assert [[call.name for call in each] for each in calls] == [["get_weather"], ["get_stock"]]
    assert chunks[-1].candidates[0].finish_reason is types.FinishReason.STOP


async def test_who_decides_about_calls(gemini: AsyncClient) -> None:
    async def named(mode: str, text: str = "hello", only: list[str] | None = None) -> list[str]:
        calling = types.FunctionCallingConfig(mode=mode, allowed_function_names=only)
        config = types.ToolConfig(function_calling_config=calling)
        answer = await gemini.models.generate_content(
            model="sim-small", contents=text, config=asking(tools=TOOLS, tool_config=config)
        )
        return [call.name for call in answer.function_calls or ()]

    assert await named("AUTO") == []
    assert await named("ANY") == ["get_weather"]
    assert await named("ANY", only=["get_stock"]) == ["get_stock"]
    assert await named("NONE", "get_weather") == []


class Book(BaseModel):
    title: str
    pages: int
    tags: list[str]


async def test_an_answer_fits_a_schema(gemini: AsyncClient) -> None:
    mime = "application/json"
    answer = await gemini.models.generate_content(
        model="sim-small",
        contents="a book",
        config=asking(response_mime_type=mime, response_schema=Book),
    )
    assert isinstance(answer.parsed, Book)
    schema = {"type": "object", "properties": {"n": {"const": 7}}, "required": ["n"]}
    answer = await gemini.models.generate_content(
        model="sim-small",
        contents="a number",
        config=asking(response_mime_type=mime, response_json_schema=schema),
    )
    assert json.loads(answer.text) == {"n": 7}
    answer = await gemini.models.generate_content(
        model="sim-small", contents="anything", config=asking(response_mime_type=mime)
    )
    assert isinstance(json.loads(answer.text), dict)


async def test_limits_of_an_answer(gemini: AsyncClient) -> None:
    text = "[say: one two three four five six]"
    short = await gemini.models.generate_content(
        model="sim-small", contents=text, config=asking(max_output_tokens=3)
    )
    assert short.candidates[0].finish_reason is types.FinishReason.MAX_TOKENS
    assert short.usage_metadata.candidates_token_count == 3
    stopped = await gemini.models.generate_content(
        model="sim-small", contents=text, config=asking(stop_sequences=["four"])
    )
    assert stopped.text == "one two three "
    assert stopped.candidates[0].finish_reason is types.FinishReason.STOP
    several = await gemini.models.generate_content(
        model="sim-small", contents="hello", config=asking(candidate_count=3)
    )
    said = [each.content.parts[0].text for each in several.candidates]
    assert [each.index or 0 for each in several.candidates] == [0, 1, 2]
    assert len(set(said)) == 3
    thought = await gemini.models.generate_content(
        model="sim-reason", contents="hello", config=asking(max_output_tokens=2)
    )
    assert thought.candidates[0].content.parts is None
    assert thought.usage_metadata.thoughts_token_count == 2


async def test_probabilities_come_if_they_are_asked_for(gemini: AsyncClient) -> None:
    text, asked = "[say: one two]", {"response_logprobs": True, "logprobs": 3}
    answer = await gemini.models.generate_content(
        model="sim-small", contents=text, config=asking(**asked)
    )
    [candidate] = answer.candidates
    chosen = candidate.logprobs_result.chosen_candidates
    assert [each.token for each in chosen] == ["one", " two"]
    assert [len(each.candidates) for each in candidate.logprobs_result.top_candidates] == [3, 3]
    assert candidate.avg_logprobs == chosen[0].log_probability < 0
    chunks = await streamed(gemini, "sim-small", text, **asked)
    told = [each for chunk in chunks if (each := chunk.candidates[0].logprobs_result)]
    assert [each.chosen_candidates[0].token for each in told] == ["one", " two"]
    plain = await gemini.models.generate_content(model="sim-small", contents=text)
    assert plain.candidates[0].logprobs_result is None


async def test_filters(gemini: AsyncClient) -> None:
    cut = await gemini.models.generate_content(model="sim-small", contents="[filter]")
    assert cut.candidates[0].finish_reason is types.FinishReason.SAFETY
    assert any(rating.blocked for rating in cut.candidates[0].safety_ratings)
    blocked = await gemini.models.generate_content(model="sim-small", contents="[refuse]")
    assert blocked.candidates is None
    assert blocked.prompt_feedback.block_reason is types.BlockedReason.SAFETY
    [chunk] = await streamed(gemini, "sim-small", "[refuse]")
    assert chunk.prompt_feedback.block_reason is types.BlockedReason.SAFETY


async def test_what_a_prompt_took(gemini: AsyncClient) -> None:
    picture = types.Part.from_bytes(data=b"\x89PNG", mime_type="image/png")
    sound = types.Part.from_uri(file_uri="https://files.test/1", mime_type="audio/mp3")
    answer = await gemini.models.generate_content(
        model="sim-small", contents=[picture, sound, "what is it? [cached: 500]"]
    )
    usage = answer.usage_metadata
    counted = {each.modality.value: each.token_count for each in usage.prompt_tokens_details}
    assert (counted["IMAGE"], counted["AUDIO"]) == (85, 85)
    assert sum(counted.values()) == usage.prompt_token_count
    assert usage.cached_content_token_count == 500
    assert usage.prompt_token_count > 670
    told = await gemini.models.count_tokens(model="sim-small", contents=[picture, "hello"])
    assert told.total_tokens == 4 + 85 + 2


async def test_vectors(gemini: AsyncClient) -> None:
    answer = await gemini.models.embed_content(
        model="sim-embed",
        contents=["one", "two"],
        config=types.EmbedContentConfig(output_dimensionality=6),
    )
    assert [len(each.values) for each in answer.embeddings] == [6, 6]


async def test_models_are_listed_page_by_page(gemini: AsyncClient) -> None:
    config = types.ListModelsConfig(page_size=2)
    names = [model.name async for model in await gemini.models.list(config=config)]
    assert names == ["models/sim-small", "models/sim-large", "models/sim-reason"]
    model = await gemini.models.get(model="sim-large")
    assert model.name == "models/sim-large"
    assert "generateContent" in model.supported_actions


async def test_a_key_is_looked_at(gemini: AsyncClient, simulator: Simulator) -> None:
    simulator.set_keys(frozenset({"sk-good"}))
    with pytest.raises(errors.ClientError, match="API key not valid") as caught:
        await gemini.models.generate_content(model="sim-small", contents="hello")
    assert (caught.value.code, caught.value.status) == (400, "INVALID_ARGUMENT")
    with pytest.raises(errors.ClientError, match="API key not valid"):
        await gemini.models.count_tokens(model="sim-small", contents="hello")
    simulator.set_keys(frozenset({"sk-test"}))
    assert (await gemini.models.generate_content(model="sim-small", contents="hello")).text


async def test_faults_are_exceptions(gemini: AsyncClient, raw: Raw) -> None:
    for name, status in (("quota", 429), ("bad-request", 400), ("no-model", 404)):
        with pytest.raises(errors.ClientError) as refused:
            await gemini.models.generate_content(model=f"fault:{name}", contents="hello")
        assert refused.value.code == status
    with pytest.raises(errors.ServerError) as failed:
        await gemini.models.generate_content(model="a/b+fault:overloaded", contents="hello")
    assert failed.value.status == "UNAVAILABLE"
    with pytest.raises(errors.APIError):
        await streamed(gemini, "sim-small+fault:error-event", "hello")
    assert (await raw()).startswith(b"HTTP/1.1 200 ")


async def test_an_armed_fault_strikes_whatever_is_asked(
    gemini: AsyncClient, simulator: Simulator
) -> None:
    simulator.arm("server-error")
    with pytest.raises(errors.ServerError):
        await gemini.models.count_tokens(model="sim-small", contents="hello")
    with pytest.raises(errors.ServerError):
        await gemini.models.embed_content(model="sim-small", contents="hello")
    assert [received.fault for received in simulator.received] == ["server-error"] * 2
