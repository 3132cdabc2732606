"""The `robust` section of a recipe: losses over subgroups and counterfactual pairs."""

from __future__ import annotations

from pydantic import Field

from insula.training.options.objective import Factor
from insula.training.options.sections import Section, Share


class RobustOptions(Section):
    """Robust and fair training: the worst subgroup counts most, and counterfactual pairs constrain predictions."""

    group_dro: Share = Field(
        0.0, description="share of the loss on labels that is replaced by group DRO over data.subgroup; 0 is off"
    )
    group_rate: float = Field(
        0.01, gt=0, le=10, description="group_dro: how fast the weight of a subgroup with a high loss grows"
    )
    pairs: Factor = Field(
        0.0, description="weight of the loss on counterfactual pairs (rows with the same data.pair); 0 is off"
    )
    pair_margin: float = Field(
        1.0, gt=0, le=100, description="pairs: how far the log-odds of a pair with different labels must be apart"
    )
