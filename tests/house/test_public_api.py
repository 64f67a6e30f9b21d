"""What a program may import from `antiphon`. A name that is taken away breaks somebody."""

import antiphon

NAMES = """
Antiphon AntiphonError CallerError ChatReply Choice ConfigurationError ConnectFailed Draining Ended
Exhausted Finished Forbidden GatewayError Health How InvalidAnswer InvalidRequest LogprobsDelta MalformedBody
ModelEntry ModelNotFound ModelUnpriced NotAnAnswer OpaqueEvent OutputForm Overloaded ReasoningDelta ReasoningSealed
RefusalDelta Started Stop StopReason StreamEvent StreamFailed Structured TextDelta ToolCallDelta
ToolCallStarted UnsupportedParameter UpstreamBroken UpstreamError UpstreamRefused UpstreamTimeout
Usage UsageReported __version__
"""


def test_the_public_names():
    assert sorted(antiphon.__all__) == sorted(NAMES.split())


def test_each_can_be_had():
    for name in antiphon.__all__:
        assert getattr(getattr(antiphon, name), "__name__", name) == name
    assert set(antiphon.__all__) <= set(dir(antiphon))


def test_nothing_else_can():
    assert not hasattr(antiphon, "Antiphone")
