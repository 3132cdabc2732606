"""`Contributions`: logits as a sum over pieces of a text."""

from __future__ import annotations

from dataclasses import dataclass

from insula.core.arrays import FloatArray, Int64Array


@dataclass(frozen=True)
class Contributions:
    """The contributions of the pieces of one prepared text to its logits, `base + weights.sum(axis=0)`.

    spans    (pieces, 2) start and end of each piece in the prepared text; pieces may overlap
    weights  (pieces, outputs) what each piece adds
    base     (outputs,) the logits without any piece
    """

    spans: Int64Array
    weights: FloatArray
    base: FloatArray
