"""Joint angles over the gait cycle, for explanations."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade() -> None:
    """Give recordings a profile."""
    op.add_column("recordings", sa.Column("profile", sa.LargeBinary))
