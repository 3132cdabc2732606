"""The families `lstm` and `gru`: their options and their entries."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from insula.training.families.registry import NEURAL_PACKAGES, Family
from insula.training.families.scratch import SCRATCH_TRAIN, ScratchOptions, choose_scratch_steps, locate_vectors


class RecurrentOptions(ScratchOptions):
    """Recurrent layers over words."""

    architecture: ClassVar[str] = "insula-recurrent"

    states: int = Field(128, ge=1, description="width of the states of each layer and direction")
    layers: int = Field(1, ge=1, le=16, description="number of stacked layers")
    bidirectional: bool = Field(True, description="whether layers also read from right to left")
    pooling: Literal["attention", "mean"] = Field("attention", description="pooling of states into one vector")


class LstmOptions(RecurrentOptions):
    """Long short-term memory over words, in both directions, with attention."""

    fixed: ClassVar[dict[str, Any]] = {"cell": "lstm"}

    name: Literal["lstm"] = "lstm"


class GruOptions(RecurrentOptions):
    """Gated recurrent units over words, in both directions, with attention."""

    fixed: ClassVar[dict[str, Any]] = {"cell": "gru"}

    name: Literal["gru"] = "gru"


def _build_family(options: type[RecurrentOptions], what: str) -> Family:
    return Family(
        options=options,
        fitter="insula.training.fitters.scratch:fit",
        steps=choose_scratch_steps,
        locate=locate_vectors,
        extra="train",
        packages=NEURAL_PACKAGES,
        description=f"{what} over words, trained from scratch; minutes to train, needs insula[train]",
        train=SCRATCH_TRAIN,
        layered=True,
        differentiable=True,
    )


LSTM = _build_family(LstmOptions, "bidirectional LSTM with attention")
GRU = _build_family(GruOptions, "bidirectional GRU with attention")
