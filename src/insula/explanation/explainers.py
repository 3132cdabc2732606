"""The explainers: one registry; each gives every word of a text a weight for every label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from insula.core.arrays import Float64Array
from insula.core.registry import Registry
from insula.explanation.masked_predictor import MaskedPredictor

ComputeWeights = Callable[[MaskedPredictor, int], Float64Array]
"""`(masked, evaluations) -> (words, columns)`: weights, with the columns of `MaskedPredictor.evidence`.

A method that can choose computes at most `evaluations` variants of the text.
"""


@dataclass(frozen=True)
class Explainer:
    """A method of explanation.

    weigh    computes the weights
    cost     the least that it computes, from the numbers of words and of labels to explain: in readings of the whole
             text, since shorter variants of it take less time
    warning  a sentence for the reader of its weights; empty for most
    """

    weigh: ComputeWeights
    cost: Callable[[int, int], float]
    warning: str = ""


explainers: Registry[Explainer] = Registry("explainers")
for _name in ("exact", "occlusion", "contexts", "alone", "partition", "surrogate"):
    explainers.register(_name, f"insula.explanation.methods.{_name}:EXPLAINER")
explainers.register("attention-rollout", "insula.explanation.methods.attention:EXPLAINER")
explainers.register("gradient-x-input", "insula.explanation.methods.gradients:GRADIENT_X_INPUT")
explainers.register("integrated-gradients", "insula.explanation.methods.gradients:INTEGRATED_GRADIENTS")
