"""Identities, recordings, templates."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make the tables of version 0.1."""
    op.create_table(
        "meta",
        sa.Column("key", sa.String(40), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "identities",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String(400), nullable=False, unique=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
    )
    op.create_table(
        "recordings",
        sa.Column("id", sa.Integer, primary_key=True),
        _belongs_to("identities", "identity_id", nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("model_id", sa.String(200), nullable=False),
        sa.Column("estimator", sa.String(200), nullable=False),
        sa.Column("windows", sa.Integer, nullable=False),
        sa.Column("quality", sa.Text, nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("embeddings", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("identity_id", "sha256", "model_id", "estimator"),
    )
    op.create_table(
        "templates",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("uid", sa.String(16), nullable=False),
        _belongs_to("identities", "identity_id", nullable=False),
        sa.Column("model_id", sa.String(200), nullable=False),
        sa.Column("estimator", sa.String(200), nullable=False),
        sa.Column("recordings", sa.Integer, nullable=False),
        sa.Column("windows", sa.Integer, nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("superseded", sa.String(40)),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "template_recordings",
        _belongs_to("templates", "template_id", primary_key=True),
        _belongs_to("recordings", "recording_id", primary_key=True),
    )


def _belongs_to(table: str, name: str, **options: Any) -> sa.Column[int]:
    """Return a column that points into a table, and goes with the row that it points at."""
    return sa.Column(name, sa.Integer, sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), **options)
