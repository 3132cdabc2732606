"""The `adversarial` section of a recipe: losses on perturbed token vectors."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from insula.core.files import make_names_absolute
from insula.training.options.objective import Factor
from insula.training.options.sections import Section, Several


class AdversarialOptions(Section):
    """Adversarial training: losses on token vectors that are perturbed in the worst direction of length epsilon."""

    fgm: Factor = Field(
        0.0, description="weight of the loss after one gradient step on the token vectors (FGM); 0 is off"
    )
    pgd: Factor = Field(0.0, description="weight of the loss after several projected gradient steps (PGD); 0 is off")
    freelb: Factor = Field(
        0.0, description="weight of the mean loss over the gradient steps from a random start (FreeLB); 0 is off"
    )
    vat: Factor = Field(
        0.0, description="weight of the change in predictions under the worst perturbation (VAT), which needs no "
                         "labels; 0 is off"
    )  # fmt: skip
    epsilon: float = Field(1.0, gt=0, le=1000, description="norm of the perturbation of each text's token vectors")
    steps: int = Field(
        3, ge=1, le=20, description="pgd, freelb: number of gradient steps, each a forward and a backward pass"
    )
    step_size: float = Field(0.5, gt=0, le=1000, description="pgd, freelb: length of a step, before the projection")
    unlabelled: Several = Field((), description="vat: files of additional unlabelled texts")
    text: str | None = Field(
        None, description="text column of the unlabelled files; detected from common column names if not given"
    )

    @model_validator(mode="after")
    def _check_texts(self) -> Self:
        if self.unlabelled and not self.vat:
            raise ValueError("unlabelled texts need a loss without labels. Set adversarial.vat above 0")
        return self

    def with_absolute_paths(self) -> AdversarialOptions:
        """Return the section with absolute paths, for resuming from another working folder."""
        return self.model_copy(update={"unlabelled": make_names_absolute(self.unlabelled)})
