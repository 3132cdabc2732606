"""`MessageBatch`: predicted messages with the windows in which they are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import Decisions
from insula.core.model_input import ModelInput
from insula.inference.predictor import Predictor
from insula.operations.monitoring.counting import Key, MessageCounter, WindowCount, matches
from insula.operations.monitoring.drift_watch import DriftWatch, ObservedMessages
from insula.operations.streams.message import StreamMessage


@dataclass(frozen=True)
class MessageBatch:
    """Messages with different ids, in their order.

    keys       the window of each message
    flags      (messages, columns) its labels and those of coarser levels
    hits       for each alert (messages,) whether the alert counts it
    is_future  whether its time was in the future and was replaced
    observed   the messages that are compared with the texts of training; None if drift is not watched
    """

    counting: MessageCounter
    messages: Sequence[StreamMessage]
    keys: Sequence[Key]
    decisions: Decisions
    flags: NDArray[np.bool_]
    hits: Sequence[NDArray[np.bool_]]
    is_future: Sequence[bool]
    observed: ObservedMessages | None = None

    @property
    def ids(self) -> list[str]:
        """The ids of the messages."""
        return [message.id for message in self.messages]

    def count(self, some: Sequence[int]) -> Mapping[Key, WindowCount]:
        """Return the counts of some of the messages."""
        places = np.array(some, dtype=np.int64)
        keys = [self.keys[place] for place in places]
        hits = [marked[places] for marked in self.hits]
        return self.counting.count(keys, self.decisions.of_rows(places), self.flags[places], hits)

    def choose_clocks(self, some: Sequence[int]) -> Sequence[int]:
        """Return those of some messages whose times close windows: messages with a time of their own, if there are any.

        One message with a wrong clock among old ones must not make all others late.
        """
        own = [place for place in some if self.messages[place].has_time and not self.is_future[place]]
        return own or some

    def has_attributes(self, where: Mapping[str, str], place: int) -> bool:
        """Whether the message at a position has these attributes."""
        return matches(where, self.keys[place][1])


def predict_messages(
    predictor: Predictor,
    counting: MessageCounter,
    messages: Sequence[StreamMessage],
    now: datetime,
    limit: datetime,
    watch: DriftWatch | None = None,
) -> MessageBatch:
    """Predict messages. A time after `limit` is replaced by `now`: it comes from a wrong clock."""
    is_future = [message.time > limit for message in messages]
    timed = [replace(one, time=now) if wrong else one for one, wrong in zip(messages, is_future, strict=True)]
    decisions = predictor.decide([ModelInput(one.text, language=one.language) for one in timed])
    groups = [counting.find_group(message) for message in timed]
    flags = counting.find_flags(decisions)
    keys = [(counting.find_start(message), group) for message, group in zip(timed, groups, strict=True)]
    observed = None if watch is None else watch.observe(predictor, [one.text for one in timed], decisions)
    return MessageBatch(counting, timed, keys, decisions, flags, counting.find_hits(flags, groups), is_future, observed)
