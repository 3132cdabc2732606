"""`add_words`: the words of a case, for receivers that ask for texts.

The outbox has none: they are read when a notification is sent, so that a person's words are erased in one place.
"""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from insula.operations.handoff.case_rows import read_case
from insula.operations.handoff.notifications import EVENTS, WORDS
from insula.operations.outbox.outbox import Notification
from insula.operations.outbox.receivers import Receiver
from insula.operations.store.database import Database
from insula.operations.store.tables import CASES


def add_words(database: Database, receiver: Receiver, notification: Notification) -> Notification:
    """Return the notification with the masked words of its case as they are now, if the receiver asks for texts."""
    if receiver.texts != "masked" or notification.event not in EVENTS:
        return notification
    with database.begin_read() as connection:
        query = sa.select(CASES).where(CASES.c.id == notification.data["case"])
        row = connection.execute(query).mappings().one_or_none()
    words = {} if row is None else {name: read_case(row).to_dict()[name] for name in WORDS}
    return replace(notification, data={**notification.data, **words})
