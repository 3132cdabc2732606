"""The `distil` section of a recipe: learning from the predictions of teacher models as well as from labels."""

from __future__ import annotations

from pydantic import Field, model_validator

from insula.core.files import make_names_absolute
from insula.models.locate import locate_model
from insula.training.options.sections import Section, Several, Share


class DistilOptions(Section):
    """Distillation from one or several trained models (Hinton, Vinyals and Dean 2015), also on unlabelled texts."""

    teachers: Several = Field(
        (),
        description="teachers: runs or model folders with the same labels; the probabilities of several are averaged",
    )
    unlabelled: Several = Field((), description="files of unlabelled texts for the teachers to score")
    text: str | None = Field(
        None, description="text column of the unlabelled files; detected from common column names if not given"
    )
    temperature: float = Field(
        2.0, ge=0.1, le=100, description="softmax temperature; above 1, small probabilities of the teacher count more"
    )
    weight: Share = Field(
        0.5, description="share of the distillation loss in the total loss; the rest is the loss on the labels"
    )

    @model_validator(mode="after")
    def _check_teachers(self) -> DistilOptions:
        if self.unlabelled and not self.teachers:
            raise ValueError("unlabelled texts need a teacher that scores them. Choose one in distil.teachers")
        if self.teachers and not self.weight:
            raise ValueError("`weight` must be above 0 with teachers. Raise it, or leave distil.teachers out")
        return self

    def with_absolute_paths(self) -> DistilOptions:
        """Return the section with absolute paths, for resuming from another working folder."""
        return self.model_copy(
            update={
                "teachers": tuple(str(locate_model(teacher).absolute()) for teacher in self.teachers),
                "unlabelled": make_names_absolute(self.unlabelled),
            }
        )
