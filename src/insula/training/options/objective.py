"""The `objective` section of a recipe: the loss that training minimises."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from insula.training.options.sections import Section

Factor = Annotated[float, Field(ge=0, le=100)]


class ObjectiveOptions(Section):
    """The loss that training minimises, and the weights of its rows."""

    name: str = Field(
        "auto",
        description="loss: sigmoid, softmax, squared, ccc, corn, coral, focal or asymmetric; auto follows the label "
        "scheme",
    )
    class_weights: Literal["auto", "none", "balanced", "effective"] = Field(
        "auto",
        description="balanced: every class has the same total weight; effective: weight by the effective number of "
        "rows; auto: none, but linear tries balanced on validation",
    )
    beta: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.999, description="effective: 0 gives all rows the same weight, values near 1 come close to balanced"
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of each training label that is spread evenly over all classes"
    )
    soft_labels: bool = Field(False, description="train on the shares of the annotators' votes (data.votes)")
    r_drop: Factor = Field(0.0, description="R-Drop: weight of the divergence between two dropout passes; 0 is off")
    levels: Factor = Field(0.0, description="weight of the losses at the scheme's coarser levels; 0 is off")
    terms: dict[str, Factor] | None = Field(None, description="weights of loss terms from installed packages, by name")
    gamma: Factor = Field(2.0, description="focal: strength with which correctly predicted rows are down-weighted")
    gamma_negative: Factor = Field(
        4.0, description="asymmetric: strength with which correctly predicted absent labels are down-weighted"
    )
    gamma_positive: Factor = Field(
        1.0, description="asymmetric: strength with which correctly predicted present labels are down-weighted"
    )
    clip: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.05, description="asymmetric: absent labels with a probability below this have no loss"
    )
