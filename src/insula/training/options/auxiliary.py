"""The `auxiliary` section of a recipe: other labelled sets, learnt beside the main one."""

from __future__ import annotations

from pydantic import Field

from insula.core.files import absolute_names
from insula.training.options.sections import Section, Several, Share


class AuxiliaryOptions(Section):
    """Multi-task training: sets with labels of their own share the network, each with a head that is dropped later."""

    sources: Several = Field((), description="files, folders or built-in sets; columns are found by usual names")
    alpha: Share = Field(
        0.5, description="rows an epoch grow with size^alpha: 1 takes all of each set, 0 as many as the main one has"
    )
    weight: float = Field(1.0, gt=0, le=100, description="how much their losses count beside the main one's")

    def lasting(self) -> AuxiliaryOptions:
        """Return the same with paths that still hold where the working folder is another, for resuming."""
        return self.model_copy(update={"sources": absolute_names(self.sources)})
