"""The `auxiliary` section of a recipe: further labelled sets for multi-task training."""

from __future__ import annotations

from pydantic import Field

from insula.core.files import make_names_absolute
from insula.training.options.sections import Section, Several, Share


class AuxiliaryOptions(Section):
    """Multi-task training: sets with other labels share the network; each has a head that is dropped after training."""

    sources: Several = Field(
        (),
        description="auxiliary data sets: files, folders or built-in sets; columns are detected from common names",
    )
    alpha: Share = Field(
        0.5,
        description="exponent of the rows per epoch, which grow with size^alpha: 1 uses every row of each set, 0 as "
        "many as the main set has",
    )
    weight: float = Field(1.0, gt=0, le=100, description="weight of the auxiliary losses; the main loss has weight 1")

    def with_absolute_paths(self) -> AuxiliaryOptions:
        """Return the section with absolute paths, for resuming from another working folder."""
        return self.model_copy(update={"sources": make_names_absolute(self.sources)})
