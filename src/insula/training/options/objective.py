"""The `objective` section of a recipe: what training minimises."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from insula.training.options.sections import Section

Factor = Annotated[float, Field(ge=0, le=100)]


class ObjectiveOptions(Section):
    """What training minimises, and how its rows count."""

    name: str = Field(
        "auto",
        description="sigmoid, softmax, squared, ccc, corn, coral, focal or asymmetric; auto follows the label scheme",
    )
    class_weights: Literal["auto", "none", "balanced", "effective"] = Field(
        "auto",
        description="balanced: each class counts alike; effective: by its effective number of rows; auto: none, but "
        "linear tries balanced on validation",
    )
    beta: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.999, description="effective: 0 weighs rows alike, towards 1 it becomes balanced"
    )
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of each training label spread evenly over all classes"
    )
    soft_labels: bool = Field(False, description="learn the shares of annotators' votes (data.votes) where given")
    r_drop: Factor = Field(0.0, description="weight of the divergence between two dropout passes; 0 is one pass")
    levels: Factor = Field(
        0.0, description="weight of the losses of the scheme's coarser levels; 0 teaches the labels alone"
    )
    terms: dict[str, Factor] | None = Field(
        None, description="weights of further loss terms by name, for terms of installed packages"
    )
    gamma: Factor = Field(2.0, description="focal: how much less rows count that are already right")
    gamma_negative: Factor = Field(4.0, description="asymmetric: the same for labels that a row does not have")
    gamma_positive: Factor = Field(1.0, description="asymmetric: the same for labels that a row has")
    clip: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.05, description="asymmetric: absent labels with a probability below it do not count"
    )
