"""The index by which the corrections of a prediction are found."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("feedback_prediction", "feedback", ["prediction"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("feedback_prediction", "feedback")
