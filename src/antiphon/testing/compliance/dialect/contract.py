"""What a dialect says of itself is complete and can be used."""

from __future__ import annotations

from antiphon.dialects.base import Payload
from antiphon.model.needs import Need, Severity
from antiphon.testing.compliance.findings import Findings, holds, same
from antiphon.testing.compliance.subject import Subject
from antiphon.wire.shallow import Members


def names(subject: Subject, found: Findings) -> None:
    """Its name, paths, types and heartbeat are there and of the right kind."""
    dialect = subject.dialect
    with found.trying("name"):
        holds(dialect.name.isidentifier(), "letters, digits and underscores", dialect.name)
        same(
            dialect.traits.dialect,
            dialect.name if not subject.callers_only else dialect.traits.dialect,
            "traits.dialect",
        )
    with found.trying("endpoint"):
        holds(dialect.endpoint.startswith("/"), "a path", dialect.endpoint)
        based = dialect.based("/x")
        same(dialect.based(based), based, "a base path, twice")
        path = dialect.target_path("a/b:c d", stream=True)
        holds(path.startswith("/") and path.isascii() and " " not in path, "a path", path)
    with found.trying("heartbeat"):
        holds(dialect.heartbeat.endswith(b"\n"), "whole lines", dialect.heartbeat)
        holds("/" in dialect.stream_type, "a media type", dialect.stream_type)


def losses(subject: Subject, found: Findings) -> None:
    """Losses are told in plain words, and never name what may not be lost."""
    dialect = subject.dialect
    with found.trying("words"):
        missing = set(Need) - dialect.words.keys()
        holds(not missing, "words for every need, or none said", sorted(missing))
    with found.trying("needs"):
        holds({*dialect.losses, *dialect.unlike} <= set(Need), "needs", list(dialect.losses))
        holds(Need.TOOLS not in dialect.losses, "tools are never lost", "a loss")
    for need, loss in {**dialect.losses, **dialect.unlike}.items():
        with found.trying(need.value):
            plain = loss.how and loss.how.isascii() and loss.how.isprintable()
            holds(plain and ";" not in loss.how, "plain words for a header", loss.how)
            holds(loss.severity in set(Severity), "a severity", loss.severity)


def unread(subject: Subject, found: Findings) -> None:
    """A request that goes on unread is what it was, but for the model."""
    dialect = subject.dialect
    for case in subject.cases:
        if case.request is None:
            continue
        with found.trying(f"{case.name}/request.json"):
            members = Members.parse(case.request)
            payload = Payload(dialect, members)
            kept = dialect.prepare(members)
            request = dialect.decode_request(kept)
            same(request.turns, payload.request.turns, "turns")
            same(request.tools, payload.request.tools, "tools")
            need = Need.TEMPERATURE
            asked = payload.request.sampling.temperature is not None
            same(dialect.asks(members, need), asked, "whether it asks for a temperature")
            cut = dialect.cut(members, [need])
            holds(not dialect.asks(cut, need), "no temperature once it is cut", "one")
            same(dialect.decode_request(cut).turns, payload.request.turns, "turns once it is cut")
