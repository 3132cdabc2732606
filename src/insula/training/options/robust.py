"""The `robust` section of a recipe: losses over subgroups and counterfactual pairs."""

from __future__ import annotations

from pydantic import Field

from insula.training.options.objective import Factor
from insula.training.options.sections import Section, Share


class RobustOptions(Section):
    """Robust and fair training: the worst subgroup counts most, and counterfactual pairs constrain predictions."""

    group_dro: Share = Field(
        0.0, description="share of the label loss that group DRO over data.subgroup replaces; 0 is off"
    )
    group_rate: float = Field(
        0.01, gt=0, le=10, description="group_dro: step size with which the weights of subgroups with a high loss grow"
    )
    pairs: Factor = Field(
        0.0, description="weight of the loss on counterfactual pairs (rows with the same data.pair); 0 is off"
    )
    pair_margin: float = Field(
        1.0, gt=0, le=100, description="pairs: minimum difference between the log-odds of a pair with different labels"
    )
