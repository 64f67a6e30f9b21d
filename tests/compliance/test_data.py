"""The golden data is what its README says it is."""

import json
import re

import jsonschema_rs
import pytest

from antiphon.testing.compliance import GOLDEN
from antiphon.testing.compliance.cases import Case, cases_in
from antiphon.testing.compliance.schema import canonical_schema
from antiphon.testing.compliance.subject import SHIPPED

README = (GOLDEN / "README.md").read_text("utf-8")
FILES = {"request.json", "reply.json", "error.json", "case.json", "canonical.json", "written.json"}
STREAMS = {".sse", ".ndjson"}
CASES = [case for name in SHIPPED for case in cases_in(GOLDEN / name)]


def test_the_schema_of_the_canonical_form_is_current():
    assert (GOLDEN / "canonical.schema.json").read_bytes() == canonical_schema()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.folder.parent.name}-{case.name}")
def test_a_case_is_documented_data(case: Case):
    schema = jsonschema_rs.validator_for(json.loads(canonical_schema()))
    schema.validate(json.loads((case.folder / "canonical.json").read_bytes()))
    for file in case.folder.iterdir():
        named = file.name in FILES or (
            file.stem in {"stream", "written"} and file.suffix in STREAMS
        )
        assert named, file.name
        assert f"`{file.name}`" in README or f"`{file.stem}.*`" in README
    assert any(part is not None for part in (case.request, case.reply, case.stream, case.error))


def test_every_dialect_has_what_others_have():
    for name in SHIPPED:
        cases = cases_in(GOLDEN / name)
        assert f"`{name}`" in README
        assert any(case.facts.alike for case in cases), name
        assert any(case.facts.totals.reply and case.facts.totals.stream for case in cases), name
        for part in ("request", "reply", "stream", "error"):
            assert any(getattr(case, part) is not None for case in cases), (name, part)
        told = {json.dumps(case.members("canonical.json").get("error")) for case in cases}
        kinds = set(re.findall(r'"kind": "(\w+)"', "".join(told)))
        if name != "ollama_generate":
            assert kinds >= {"upstream_auth", "rate_limited", "context_too_long", "model_not_found"}


def test_the_readme_names_every_folder():
    folders = {each.name for each in GOLDEN.iterdir() if each.is_dir() and each.name[0] != "_"}
    assert folders == SHIPPED.keys()
