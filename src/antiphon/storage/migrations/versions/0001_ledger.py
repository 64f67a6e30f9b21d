"""The ledger: attempts, their manifests and sums, and the view for people with SQL."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_WORDS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "image_tokens",
)
_WHO = ("key_id", "team", "department", "subject_id")
_VIEW = """
CREATE VIEW llm_usage AS
SELECT a.provider || '/' || a.model AS model, a.department AS department,
       COALESCE(s.name, a.subject_id) AS user_id,
       a.input_tokens + a.cache_read_tokens + a.cache_write_tokens + a.cache_write_1h_tokens
         + a.audio_input_tokens + a.image_tokens AS input_tokens,
       a.output_tokens + a.reasoning_tokens + a.audio_output_tokens AS output_tokens,
       a.ended_at / 1000000 AS timestamp
FROM attempts a LEFT JOIN subjects s ON s.id = a.subject_id
"""


def upgrade() -> None:
    """Make every table."""
    _people()
    _rows()
    _proofs()
    _sums("usage_hourly")
    _sums("usage_daily")
    op.execute(_VIEW)


def _people() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "subjects",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )


def _rows() -> None:
    op.create_table(
        "attempts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        _text("request_id"),
        _small("attempt"),
        _text("owner"),
        _small("segment"),
        _small("position"),
        _large("started_at"),
        _large("ended_at"),
        *map(_text, _WHO),
        *map(_text, ("alias", "provider", "model", "heard", "spoken")),
        sa.Column("stream", sa.Boolean, nullable=False),
        *map(_text, ("outcome", "error_code", "stop")),
        sa.Column("last", sa.Boolean, nullable=False),
        _text("charge"),
        *map(_large, (*_WORDS, "cost", "cost_bound")),
        _text("price_version"),
        *map(_large, ("first_byte", "total", "first_token", "request_total", "overhead")),
        sa.Column("warnings", sa.Text, nullable=False),
        _large("checksum"),
        sa.UniqueConstraint("request_id", "attempt", name="uq_attempts_request"),
    )
    op.create_index("ix_attempts_segment", "attempts", ["owner", "segment", "position"])
    op.create_index("ix_attempts_ended", "attempts", ["ended_at"])
    op.create_table(
        "unanswered",
        sa.Column("request_id", sa.String, primary_key=True),
        _text("owner"),
        _small("segment"),
        _large("ended_at"),
        *map(_text, (*_WHO, "alias", "heard")),
        sa.Column("stream", sa.Boolean, nullable=False),
        _small("status"),
        _text("error_code"),
        sa.Column("message", sa.Text, nullable=False),
        _small("attempts"),
        _large("total"),
    )
    op.create_index("ix_unanswered_ended", "unanswered", ["ended_at"])


def _proofs() -> None:
    op.create_table(
        "segments",
        sa.Column("owner", sa.String, primary_key=True),
        sa.Column("segment", sa.Integer, primary_key=True),
        _small("shipped"),
    )
    op.create_table(
        "manifests",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        _text("kind"),
        _text("owner"),
        _small("segment"),
        _large("made_at"),
        _small("rows"),
        *map(_large, (*_WORDS, "cost")),
        *map(_text, ("digest", "previous", "hash")),
        sa.UniqueConstraint("kind", "owner", "segment", name="uq_manifests_segment"),
    )
    op.create_table(
        "damage",
        sa.Column("owner", sa.String, primary_key=True),
        sa.Column("segment", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        _small("length"),
        _text("reason"),
        _large("found_at"),
    )


def _sums(name: str) -> None:
    keys = ("alias", "provider", "model", "key_id", "team", "department", "subject_id")
    op.create_table(
        name,
        sa.Column("begins", sa.BigInteger, primary_key=True),
        *(sa.Column(key, sa.String, primary_key=True) for key in keys),
        *map(_large, ("attempts", "failures", "estimates", *_WORDS, "cost", "duration")),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=False)


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _large(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
