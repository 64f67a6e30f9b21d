"""`antiphon import litellm`: where things go, what is refused, and that no secret is told."""

from __future__ import annotations

import json

import pytest

from tests.cli.imported import DATA, FILES, given, imported

SECRETS = (
    *("sk-quick-start-0123456789", "hunter2-hunter2", "sk-other-secret-abcdef", "hunter2pw"),
    *("team-secret-xyz", "azure-literal-secret-key", "eyJsecrettoken", "AKIASECRETSECRET"),
    *("redis-secret-pw", "db-secret-pw", "hooks.slack.com", "pass-through-secret"),
    *("lab-key-in-the-file", "your-api-key-1", "your-api-key-2"),
)


@pytest.mark.parametrize("name", FILES)
def test_what_comes_out_is_right_and_tells_no_secret(antiphon, name):
    found = imported(antiphon, name)
    done = antiphon("config", "check", **found.variables)
    assert "antiphon.yaml: ok" in done.stdout
    told = found.text + json.dumps(found.report)
    assert [secret for secret in SECRETS if secret in told] == []
    assert {"mapped", "approximated", "dropped", "unknown"} == set(found.report["counts"])
    assert sum(found.report["counts"].values()) == len(found.report["items"])
    for each in found.report["items"]:
        assert each["why"]
        assert each["where"].split(":")[0].endswith(".yaml")


def test_people_are_told_no_secret_either(antiphon):
    for name in ("enterprise.yaml", "azure.yaml", "odd.yaml"):
        told = antiphon("import", "litellm", given(antiphon, name)).stderr
        assert [secret for secret in SECRETS if secret in told] == []
        assert "set these, in the environment or in a .env beside the configuration" in told


def test_every_secret_of_the_files_is_looked_for():
    text = "".join(path.read_text("utf-8") for path in DATA.rglob("*.yaml"))
    assert [secret for secret in SECRETS if secret not in text] == []


def test_files_are_written_and_not_overwritten(antiphon):
    name = given(antiphon, "quickstart.yaml")
    options = ("--output", "out.yaml", "--report", "report.txt")
    done = antiphon("import", "litellm", name, *options)
    assert done.stdout == done.stderr == ""
    written = (antiphon.home / "out.yaml").read_text()
    assert "LAB_KEY" in written
    assert "4 mapped" in (antiphon.home / "report.txt").read_text()
    (antiphon.home / "out.yaml").write_text("mine")
    done = antiphon("import", "litellm", name, "--output", "out.yaml", status=1)
    assert "out.yaml is there already; --force overwrites it" in done.stderr
    assert (antiphon.home / "out.yaml").read_text() == "mine"
    antiphon("import", "litellm", name, *options, "--force")
    assert (antiphon.home / "out.yaml").read_text() == written


def test_nothing_is_written_where_one_of_the_two_is_there(antiphon):
    name = given(antiphon, "quickstart.yaml")
    (antiphon.home / "report.txt").write_text("mine")
    antiphon("import", "litellm", name, "-o", "out.yaml", "--report", "report.txt", status=1)
    assert not (antiphon.home / "out.yaml").exists()


def test_the_file_itself_is_never_overwritten(antiphon):
    name = given(antiphon, "quickstart.yaml")
    before = (antiphon.home / name).read_text()
    for option in ("--output", "--report"):
        done = antiphon("import", "litellm", name, option, f"./{name}", "--force", status=2)
        assert "is the file to be read" in done.stderr
    antiphon("import", "litellm", name, "-o", "a", "--report", "a", status=2)
    assert (antiphon.home / name).read_text() == before


def test_a_folder_that_is_not_there(antiphon):
    name = given(antiphon, "quickstart.yaml")
    done = antiphon("import", "litellm", name, "--output", "no/out.yaml", status=1)
    assert "no/out.yaml cannot be written: No such file or directory" in done.stderr


def test_the_report_goes_where_the_configuration_does_not(antiphon):
    name = given(antiphon, "quickstart.yaml")
    assert antiphon("import", "litellm", name).stderr.startswith("quickstart.yaml: 4 mapped")
    told = antiphon("import", "litellm", name, "-o", "out.yaml", "--json").stdout
    assert json.loads(told)["counts"]["dropped"] == 5


def test_strict(antiphon):
    done = antiphon("import", "litellm", given(antiphon, "quickstart.yaml"), "--strict", status=1)
    assert "providers:" in done.stdout
    assert done.stderr.endswith("antiphon: something was dropped, as the report says\n")
    antiphon.write(
        "model_list: [{model_name: a, litellm_params: {model: openai/b, api_key: os.environ/K}}]",
        "kept.yaml",
    )
    assert "openai/b" in antiphon("import", "litellm", "kept.yaml", "--strict").stdout


def test_nothing_left_to_serve(antiphon):
    antiphon.write("model_list: [{model_name: a, litellm_params: {model: bedrock/b}}]", "in.yaml")
    done = antiphon("import", "litellm", "in.yaml", "--output", "out.yaml", status=1)
    assert "in.yaml:1:47: model_list.0.litellm_params.model: bedrock" in done.stdout
    assert "no model of the file can be asked from here" in done.stderr
    assert not (antiphon.home / "out.yaml").exists()


BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{chr(97 + n)}: &{chr(97 + n)} [{', '.join([f'*{chr(96 + n)}'] * 9)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "must hold a mapping"),
        ("- a\n- b\n", "in.yaml:1:1: must hold a mapping"),
        ("just text", "must hold a mapping"),
        ("a: [1\nb: 2", "in.yaml:2"),
        ("model_list:\n\t- a\n", "a tab cannot stand here"),
        ("a: !!python/object/apply:os.system ['id']\n", "a YAML tag is not known here"),
        ("model_list: []\nmodel_list: []\n", "in.yaml:2:1: model_list: is here twice"),
        ("a: 1\n---\nb: 2\n", "more than one YAML document"),
        ("a: *b\n", "names an anchor"),
        ("a: &a [*a]\n", "in.yaml"),
        (BOMB, "unfolds to more than"),
        ("a: " + "[" * 2_000 + "]" * 2_000, "nested more than"),
        ("# " + "x" * (1 << 20), "is larger than 1 MiB"),
        (b"\xff\xfe\x00a", "is not UTF-8"),
        ("include: in.yaml\n", "includes itself"),
        ("include: [nothing.yaml]\n", "nothing.yaml: cannot be read"),
        ("include: {a: b}\n", "must be a list of at most"),
        ("include: [[1]]\n", "must be the name of a file"),
        ("model_list: 5\n", "no model of the file"),
        ("router_settings: {fallbacks: 3}\n", "no model of the file"),
    ],
)
def test_what_is_no_configuration(antiphon, content, told):
    path = antiphon.home / "in.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = antiphon("import", "litellm", "in.yaml", status=1)
    assert told in done.stderr
    assert done.stderr.count("\n") < 30


def test_a_file_that_is_not_there(antiphon):
    done = antiphon("import", "litellm", "absent.yaml", status=1)
    assert "absent.yaml: cannot be read: No such file or directory" in done.stderr
    assert "Missing argument" in antiphon("import", "litellm", status=2).stderr


def test_wrong_types_everywhere(antiphon):
    wrong = ["5", "text", "[1, [2]]", "{a: {b: c}}", "null", "true", "1.5e400", "''"]
    entries = "".join(
        f"  - {{model_name: m{n}, litellm_params: {{model: openai/x, {member}: {value}}}}}\n"
        for n, (member, value) in enumerate(
            (member, value)
            for member in (
                *("api_key", "api_base", "timeout", "stream_timeout", "organization", "order"),
                *("extra_headers", "weight", "custom_llm_provider", "input_cost_per_token"),
                *("litellm_credential_name", "api_version", "model_info", "rpm"),
            )
            for value in wrong
        )
    )
    sections = "".join(
        f"{section}:\n" + "".join(f"  {name}: {value}\n" for name in names)
        for value in wrong[:1]
        for section, names in {
            "router_settings": ["fallbacks", "model_group_alias", "num_retries", "timeout"],
            "litellm_settings": ["callbacks", "drop_params", "cache", "default_fallbacks"],
            "general_settings": ["master_key", "max_request_size_mb", "background_health_checks"],
        }.items()
    )
    antiphon.write(f"model_list:\n{entries}{sections}environment_variables: 5\n", "in.yaml")
    done = antiphon("import", "litellm", "in.yaml", "--json")
    antiphon.write(done.stdout)
    variables = {each["name"]: "key-0123456789ab" for each in json.loads(done.stderr)["variables"]}
    assert "ok" in antiphon("config", "check", **variables).stdout


def test_many_models(antiphon):
    entries = "".join(
        f"  - {{model_name: m{n}, litellm_params: {{model: openai/x{n}, api_key: k{n}}}}}\n"
        for n in range(3_000)
    )
    antiphon.write(f"model_list:\n{entries}", "in.yaml")
    done = antiphon("import", "litellm", "in.yaml", "--output", "out.yaml")
    assert done.stdout.startswith("in.yaml: 3000 mapped, 1 approximated, 0 dropped")
