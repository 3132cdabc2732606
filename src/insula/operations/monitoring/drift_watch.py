"""`DriftWatch`: compares the messages of a stream, block by block, with the texts that the model was evaluated on.

Only a sample of the messages is read again, so that watching costs little; the counts of an unfinished block are stored
with the state of the stream, without any text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from insula.core.decision import Decisions
from insula.core.errors import NewerFormatError
from insula.core.scheme import LabelScheme
from insula.inference.predictor import Predictor
from insula.operations.monitoring.alerts import Finding
from insula.operations.monitoring.settings import DriftSettings

if TYPE_CHECKING:
    from insula.evaluation.drift.drift import AspectDrift
    from insula.evaluation.drift.reference import DriftReference, Observed

MAX_OBSERVED = 250
"""Messages of a batch of 2,000 that are observed: detecting the language takes as long as predicting with `static`."""


class ObservedMessages:
    """The messages of a batch that are observed, by their place in it."""

    def __init__(self, places: Sequence[int], observed: Observed) -> None:
        self._rows = {place: row for row, place in enumerate(places)}
        self.observed = observed

    def find_rows(self, taken: Sequence[int]) -> list[tuple[int, int]]:
        """Return the place in the batch and the row of each taken message that is observed."""
        return [(place, self._rows[place]) for place in taken if place in self._rows]


class DriftWatch:
    """Watches drift by the reference of a model."""

    def __init__(self, reference: DriftReference, scheme: LabelScheme, settings: DriftSettings) -> None:
        self._reference = reference
        self._scheme = scheme
        self._settings = settings
        self._digest = reference.digest

    @classmethod
    def open(cls, predictor: Predictor, settings: DriftSettings) -> DriftWatch | str | None:
        """Return the watch for a model, a sentence why there is none, or None if the settings switch it off."""
        from insula.evaluation.drift.reference import NO_REFERENCE, DriftReference

        if not settings.enabled or predictor.folder is None:
            return None
        if predictor.context.turns:
            return "Drift is not watched: the model reads conversations, and a stream has single messages."
        try:
            reference = DriftReference.read(predictor.folder)
        except NewerFormatError as error:
            return f"Drift is not watched. {error}"
        if reference is None:
            return f"Drift is not watched. {NO_REFERENCE}"
        return cls(reference, predictor.scheme, settings)

    def observe(self, predictor: Predictor, texts: Sequence[str], decisions: Decisions) -> ObservedMessages:
        """Return the messages of a batch that are observed, evenly spread."""
        from insula.inference.features.embedding import embed

        step = max(1, -(-len(texts) // MAX_OBSERVED))
        places = list(range(0, len(texts), step))
        chosen = [texts[place] for place in places]
        features = embed(predictor, chosen) if self._reference.has_embedding else None
        observed = self._reference.observe(self._scheme, chosen, decisions.of_rows(places), features)
        return ObservedMessages(places, observed)

    def check(
        self,
        state: Mapping[str, Any] | None,
        messages: ObservedMessages,
        taken: Sequence[int],
        times: Sequence[datetime],
    ) -> tuple[dict[str, Any], list[Finding]]:
        """Return the new state, and a finding for each block that is complete.

        taken  places of the counted messages in their batch
        times  by place
        """
        from insula.evaluation.drift.reference import TextCounts

        counts = TextCounts()
        if state is not None and state["reference"] == self._digest:
            counts = TextCounts.from_dict(state["counts"])
        findings, rows = [], messages.find_rows(taken)
        while rows:
            part, rows = rows[: self._settings.messages - counts.rows], rows[self._settings.messages - counts.rows :]
            counts = counts.add(messages.observed.count([row for _, row in part]))
            if counts.rows >= self._settings.messages:
                findings.append(self._compare(counts, times[part[-1][0]]))
                counts = TextCounts()
        return {"reference": self._digest, "counts": counts.to_dict()}, findings

    def _compare(self, counts: Any, moment: datetime) -> Finding:
        options = self._settings
        aspects = self._reference.compare(self._scheme, counts, alpha=options.alpha, min_size=options.min_size)
        drifted = [one for one in aspects if one.drifted]
        reason = f"{counts.rows:,} messages differ from the texts of training in {_list(drifted)}."
        facts = {
            "labels": [], "messages": counts.rows, "aspects": {one.aspect: round(one.size, 4) for one in aspects},
            "drifted": [one.aspect for one in drifted],
        }  # fmt: skip
        return Finding(bool(drifted), moment, reason, facts)


def _list(drifted: Sequence[AspectDrift]) -> str:
    return ", ".join(f"{one.aspect} ({one.size:.2f})" for one in drifted) or "nothing"
