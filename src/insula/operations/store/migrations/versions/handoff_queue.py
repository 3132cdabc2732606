"""The cases of the hand-off queue and their events, with triggers that keep both."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from insula.operations.store.tables import COUNTED, UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OPEN = "a case that is not closed cannot be deleted"
EVENTS = "events of cases can only be added"
_SQLITE = """
CREATE TRIGGER cases_kept BEFORE DELETE ON cases WHEN OLD.state <> 'closed'
    BEGIN SELECT RAISE(ABORT, '{open}'); END;
CREATE TRIGGER case_events_unchanged BEFORE UPDATE ON case_events BEGIN SELECT RAISE(ABORT, '{events}'); END;
CREATE TRIGGER case_events_kept BEFORE DELETE ON case_events BEGIN SELECT RAISE(ABORT, '{events}'); END
"""
_POSTGRESQL = """
CREATE FUNCTION insula_reject() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0]; END $$;
CREATE TRIGGER cases_kept BEFORE DELETE ON cases
    FOR EACH ROW WHEN (OLD.state <> 'closed') EXECUTE FUNCTION insula_reject('{open}');
CREATE TRIGGER cases_not_emptied BEFORE TRUNCATE ON cases EXECUTE FUNCTION insula_reject('{open}');
CREATE TRIGGER case_events_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON case_events
    EXECUTE FUNCTION insula_reject('{events}')
"""


def upgrade() -> None:
    """Create the tables and triggers."""
    op.create_table(
        "cases",
        sa.Column("id", COUNTED, primary_key=True),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("message", sa.String(200), nullable=False),
        sa.Column("queue", sa.String(100), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("risk", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("opened", UtcTime, nullable=False),
        sa.Column("due_from", UtcTime, nullable=False),
        sa.Column("due", UtcTime, nullable=False),
        sa.Column("escalated", UtcTime),
        sa.Column("agent", sa.String(200)),
        sa.Column("lease_from", UtcTime),
        sa.Column("lease_until", UtcTime),
        sa.Column("first_claimed", UtcTime),
        sa.Column("expired_leases", sa.Integer, nullable=False),
        sa.Column("times_reopened", sa.Integer, nullable=False),
        sa.Column("closed", UtcTime),
        sa.Column("outcome", sa.String(100)),
        sa.Column("delete_after", UtcTime),
        sa.Column("erased", UtcTime),
        sa.Column("rule", sa.String(200)),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("language", sa.String(20)),
        sa.Column("subject", sa.String(64)),
        sa.Column("text", sa.Text),
        sa.Column("turns", sa.JSON),
        sa.Column("speaker", sa.Text),
        sa.Column("target", sa.Text),
        sa.Column("customer", sa.JSON),
        sa.Column("reason", sa.Text),
        sa.Column("answer", sa.JSON),
        sa.Column("note", sa.Text),
        sa.UniqueConstraint("source", "message", name="cases_message"),
        sqlite_autoincrement=True,
    )
    op.create_index("cases_order", "cases", ["state", "risk", "due"])
    op.create_index("cases_lease", "cases", ["lease_until"])
    op.create_index("cases_delete_after", "cases", ["delete_after"])
    op.create_index("cases_subject", "cases", ["subject"])
    op.create_table(
        "case_events",
        sa.Column("number", COUNTED, primary_key=True),
        sa.Column("case_id", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("time", UtcTime, nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.UniqueConstraint("case_id", "version", name="case_events_version"),
        sqlite_autoincrement=True,
    )
    _run(_POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE)


def downgrade() -> None:
    """Drop the tables with their triggers."""
    op.drop_table("case_events")
    op.drop_table("cases")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION insula_reject()")


def _run(script: str) -> None:
    """Run one statement at a time, as drivers want it; a statement starts with a line `CREATE`."""
    for statement in script.format(open=OPEN, events=EVENTS).split("\nCREATE ")[1:]:
        op.get_bind().exec_driver_sql(f"CREATE {statement.strip().removesuffix(';')}")
