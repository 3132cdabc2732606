"""The `distil` section of a recipe: learning from the answers of a teacher beside the labels."""

from __future__ import annotations

from pydantic import Field, model_validator

from insula.core.files import absolute_names
from insula.models.locate import locate_model
from insula.training.options.sections import Section, Several, Share


class DistilOptions(Section):
    """Learning from one or several trained models (Hinton, Vinyals and Dean 2015), also on texts without labels."""

    teachers: Several = Field(
        (), description="runs or model folders of the same labels; several answer by the mean of their probabilities"
    )
    unlabelled: Several = Field((), description="files of texts without labels, which the teachers judge")
    text: str | None = Field(None, description="column with the text in these files; found by its usual names")
    temperature: float = Field(2.0, ge=0.1, le=100, description="above 1 the teacher's small probabilities count more")
    weight: Share = Field(0.5, description="share of the teacher's part of the loss; the labels have the rest")

    @model_validator(mode="after")
    def _texts_have_a_teacher(self) -> DistilOptions:
        if self.unlabelled and not self.teachers:
            raise ValueError("unlabelled texts need a model that judges them: name it in distil.teachers")
        if self.teachers and not self.weight:
            raise ValueError("weight must be above 0 where there are teachers")
        return self

    def lasting(self) -> DistilOptions:
        """Return the same with paths that still hold where the working folder is another, for resuming."""
        return self.model_copy(
            update={
                "teachers": tuple(str(locate_model(teacher).absolute()) for teacher in self.teachers),
                "unlabelled": absolute_names(self.unlabelled),
            }
        )
