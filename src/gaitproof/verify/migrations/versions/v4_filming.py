"""How people were filmed."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Give recordings a domain, and them and reference people what they were filmed with."""
    op.add_column("recordings", sa.Column("domain", sa.String(700)))
    op.add_column("recordings", sa.Column("filming", sa.Text))
    op.add_column("reference_people", sa.Column("filming", sa.Text))
