"""What is loaded, and when."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys

import pytest

from tests.house.source import PACKAGE, functions, modules

HEAVY = (
    *("asyncio", "ssl", "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic"),
    *("msgspec", "typer", "ruamel", "prometheus_client", "openai", "rich"),
)
NOT_SERVING = (
    "fastapi",
    "starlette",
    "openai",
    "rich",
    "httpx2",
    "alembic",
    "antiphon.simulator",
    "jsonschema_rs",
    "cryptography",
    "jinja2",
)
WEBHOOKS = """
notices:
  webhooks:
    ops: {url: "https://hooks.example.com/", secret: whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3}
"""
"""Configured, but with nothing to send."""
EXTRAS = ("opentelemetry", "requests", "google.protobuf")
LATE = {
    "routing/strategies/foreign.py": "a strategy of the user's own is imported by its name",
    "server/writes.py": "a cipher is loaded with the first write that may be asked again",
    "cli/ledger.py": "a command loads what it needs when it is called",
    "cli/configuring.py": "a command loads what it needs when it is called",
    "cli/main.py": "a command loads what it needs when it is called",
    "cli/clients.py": "the same",
    "cli/explaining.py": "the same",
    "cli/reaching.py": "the same, for commands of administration",
    "cli/administering/audit.py": "the same",
    "cli/administering/models.py": "the same",
    "cli/administering/notices.py": "the same",
    "config/draft.py": "the YAML library, only where there is a file",
    "config/show.py": "the YAML library, only where there is something to write",
    "resilience/canned.py": "the template engine, only where a text is configured",
    "schemas/checker.py": "the validator, only where an answer is checked",
    "storage/versions.py": "Alembic, only where there is something to migrate",
    "gateway/reporting.py": "OpenTelemetry, an extra, only where spans are sent",
    "notices/courier.py": "the HTTP library, with the first webhook",
    "server/deferred.py": "FastAPI, at the first request of the management API",
    "testing/compliance/subject.py": "the dialect of a third party, by the name that it is given",
    "__init__.py": "public names, when they are first used",
}


def test_the_package_itself_loads_nothing():
    code = f"import antiphon, sys; print(*(set({HEAVY!r}) & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("configured", ["", WEBHOOKS], ids=["nothing", "webhooks"])
def test_serving_loads_no_more_than_it_needs(tmp_path, configured):
    if configured:
        (tmp_path / "antiphon.yaml").write_text(configured)
    env = {"LLM_BASE_URL": "http://127.0.0.1:9", "PYTHONPATH": str(PACKAGE.parent)}
    env |= {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-X", "importtime", "-m", "antiphon", "serve", "--port", "0"]
    # A file: what is told of imports is more than a pipe holds while nobody reads it.
    told = tmp_path / "imports.txt"
    with (
        told.open("w") as stderr,
        subprocess.Popen(
            command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as process,
    ):
        assert "serves on" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate()
    loaded = {line.rpartition("|")[2].strip() for line in told.read_text().splitlines()}
    assert "uvicorn" in loaded
    assert loaded & {*NOT_SERVING, *EXTRAS} == set()


def test_imports_stand_at_the_top_but_for_those_declared():
    late = {
        path
        for path, tree in modules()
        for function in functions(tree)
        if any(_is_own_import(node) for node in ast.walk(function))
    }
    assert late == set(LATE)


def _is_own_import(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        return "readline" not in ast.unparse(node)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").partition(".")[0] == "antiphon"
    return isinstance(node, ast.Import) and node.names[0].name.startswith("antiphon")
