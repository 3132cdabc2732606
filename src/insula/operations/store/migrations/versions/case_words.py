"""The words behind the prediction of a case."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; cases that are stored have no value in it."""
    op.add_column("cases", sa.Column("words", sa.JSON))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("cases", "words")
