"""The time at which each access key was last used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from insula.operations.store.tables import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; keys that exist have no value in it."""
    op.add_column("access_keys", sa.Column("last_used", UtcTime))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("access_keys", "last_used")
