"""The compliance kit: one suite for dialects, one for providers, ours or anybody's.

`python -m antiphon.testing.compliance dialect NAME`, `… provider --url URL …`, `… list`. In a
test, call what `dialect_checks` gives, or await what `provider_checks` gives; each raises
`CheckFailed`, an `AssertionError`. docs/compliance.md is the guide.
"""

from antiphon.testing.compliance.cases import GOLDEN, Case, cases_in, record
from antiphon.testing.compliance.dialect.suite import dialect_checks
from antiphon.testing.compliance.findings import Check, CheckFailed, Mistake, Outcome, Result
from antiphon.testing.compliance.provider.live import Place
from antiphon.testing.compliance.provider.suite import ProviderCheck, provider_checks
from antiphon.testing.compliance.report import Report

__all__ = [
    "GOLDEN",
    "Case",
    "Check",
    "CheckFailed",
    "Mistake",
    "Outcome",
    "Place",
    "ProviderCheck",
    "Report",
    "Result",
    "cases_in",
    "dialect_checks",
    "provider_checks",
    "record",
]
