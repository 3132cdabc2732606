"""The tables of monitors: streams, ids of their messages, windows with label counts, and alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from insula.operations.store.tables import COUNTED, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "streams",
        sa.Column("id", COUNTED, primary_key=True),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("position", sa.Text),
        sa.Column("latest", sa.Double),
        sa.Column("closed_until", sa.BigInteger),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.Column("shifts", sa.JSON, nullable=False),
        sa.Column("updated", UtcTime, nullable=False),
        sa.UniqueConstraint("name", name="streams_name"),
    )
    op.create_table(
        "stream_messages",
        sa.Column("stream", sa.BigInteger, primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("seen", UtcTime, nullable=False),
    )
    op.create_index("stream_messages_seen", "stream_messages", ["seen"])
    op.create_table(
        "windows",
        sa.Column("id", COUNTED, primary_key=True),
        sa.Column("stream", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("attributes", sa.String(1000), nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("abstained", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("stream", "seconds", "start", "attributes", name="windows_key"),
    )
    op.create_index("windows_start", "windows", ["start"])
    op.create_table(
        "window_labels",
        sa.Column("window", sa.BigInteger, primary_key=True),
        sa.Column("level", sa.String(100), primary_key=True),
        sa.Column("label", sa.String(200), primary_key=True),
        sa.Column("messages", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("id", COUNTED, primary_key=True),
        sa.Column("stream", sa.BigInteger, nullable=False),
        sa.Column("rule", sa.String(100), nullable=False),
        sa.Column("raised", UtcTime, nullable=False),
        sa.Column("ended", UtcTime),
        sa.Column("window", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
    )
    op.create_index("alerts_rule", "alerts", ["stream", "rule", "raised"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("alerts", "window_labels", "windows", "stream_messages", "streams"):
        op.drop_table(table)
