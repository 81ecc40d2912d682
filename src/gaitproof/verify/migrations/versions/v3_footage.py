"""People of reference footage."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Make the table of version 0.2."""
    op.create_table(
        "reference_people",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("footage", sa.String(100), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("person", sa.Integer, nullable=False),
        sa.Column("model_id", sa.String(200), nullable=False),
        sa.Column("estimator", sa.String(200), nullable=False),
        sa.Column("windows", sa.Integer, nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("footage", "sha256", "person", "model_id", "estimator"),
    )
