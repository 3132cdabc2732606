"""`MeaningGuard`: drops changed texts that mean something else, as the bilingual encoder sees it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.core.errors import DataError
from insula.models.bilingual.sentence_encoder import SentenceEncoder, load_sentence_encoder


class MeaningGuard:
    """Compares changed texts with their originals.

    least  the least cosine similarity of a text that passes, above 0 and at most 1; the encoder finds even unrelated
           texts similar, so that useful values are near 1

    Raises `DataError` for another number, `MissingExtraError` if the encoder is not installed.
    """

    def __init__(self, least: float, encoder: SentenceEncoder | None = None) -> None:
        if not 0 < least <= 1:
            raise DataError(
                f"The minimum similarity of meaning must be above 0 and at most 1. Got {least}. Use one such as 0.9."
            )
        self.least = least
        self._encoder = encoder or load_sentence_encoder()

    def measure(self, text: str, changed: str) -> float:
        """Return the cosine similarity of two texts."""
        return float(self._encoder.compare(text, [changed])[0])

    def passes(self, text: str, changed: str) -> bool:
        """Return whether a changed text is close enough."""
        return self.measure(text, changed) >= self.least


def guard_augmenters(chosen: Mapping[str, Augmenter], guard: MeaningGuard) -> dict[str, Augmenter]:
    """Return augmenters whose copies pass the guard; methods that give a new label are exempt."""
    return {name: one if one.preserves == "nothing" else _guard(one, guard) for name, one in chosen.items()}


def _guard(augmenter: Augmenter, guard: MeaningGuard) -> Augmenter:
    def change(text: str, context: AugmentationContext) -> str | None:
        changed = augmenter.change(text, context)
        if changed is None or changed.strip() in ("", text.strip()) or guard.passes(text, changed):
            return changed
        return None

    return dataclasses.replace(augmenter, change=change)
