"""`Predictions`: the predictions of a service, in the order of the texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from insula.core.model_input import ModelInput, TextOrInput, Turn
from insula.core.prediction import Prediction, PriorDecision


class Predictions(list[Prediction]):
    """The predictions of a service in the order of the texts, and the context that the model reads.

    model, version  the model that answered; None if no text was sent
    context_turns   number of earlier turns that it reads; 0 for none
    reads_target    whether it reads a target
    unread          number of texts with earlier turns or a target that the model does not read
    truncated       number of texts that are longer than the model reads
    """

    def __init__(self) -> None:
        super().__init__()
        self.model: str | None = None
        self.version: str | None = None
        self.context_turns = 0
        self.reads_target = False
        self.unread = 0
        self.truncated = 0

    def add(self, answer: Mapping[str, Any], inputs: Sequence[TextOrInput | Turn]) -> None:
        """Append the predictions that one response has for these inputs."""
        self.model, self.version = answer.get("model"), answer.get("version")
        # A service of an older insula does not report what its models read.
        self.context_turns = answer.get("context_turns", 0)
        self.reads_target = answer.get("reads_target", False)
        self.unread += answer.get("unread", 0)
        self.truncated += answer.get("truncated", 0)
        for one, row in zip(inputs, answer["predictions"], strict=True):
            given = one if isinstance(one, ModelInput) else None
            self.append(
                Prediction(
                    text=one if isinstance(one, str) else one.text,
                    labels=tuple(row["labels"]),
                    **{name: row[name] for name in ("label", "scores", "confidence", "abstained")},
                    language=given.language if given else None,
                    id=given.id if given else None,
                    truncated=row.get("truncated") or False,
                    at_risk=row.get("at_risk") or False,
                    rules=tuple(row.get("rules") or ()),
                    before=PriorDecision.from_dict(row.get("before")),
                )
            )
