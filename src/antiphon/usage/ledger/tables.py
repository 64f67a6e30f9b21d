"""The tables of the ledger.

A row of `attempts` is written once and never changed. `manifests` say what each shipped segment
held and are chained by hash; `usage_hourly` and `usage_daily` add up what manifests cover, so a
question over a year reads days, not attempts. Money is in billionths of a dollar, times are
microseconds since 1970, tokens stand in the usage words (DESIGN section 4).
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    column,
    event,
    table,
)

from antiphon.model.usage import Usage

SCHEMA = MetaData()
WORDS = Usage.__struct_fields__
"""The usage words, in the order of the columns."""
SUMMED = (*WORDS, "cost")
"""What of the rows of a segment its manifest adds up."""
KEYS = ("alias", "provider", "model", "key_id", "team", "department", "subject_id")
"""What usage is added up by, besides time."""
MEASURES = ("attempts", "failures", "estimates", *SUMMED, "duration")
"""What is added up."""
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""A key that the database counts up itself."""


def _words() -> list[Column[int]]:
    return [Column(word, BigInteger, nullable=False) for word in WORDS]


def _who() -> list[Column[str]]:
    names = ("key_id", "team", "department", "subject_id")
    return [Column(name, String, nullable=False) for name in names]


ledger = Table(
    "ledger",
    SCHEMA,
    Column("id", String, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
)
"""One row: the name by which journals know that they belong to this database."""

subjects = Table(
    "subjects",
    SCHEMA,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
)
"""People and applications of the configuration by their subject ids; to erase one is to delete the
row."""

attempts = Table(
    "attempts",
    SCHEMA,
    Column("number", NUMBER, primary_key=True),
    Column("request_id", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("owner", String, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    *_who(),
    Column("alias", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("model", String, nullable=False),
    Column("heard", String, nullable=False),
    Column("spoken", String, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("outcome", String, nullable=False),
    Column("error_code", String, nullable=False),
    Column("stop", String, nullable=False),
    Column("last", Boolean, nullable=False),
    Column("charge", String, nullable=False),
    *_words(),
    Column("cost", BigInteger, nullable=False),
    Column("cost_bound", BigInteger, nullable=False),
    Column("price_version", String, nullable=False),
    Column("first_byte", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("first_token", BigInteger, nullable=False),
    Column("request_total", BigInteger, nullable=False),
    Column("overhead", BigInteger, nullable=False),
    Column("warnings", Text, nullable=False),
    Column("checksum", BigInteger, nullable=False),
    UniqueConstraint("request_id", "attempt", name="uq_attempts_request"),
    Index("ix_attempts_segment", "owner", "segment", "position"),
    Index("ix_attempts_ended", "ended_at"),
)

unanswered = Table(
    "unanswered",
    SCHEMA,
    Column("request_id", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("ended_at", BigInteger, nullable=False),
    *_who(),
    Column("alias", String, nullable=False),
    Column("heard", String, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("status", Integer, nullable=False),
    Column("error_code", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("total", BigInteger, nullable=False),
    Index("ix_unanswered_ended", "ended_at"),
)
"""Requests that were refused, or for which every attempt failed."""

decisions = Table(
    "decisions",
    SCHEMA,
    Column("request_id", String, primary_key=True),
    Column("made_at", BigInteger, nullable=False),
    Column("decision", LargeBinary, nullable=False),
    Index("ix_decisions_made", "made_at"),
)
"""Why requests went where they went, as whoever decided wrote it; holds no content."""

segments = Table(
    "segments",
    SCHEMA,
    Column("owner", String, primary_key=True),
    Column("segment", Integer, primary_key=True),
    Column("shipped", Integer, nullable=False),
)
"""How far each segment that has no manifest yet was shipped: the offset behind the last record."""

manifests = Table(
    "manifests",
    SCHEMA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("segment", Integer, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    *_words(),
    Column("cost", BigInteger, nullable=False),
    Column("digest", String, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
    UniqueConstraint("kind", "owner", "segment", name="uq_manifests_segment"),
)
"""`shipped`: what a segment held. `retired`: its rows were deleted when their time was over."""

damage = Table(
    "damage",
    SCHEMA,
    Column("owner", String, primary_key=True),
    Column("segment", Integer, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("length", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("found_at", BigInteger, nullable=False),
)
"""Stretches of journals that could not be read."""


def _usage(name: str) -> Table:
    return Table(
        name,
        SCHEMA,
        Column("begins", BigInteger, primary_key=True),
        *(Column(key, String, primary_key=True) for key in KEYS),
        *(Column(measure, BigInteger, nullable=False) for measure in MEASURES),
    )


usage_hourly = _usage("usage_hourly")
usage_daily = _usage("usage_daily")

people = table("people", column("id", String), column("name", String))
"""Who stands behind a subject id, whether the configuration or the database knows them. A view:
people of the database stand in a table of the access that is above these (`access.tables`)."""

_VIEW = """
CREATE VIEW llm_usage AS
SELECT a.provider || '/' || a.model AS model, a.department AS department,
       COALESCE(s.name, a.subject_id) AS user_id,
       a.input_tokens + a.cache_read_tokens + a.cache_write_tokens + a.cache_write_1h_tokens
         + a.audio_input_tokens + a.image_tokens AS input_tokens,
       a.output_tokens + a.reasoning_tokens + a.audio_output_tokens AS output_tokens,
       a.ended_at / 1000000 AS timestamp
FROM attempts a LEFT JOIN people s ON s.id = a.subject_id
"""
"""For people with SQL: one line an attempt. `timestamp` is seconds since 1970."""
event.listen(SCHEMA, "after_create", DDL(_VIEW))
