"""What face models make of enrolled videos; encryption."""

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"


def upgrade() -> None:
    """Make the table of faces, and room for names of ligatures on a server.

    Encrypted values lie where plain ones did. They make no other tables, but earlier releases must
    not read them.
    """
    op.create_table(
        "face_references",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "identity_id",
            sa.Integer,
            sa.ForeignKey("identities.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("model_id", sa.String(200), nullable=False),
        sa.Column("domain", sa.String(700)),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("scores", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("identity_id", "sha256", "model_id"),
    )
    if op.get_context().dialect.name == "postgresql":
        op.alter_column("identities", "key", type_=sa.Text)
