"""Nothing that a person can type ends in anything but settings or a list of mistakes."""

from pathlib import Path

from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from antiphon.config.load import load
from antiphon.config.settings import Settings
from antiphon.errors import ConfigurationError
from antiphon.yamlfile.nodes import render


def members(inner):
    names = st.sampled_from([
        "server", "auth", "limits", "storage", "providers", "models", "keys", "key", "deployments",
        "aliases", "retry", "passthrough", "*", "lab", "openai", "api_key", "base_url", "timeouts",
        "port", "host", "deadlines", "headers", "cors", "origins", "x", "prices", "strategy",
    ])  # fmt: skip
    return st.dictionaries(names, inner, max_size=4) | st.lists(inner, max_size=3)


WORDS = st.sampled_from(
    ["lab/x", "x", "", "${X}", "${NONE}", "${file:none}", "priority", "0.0.0.0", "http://a/b"]
)
GARBAGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    members,
    max_leaves=25,
)


def usable_or_mistaken(source: Path | dict[str, object]) -> list[str]:
    try:
        load(source, environ={"X": "value"})
    except ConfigurationError as error:
        return [each.where for each in error.mistakes]
    return []


@effort(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(list(Settings.model_fields)), GARBAGE))
def test_garbage_is_settings_or_mistakes(data: dict[str, object]):
    assert usable_or_mistaken(data) is not None


@effort(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from(list(Settings.model_fields)), GARBAGE),
    st.integers(0, 400),
    st.text(max_size=3),
)
def test_garbage_in_a_file_is_settings_or_mistakes_with_lines(
    tmp_path: Path, data: dict[str, object], at: int, noise: str
):
    text = render(data)
    path = tmp_path / "antiphon.yaml"
    path.write_bytes((text[:at] + noise + text[at:]).encode("utf-8", "surrogatepass"))
    assert all(where.startswith(str(path)) for where in usable_or_mistaken(path))
