from pathlib import Path

import pytest

from antiphon.config.load import find_file, load
from antiphon.errors import ConfigurationError
from antiphon.pipeline.config import Target
from antiphon.providers.keys import KeyFile
from antiphon.secret import Secret

LAB = "providers: {lab: {base_url: 'http://127.0.0.1:1/v1'}}\n"


def test_nothing_said_is_a_configuration(load_text):
    loaded = load_text("")
    assert (loaded.settings.server.host, loaded.settings.server.port) == ("127.0.0.1", 4100)
    assert loaded.settings.models["*"].passthrough
    assert loaded.warnings == ()


def test_sections_that_are_all_comments_are_none(load_text):
    settings = load_text("server:\nauth:\n  keys:\nproviders:\n  ollama:\nmodels:\n").settings
    assert settings == load_text("providers: {ollama: {}}").settings
    assert list(settings.providers) == ["ollama"]
    assert settings.models["*"].passthrough


def test_short_forms_of_a_route(load_text):
    models = load_text(
        LAB + "models: {a: lab/x, b: [lab/x, lab/y/z], c: {deployments: [lab/x], aliases: [d]}}"
    ).settings.models
    assert [each for _, each in models["a"].targets] == [Target("lab", "x")]
    assert [each for _, each in models["b"].targets] == [Target("lab", "x"), Target("lab", "y/z")]
    assert models["c"].aliases == ("d",)


def test_words_of_the_environment_become_what_they_stand_for(load_text):
    settings = load_text(
        "server: {port: '${PORT}', cors: {origins: ['${ORIGIN}']}}\nauth: {required: '${AUTH}'}",
        {"PORT": "5000", "ORIGIN": "https://a.example", "AUTH": "true"},
    ).settings
    assert settings.server.port == 5000
    assert settings.server.cors.origins == ("https://a.example",)
    assert settings.auth.required


def test_the_nearer_word_wins(load_text, tmp_path: Path):
    (tmp_path / ".env").write_text("ANTIPHON_PORT=2\nANTIPHON_HOST=::1\nANTIPHON_ROOT_PATH=/x\n")
    loaded = load_text(
        "server: {host: localhost, port: 1, root_path: /file}",
        {"ANTIPHON_PORT": "3", "ANTIPHON_ROOT_PATH": ""},
        overrides={"server": {"port": 4}},
    )
    assert loaded.settings.server.port == 4
    assert loaded.settings.server.host == "::1"
    assert loaded.settings.server.root_path == "/file"
    assert load_text("server: {port: 1}", {"ANTIPHON_PORT": "3"}).settings.server.port == 3


def test_mistakes_name_whoever_made_them(refusal):
    assert refusal(
        "server: {drain_seconds: x}",
        {"ANTIPHON_PORT": "many", "ANTIPHON_AUTH_REQUIRED": "x"},
        overrides={"server": {"host": "0.0.0.0"}},
    ) == [
        "antiphon.yaml:1:10: server.drain_seconds: must be a number",
        "environment: ANTIPHON_PORT: server.port: must be a whole number",
        "environment: ANTIPHON_AUTH_REQUIRED: auth.required: must be true or false",
    ]
    assert refusal("", overrides={"server": {"host": "0.0.0.0"}}) == [
        "argument: server.host: is reachable from other machines, which needs auth.required: true"
    ]


def test_another_machine_is_served_when_keys_are_required(load_text):
    loaded = load_text("", {"ANTIPHON_HOST": "0.0.0.0", "ANTIPHON_AUTH_REQUIRED": "true"})
    assert loaded.settings.server.host == "0.0.0.0"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost", "LOCALHOST"]
)
def test_loopback_needs_no_key(load_text, host: str):
    assert load_text(f"server: {{host: '{host}'}}").settings.server.host == host


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "10.0.0.1", "example.com", "localhost.example.com"]
)
def test_other_hosts_do(refusal, host: str):
    assert "needs auth.required: true" in refusal(f"server: {{host: '{host}'}}")[0]


def test_secrets_are_wrapped_and_files_stay_files(load_text, tmp_path: Path):
    (tmp_path / "key").write_text("sk-file\n")
    settings = load_text(
        "providers:\n  openai: {api_key: ['${file:key}', '${KEY}']}\n"
        "  lab: {base_url: 'http://127.0.0.1:1/v1', api_key_file: key}\n"
        "auth: {admin_key: '${file:key}'}",
        {"KEY": "sk-env"},
    ).settings
    assert settings.providers["openai"].keys == (KeyFile(tmp_path / "key"), Secret("sk-env"))
    assert settings.providers["lab"].keys == (KeyFile(tmp_path / "key"),)
    assert settings.auth.admin_key == Secret("sk-file")
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "sk-" not in text


def test_keys_of_the_environment_are_filled_in(load_text, tmp_path: Path):
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-dotenv\n")
    settings = load_text("providers: {openai: {}}").settings
    assert settings.providers["openai"].keys == (Secret("sk-dotenv"),)


def test_without_providers_the_environment_is_searched(load_text):
    settings = load_text("server: {port: 1}", {"OPENAI_API_KEY": "sk-1"}).settings
    assert list(settings.providers) == ["openai"]


def test_relative_paths_start_at_the_file_and_home_is_the_environments(load_text, tmp_path: Path):
    assert load_text("storage: {data_dir: data}").settings.storage.data_dir == tmp_path / "data"
    home = load_text("", {"HOME": "/home/x"}).settings.storage.data_dir
    assert home == Path("/home/x/.local/share/antiphon")
    assert load_text("", {"ANTIPHON_DATA": "/d"}).settings.storage.data_dir == Path("/d")


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_where_the_file_is_looked_for(empty_folder: Path):
    assert find_file({}) is None
    (empty_folder / "antiphon.yml").write_text("server: {port: 2}")
    assert load(environ={}).settings.server.port == 2
    (empty_folder / "antiphon.yaml").write_text("server: {port: 1}")
    assert load(environ={}).source == "antiphon.yaml"
    (empty_folder / "other.yaml").write_text("server: {port: 3}")
    assert load(environ={"ANTIPHON_CONFIG": "other.yaml"}).settings.server.port == 3
    with pytest.raises(ConfigurationError, match=r"^gone\.yaml: cannot be read: No such file"):
        load(environ={"ANTIPHON_CONFIG": "gone.yaml"})


def test_no_file_at_all(empty_folder: Path):
    loaded = load(environ={"MOONSHOT_API_KEY": "sk-1", "OLLAMA_HOST": "127.0.0.1:1"})
    assert set(loaded.settings.providers) == {"moonshot", "ollama"}
    assert list(loaded.settings.models) == ["*"]
    assert (loaded.source, loaded.path) == ("the environment", None)


def test_no_file_and_one_model(empty_folder: Path):
    (empty_folder / ".env").write_text(
        "LLM_BASE_URL=http://127.0.0.1:1/v1\nLLM_API_KEY=k\nLLM_MODEL=org/tiny\n"
    )
    settings = load(environ={}).settings
    assert [each for _, each in settings.models["default"].targets] == [
        Target("openai_compatible", "org/tiny")
    ]
    assert settings.models["*"].passthrough


def test_no_file_and_whatever_model_is_served(empty_folder: Path):
    environ = {"LLM_BASE_URL": "http://127.0.0.1:1/v1", "LLM_MODEL": "default"}
    assert list(load(environ=environ).settings.models) == ["*"]


def test_no_file_and_a_broken_address(empty_folder: Path):
    with pytest.raises(ConfigurationError, match="LLM_BASE_URL"):
        load(environ={"LLM_BASE_URL": "ftp://x", "ANTIPHON_PORT": "many"})


def test_a_program_gives_its_configuration_as_it_means_it():
    given = {
        "server": {"port": 0},
        "providers": {"lab": {"base_url": "http://127.0.0.1:1/v1", "api_key": "a$b${c}"}},
        "models": {"fast": ("lab/x",)},
    }
    loaded = load(given, environ={"ANTIPHON_PORT": "5", "HOME": "/h"})
    assert loaded.settings.server.port == 0
    assert loaded.settings.providers["lab"].keys == (Secret("a$b${c}"),)
    assert loaded.source == "configuration"
    with pytest.raises(ConfigurationError) as caught:
        load({"models": {"fast": "lba/x"}, "providers": {"lab": {}}}, environ={})
    assert [each.where for each in caught.value.mistakes] == ["configuration", "configuration"]


def test_warnings(load_text, tmp_path: Path):
    warnings = load_text(
        "auth:\n  admin_key: short\n  keys:\n    - {key: tiny}\n    - {key: 0123456789abcdef}",
        {"ANTIPHON_PROT": "1", "ANTIPHON_SOMETHING_ELSE": "1"},
    ).warnings
    assert [each.replace(f"{tmp_path}/", "") for each in warnings] == [
        "antiphon.yaml:1:1: auth.required: is false although keys are listed: callers without a key are served too",
        "antiphon.yaml:4:8: auth.keys.0.key: is shorter than 16 characters and can be guessed",
        "antiphon.yaml:2:3: auth.admin_key: is shorter than 16 characters and can be guessed",
        "environment: ANTIPHON_PROT: is not read here; did you mean ANTIPHON_PORT?",
    ]
