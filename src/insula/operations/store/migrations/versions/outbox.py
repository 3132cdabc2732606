"""The table of notifications on their way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from insula.operations.store.tables import COUNTED, UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "outbox",
        sa.Column("id", COUNTED, primary_key=True),
        sa.Column("receiver", sa.String(100), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("event", sa.String(100), nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", UtcTime, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("receiver", "key", name="outbox_key"),
    )
    op.create_index("outbox_due", "outbox", ["receiver", "state", "due"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("outbox")
