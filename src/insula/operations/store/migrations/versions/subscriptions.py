"""The table of receivers that are notified of cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "subscriptions",
        sa.Column("receiver", sa.String(100), primary_key=True),
        sa.Column("event", sa.String(100), primary_key=True),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("subscriptions")
