"""`asymmetric`: labels that a row does not have, which are most, count less than those it has (Ridnik et al. 2021)."""

from __future__ import annotations

from functools import partial

import torch
from torch.nn import functional as F

from insula.core.scheme import Kind
from insula.training.objectives.objective import Objective, ObjectiveEntry, Targets
from insula.training.objectives.per_label import per_label
from insula.training.options.objective import ObjectiveOptions


def asymmetric(
    logits: torch.Tensor, wanted: torch.Tensor, gamma_negative: float, gamma_positive: float, clip: float
) -> torch.Tensor:
    """Return -y (1 - p)^g+ log p - (1 - y) q^g- log(1 - q) an element, with q = max(p - clip, 0).

    p is the sigmoid of the logit; equations 5 and 7 of the paper (ICCV 2021). With both gammas 0 and clip 0 it is the
    binary cross-entropy.
    """
    yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
    has = (gamma_positive * no).exp() * yes
    if clip == 0:
        has_not = (gamma_negative * yes).exp() * no
    else:
        shifted = logits.sigmoid() - clip
        counts = shifted > 0
        # The power has no finite derivative at 0; what does not count gets a harmless 0.5, and is then left out.
        q = torch.where(counts, shifted, 0.5)
        has_not = torch.where(counts, q**gamma_negative * torch.log1p(-q), 0.0)
    return -wanted * has - (1 - wanted) * has_not


def _build(options: ObjectiveOptions, kind: Kind, label_weights: Targets | None) -> Objective:
    elements = partial(
        asymmetric, gamma_negative=options.gamma_negative, gamma_positive=options.gamma_positive, clip=options.clip
    )
    return per_label(elements, label_weights)


ASYMMETRIC = ObjectiveEntry(_build, ("binary", "multi"), options=("gamma_negative", "gamma_positive", "clip"))
