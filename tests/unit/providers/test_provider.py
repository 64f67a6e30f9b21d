from __future__ import annotations

from pathlib import Path

import pytest

from antiphon.dialects.registry import DIALECTS
from antiphon.errors import ConfigurationError, UpstreamRefused
from antiphon.model.usage import Usage
from antiphon.providers.catalog import Catalog
from antiphon.providers.config import ProviderSettings
from antiphon.providers.deployment import Deployment
from antiphon.providers.health import Health
from antiphon.providers.keys import LOOK_EVERY, Key
from antiphon.providers.model_names import is_model_name, model_names
from antiphon.providers.provider import mistakes
from antiphon.providers.quirks import QUIRKS
from tests.unit.providers.conftest import FakeClock, MakeProvider


def head_of(deployment: Deployment, *, stream: bool = False) -> tuple[bytes, Key]:
    key = deployment.keys.take()
    return deployment.face.head(key, stream), key


def lines(head: bytes) -> list[str]:
    assert head.endswith(b"\r\n")
    assert b"\r\n\r\n" not in head
    return head.decode("ascii").removesuffix("\r\n").split("\r\n")


# ------------------------------------------------------------------ the head of a request


def test_the_head_of_a_plain_request(make: MakeProvider) -> None:
    deployment = make("openai", api_key="sk-1").deployment("gpt-4o")
    head, key = head_of(deployment)
    first, *headers = lines(head)
    assert first == "POST /v1/chat/completions HTTP/1.1"
    names = dict(line.split(": ", 1) for line in headers)
    assert names.pop("user-agent").startswith("antiphon/")
    assert names == {
        "host": "api.openai.com",
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "identity",
        "Authorization": "Bearer sk-1",
    }
    assert key.secret.reveal() == "sk-1"


def test_a_stream_is_asked_for_in_the_dialects_words(make: MakeProvider) -> None:
    head, _ = head_of(make("openai", api_key="k").deployment("gpt-4o"), stream=True)
    assert "accept: text/event-stream" in head.decode()


def test_azure_has_its_own_header_path_and_version(make: MakeProvider) -> None:
    provider = make(
        "azure", base_url="https://r.openai.azure.com", api_key="k", api_version="preview"
    )
    first, *headers = lines(head_of(provider.deployment("gpt-4o"))[0])
    assert first == "POST /openai/v1/chat/completions?api-version=preview HTTP/1.1"
    assert "api-key: k" in headers
    assert not any(line.lower().startswith("authorization") for line in headers)


def test_a_port_that_is_not_the_schemes_is_told(make: MakeProvider) -> None:
    provider = make("lab", base_url="http://[::1]:9100")
    assert "host: [::1]:9100" in lines(head_of(provider.deployment("m"))[0])


def test_without_a_key_no_header_is_sent(make: MakeProvider) -> None:
    head, _ = head_of(make("lab", base_url="http://gpu:8000").deployment("m"))
    assert b"uthorization" not in head


def test_own_headers_are_sent(make: MakeProvider) -> None:
    provider = make("lab", base_url="http://gpu:8000", headers={"x-tenant": "a b"})
    assert "x-tenant: a b" in lines(head_of(provider.deployment("m"))[0])


def test_a_head_is_rendered_once_per_key(make: MakeProvider) -> None:
    deployment = make("openai", api_key=["a", "b"]).deployment("gpt-4o")
    heads = [head_of(deployment, stream=True)[0] for _ in range(4)]
    assert heads[0] is heads[2]
    assert heads[1] is heads[3]
    assert heads[0] != heads[1]


def test_deployments_of_a_provider_share_its_keys(make: MakeProvider) -> None:
    provider = make("openai", api_key="a")
    one, other = provider.deployment("gpt-4o"), provider.deployment("gpt-4.1")
    one.keys.set_aside(head_of(one)[1], "invalid_api_key", by=one.name)
    with pytest.raises(UpstreamRefused):
        head_of(other)


def test_a_rotated_key_file_changes_the_head_and_heads_do_not_pile_up(
    make: MakeProvider, clock: FakeClock, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text("k0")
    deployment = make("openai", api_key_file=str(file)).deployment("gpt-4o")
    for turn in range(1, 200):
        assert f"Bearer k{turn - 1}\r\n".encode() in head_of(deployment)[0]
        file.write_text(f"k{turn}")
        clock.move(LOOK_EVERY)
    assert len(deployment.face._heads) <= 64


# ------------------------------------------------------------------ what a deployment knows


def test_names(make: MakeProvider) -> None:
    deployment = make("kimi", api_key="k").deployment("moonshot-v1-128k")
    assert deployment.name == "kimi/moonshot-v1-128k"
    assert deployment.row.name == "moonshot"
    assert deployment.face.dialect is DIALECTS["openai_chat"]
    assert deployment.origin.host == "api.moonshot.ai"


def test_quirks_of_row_model_and_entry_come_in_this_order(make: MakeProvider) -> None:
    provider = make("moonshot", api_key="k", quirks=["max_tokens_only", "no_tool_strict"])
    assert provider.deployment("kimi-k2.6").face.quirks == tuple(
        QUIRKS[name]
        for name in (
            "auto_tool_choice_only",
            "no_tool_strict",
            "developer_as_system",
            "fixed_sampling",
            "echo_reasoning",
            "thinking_switch",
            "max_tokens_only",
        )
    )


def test_quirks_of_a_model_act_only_where_they_are_needed(make: MakeProvider) -> None:
    elsewhere = make("lab", base_url="http://gpu:8000").deployment("kimi-k2.6")
    assert elsewhere.face.quirks == ()
    assert elsewhere.facts.sampling is False


def test_what_configuration_knows_comes_first(make: MakeProvider) -> None:
    models = {
        "gpt-4o": {"context": 1000, "vision": False, "prices": {"input": 1, "output": 2}},
        "own": {"prices": {"input": 1, "output": 2}},
    }
    provider = make("openai", api_key="k", models=models)
    assert provider.models == ("gpt-4o", "own")
    known = provider.deployment("gpt-4o")
    assert (known.facts.context, known.facts.vision, known.facts.tools) == (1000, False, True)
    for deployment in (known, provider.deployment("own")):
        assert deployment.priced == "own"
        assert deployment.rates.version == "configuration 185c3c"
        assert deployment.rates.cost(Usage(input_tokens=1000, output_tokens=1000)) == 3_000_000
        assert deployment.unpriced == ""


def test_a_window_that_only_the_price_book_knows_is_used(make: MakeProvider) -> None:
    assert make("openai", api_key="k").deployment("gpt-6.1-sol").facts.context == 1_050_000


def test_an_unknown_model_has_no_price_and_says_so(make: MakeProvider) -> None:
    deployment = make("lab", base_url="https://llm.example.com").deployment("m")
    assert deployment.priced == "ceiling"
    assert deployment.unpriced == "this provider is not in the price book"


def test_self_hosted_models_cost_nothing(make: MakeProvider) -> None:
    deployment = make("vllm", base_url="http://gpu:8000").deployment("gpt-4o")
    assert deployment.priced == "self-hosted"
    assert deployment.rates.cost(Usage(input_tokens=1000)) == 0


def test_a_custom_ca_belongs_to_the_origin(make: MakeProvider, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("")
    provider = make("lab", base_url="https://llm.internal", ca_file=str(ca))
    assert provider.deployment("m").origin.ca_file == str(ca)
    assert provider.is_private


def test_timeouts_reach_the_call(make: MakeProvider) -> None:
    provider = make("lab", base_url="http://gpu", timeouts={"idle": 7})
    timeouts = provider.deployment("m").timeouts
    assert (timeouts.idle, timeouts.total) == (7, 600)


# ------------------------------------------------------------------ health


def test_what_attempts_have_shown_is_kept() -> None:
    health = Health()
    assert (health.answered_at, health.latency) == (0.0, 0.0)
    health.failed("connect_timeout", 100.0)
    health.failed("rate_limit_exceeded", 100.5, counts=False)
    assert (health.failures, health.consecutive_failures) == (2, 1)
    assert (health.last_error, health.last_error_at) == ("rate_limit_exceeded", 100.5)
    health.succeeded(101.0, 0.25)
    assert (health.answered_at, health.latency) == (101.0, 0.25)
    assert (health.successes, health.failures, health.consecutive_failures) == (1, 2, 0)
    assert (health.recent.at(100.0).ended, health.recent.at(100.0).failed) == (2, 2)


# ------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("name", "entry", "path", "message"),
    [
        ("openai", {}, "openai.api_key", "set OPENAI_API_KEY"),
        ("moonshto", {}, "moonshto.base_url", "did you mean moonshot"),
        ("lab", {"catalog": "vlm", "base_url": "http://gpu"}, "lab.catalog", "did you mean vllm"),
        ("vllm", {}, "vllm.base_url", "set VLLM_BASE_URL"),
        ("lab", {"dialect": "x", "base_url": "http://gpu"}, "lab.dialect", "openai_chat"),
        (
            "zai",
            {"api_key": "k", "base_url": "https://api.z-ai.com/v1"},
            "zai.base_url",
            "https://api.z.ai/api/paas/v4",
        ),
        ("lab", {"base_url": "http://gpu", "models": ["a\r\nb"]}, "lab.models.a\r\nb", "no model"),
        ("a/b", {"base_url": "http://gpu"}, "a/b", "name"),
        ("a\r\nb", {"base_url": "http://gpu"}, "a\r\nb", "name"),
    ],
)
def test_mistakes_of_an_entry(
    catalog: Catalog,
    make: MakeProvider,
    name: str,
    entry: dict[str, object],
    path: str,
    message: str,
) -> None:
    settings = ProviderSettings.model_validate(entry)
    ((where, what),) = mistakes(name, settings, catalog=catalog, dialects=DIALECTS)
    assert where == path
    assert message in what
    with pytest.raises(ConfigurationError):
        make(name, **entry)


def test_all_mistakes_of_an_entry_come_at_once(make: MakeProvider) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make("azure", dialect="x")
    paths = [mistake.path for mistake in raised.value.mistakes]
    assert paths == ["azure.dialect", "azure.base_url", "azure.api_key"]


@pytest.mark.parametrize("name", ["", " a", "a ", "a\nb", "a\x00", "é", "x" * 257])
def test_what_can_be_no_model_is_refused(make: MakeProvider, name: str) -> None:
    assert not is_model_name(name)
    with pytest.raises(ConfigurationError):
        make("lab", base_url="http://gpu").deployment(name)


@pytest.mark.parametrize("name", ["m", "org/model:8b", "my model.gguf", "x" * 256])
def test_what_can_be_a_model(name: str) -> None:
    assert is_model_name(name)


# ------------------------------------------------------------------ the list of models


def test_the_list_of_models_is_asked_for(make: MakeProvider) -> None:
    asked = make("openai", api_key="k").models_head()
    assert asked is not None
    first, *headers = lines(asked[0])
    assert first == "GET /v1/models HTTP/1.1"
    assert "Authorization: Bearer k" in headers


def test_a_list_that_is_not_there_is_not_asked_for(make: MakeProvider) -> None:
    assert make("perplexity", api_key="k").models_head() is None
    assert make("openai", api_key="k", discover=False).models_head() is None


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"object":"list","data":[{"id":"a","x":1},{"id":"b"},{"id":"a"}]}', ("a", "b")),
        (b' [{"id":"org/a"}]', ("org/a",)),
        (b'{"data":[{"id":"models/gemini-2.5-pro"}]}', ("gemini-2.5-pro",)),
        (b'{"data":[{"id":"a\\r\\nb"},{"id":"c"}]}', ("c",)),
        (b"<html>", ()),
        (b'{"data":null}', ()),
        (b"", ()),
    ],
)
def test_names_are_read_from_the_list(body: bytes, names: tuple[str, ...]) -> None:
    assert model_names(body) == names
