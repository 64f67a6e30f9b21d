"""The kit bites: each mistake of a dialect is found by the check that is meant for it."""

import pytest

from antiphon.testing.compliance import CheckFailed, Outcome, dialect_checks
from antiphon.testing.compliance.findings import Check, Findings
from tests.compliance import broken

SLOW = {"requests.of_others", "streams.bounded", "streams.cut"}
"""Run only where they are meant, as those of garbage are."""

CAUGHT = [
    (
        broken.DropsAClass,
        "usage.totals",
        "golden.alike streams.folded usage.written usage.classes usage.details",
    ),
    (
        broken.CountsTwice,
        "usage.classes",
        "golden.replies streams.folded usage.totals usage.written usage.details replies.inspected",
    ),
    (broken.BelievesAnything, "usage.wrong", "usage.details"),
    (
        broken.ForgetsUsage,
        "streams.usage",
        "golden.streams streams.folded tools.streamed usage.written",
    ),
    (broken.SplitsText, "streams.cut", "streams.joined"),
    (broken.KeepsEverything, "streams.bounded", ""),
    (broken.SpeaksInItsSleep, "streams.heartbeat", ""),
    (
        broken.NeverEnds,
        "streams.end",
        "golden.streams streams.folded streams.usage tools.streamed usage.written",
    ),
    (broken.EndsTwice, "streams.end", "golden.streams golden.alike streams.folded tools.streamed"),
    (broken.SwallowsErrors, "errors.swallowed", ""),
    (broken.SwallowsStreamErrors, "errors.streamed", "streams.end errors.swallowed"),
    (broken.SaysOneError, "errors.written", ""),
    (broken.ThrowsErrors, "errors.unshaped", "golden.errors"),
    (broken.WaitsForever, "errors.waits", "golden.errors"),
    (broken.InventsIds, "tools.ids", "golden.streams streams.heartbeat unknown.events"),
    (broken.CallsOnce, "tools.whole", "golden.replies streams.folded tools.ids"),
    (broken.MixesArguments, "tools.mixed", "golden.streams streams.folded tools.streamed"),
    (broken.LosesResults, "tools.results", "golden.requests"),
    (broken.LosesUnknown, "unknown.kept", "golden.requests"),
    (broken.LosesUnknownOfReplies, "unknown.replies", ""),
    (broken.LeaksUnknown, "unknown.foreign", ""),
    (broken.DeclaresNothing, "requests.declared", ""),
    (broken.HidesUnknown, "unknown.reported", "requests.declared"),
    (broken.Mumbles, "contract.losses", ""),
    (broken.DropsTheSystem, "requests.system", "requests.declared requests.text"),
    (broken.InspectsBadly, "replies.inspected", ""),
    (broken.CutsNothing, "contract.unread", ""),
    (broken.TrustsRequests, "malformed.requests", ""),
    (broken.TrustsReplies, "malformed.replies", "errors.swallowed"),
    (broken.TrustsFrames, "malformed.streams", ""),
]
"""A dialect, the check that is meant for its mistake, and those that follow from it.

`golden.results` is left out: it sees whatever changes what is read or written of a case.
"""


@pytest.mark.parametrize(
    ("dialect", "meant", "besides"), CAUGHT, ids=[case[0].__name__ for case in CAUGHT]
)
def test_a_mistake_is_found(dialect, meant, besides):
    failed = set()
    for check in dialect_checks(dialect()):
        quick = check.name not in SLOW and not check.name.startswith("malformed.")
        if check.name == meant or (quick and check.name != "golden.results"):
            result = check.run()
            if result.outcome is Outcome.FAILED:
                failed.add(check.name)
                assert result.mistakes[0].expected
                assert result.mistakes[0].seen
    assert failed == {meant, *besides.split()}


def test_a_golden_case_that_has_changed_is_found(tmp_path):
    case = tmp_path / "short"
    case.mkdir()
    (case / "request.json").write_text('{"model":"m","messages":[{"role":"user","content":"Hi"}]}')
    (case / "canonical.json").write_text('{"request":{"model":"m","turns":[]}}')
    [check] = [
        each for each in dialect_checks(broken.LEAKY, tmp_path) if each.name == "golden.results"
    ]
    with pytest.raises(CheckFailed, match=r"short: expected .*turns") as caught:
        check()
    assert caught.value.result.tried == 1


def test_what_is_raised_is_a_mistake_and_what_was_not_tried_is_not_passed():
    def trips(subject: str, found: Findings) -> None:
        with found.trying("first"):
            raise KeyError(subject)

    result = Check("trips", "It never trips.", trips, "x").run()
    assert result.outcome is Outcome.FAILED
    assert "KeyError: 'x'" in result.mistakes[0].seen
    result = Check("idle", "It does nothing.", lambda _, __: None, "x").run()
    assert (result.outcome, result.note) == (Outcome.NOT_SUPPORTED, "nothing to try")
    with pytest.raises(KeyboardInterrupt):
        Check("ends", "It ends.", _interrupted, "x").run()


def _interrupted(_: str, found: Findings) -> None:
    with found.trying("first"):
        raise KeyboardInterrupt
