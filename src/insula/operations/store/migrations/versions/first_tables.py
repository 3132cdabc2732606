"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from insula.operations.store.tables import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "access_keys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("lineage", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(100), nullable=False),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("expires", UtcTime),
        sa.Column("revoked", UtcTime),
        sa.Column("successor", sa.String(32)),
        sa.Column("texts_a_day", sa.BigInteger),
        sa.Column("calls_a_second", sa.Double),
        sa.Column("burst", sa.BigInteger),
    )
    op.create_table(
        "texts_used",
        sa.Column("caller", sa.String(200), primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("texts", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "predictions",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("delete_after", UtcTime, nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("language", sa.String(20)),
        sa.Column("subject", sa.String(64)),
        sa.Column("text", sa.Text),
        sa.Column("answer", sa.JSON, nullable=False),
    )
    op.create_table(
        "feedback",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("created", UtcTime, nullable=False),
        sa.Column("delete_after", UtcTime, nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("prediction", sa.String(36)),
        sa.Column("model", sa.String(200)),
        sa.Column("subject", sa.String(64)),
        sa.Column("text", sa.Text),
        sa.Column("labels", sa.JSON, nullable=False),
    )
    op.create_table(
        "store_secrets",
        sa.Column("name", sa.String(50), primary_key=True),
        sa.Column("value", sa.String(64), nullable=False),
    )
    for table in ("predictions", "feedback"):
        for column in ("created", "delete_after", "subject"):
            op.create_index(f"{table}_{column}", table, [column])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("store_secrets", "feedback", "predictions", "texts_used", "access_keys"):
        op.drop_table(table)
