"""The people of the ledger and of the access as one view, for whoever wants names."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PEOPLE = """
CREATE VIEW people AS
SELECT id, name FROM subjects UNION ALL SELECT id, name FROM users
"""
_USAGE = """
CREATE VIEW llm_usage AS
SELECT a.provider || '/' || a.model AS model, a.department AS department,
       COALESCE(s.name, a.subject_id) AS user_id,
       a.input_tokens + a.cache_read_tokens + a.cache_write_tokens + a.cache_write_1h_tokens
         + a.audio_input_tokens + a.image_tokens AS input_tokens,
       a.output_tokens + a.reasoning_tokens + a.audio_output_tokens AS output_tokens,
       a.ended_at / 1000000 AS timestamp
FROM attempts a LEFT JOIN people s ON s.id = a.subject_id
"""


def upgrade() -> None:
    """Make the view, and let the one for people with SQL read it."""
    op.execute(_PEOPLE)
    op.execute("DROP VIEW llm_usage")
    op.execute(_USAGE)
