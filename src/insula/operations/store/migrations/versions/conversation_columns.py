"""Add columns for earlier turns, speakers and targets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("predictions", "feedback")


def upgrade() -> None:
    """Add the columns; existing rows have no values in them."""
    for table in TABLES:
        op.add_column(table, sa.Column("turns", sa.JSON))
        op.add_column(table, sa.Column("speaker", sa.Text))
        op.add_column(table, sa.Column("target", sa.Text))


def downgrade() -> None:
    """Drop the columns."""
    for table in TABLES:
        for column in ("target", "speaker", "turns"):
            op.drop_column(table, column)
