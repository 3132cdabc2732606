"""The family `linear`: its options, the text steps that help it, its entry."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from insula.text.preparation import WORD_STEPS
from insula.training.families.registry import Family
from insula.training.options.sections import ModelOptions


def _check_rising(lengths: tuple[int, int]) -> tuple[int, int]:
    if lengths[0] > lengths[1]:
        raise ValueError("the minimum length must not be above the maximum. Swap the two")
    return lengths


def _to_tuple(strengths: Any) -> Any:
    return (strengths,) if isinstance(strengths, int | float) else strengths


NgramRange = Annotated[tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]], AfterValidator(_check_rising)]


class LinearOptions(ModelOptions):
    """TF-IDF n-grams and logistic (or ridge) regression."""

    name: Literal["linear"] = "linear"
    word_ngrams: NgramRange = Field((1, 2), description="minimum and maximum length of word n-grams")
    char_ngrams: NgramRange | Literal["auto"] = Field(
        "auto", description="minimum and maximum length of character n-grams; auto: 2 to 5, for Chinese 1 to 3"
    )
    min_df: int = Field(2, ge=1, description="minimum number of training texts that contain an n-gram")
    strengths: Annotated[tuple[Annotated[float, Field(gt=0)], ...], BeforeValidator(_to_tuple)] = Field(
        (1.0, 3.0, 10.0),
        min_length=1,
        description="values of C (inverse regularisation) to try on validation rows; without validation rows, the "
        "smallest is used",
    )


def choose_linear_steps(options: ModelOptions) -> tuple[str, ...]:
    """Return the steps for n-grams.

    Stop words and word endings stay: n-grams of feeling words need their neighbours ("not a good"), and the
    regularisation gives unimportant n-grams a weight near zero.
    """
    return WORD_STEPS


FAMILY = Family(
    options=LinearOptions,
    fitter="insula.training.fitters.linear:fit",
    steps=choose_linear_steps,
    space={
        "model.word_ngrams": {"choices": ((1, 1), (1, 2), (1, 3))},
        "model.char_ngrams": {"choices": ("auto", (1, 3), (1, 4), (2, 5), (3, 6))},
        "model.min_df": {"low": 1, "high": 4},
        "model.strengths": {"low": 0.1, "high": 100.0, "log": True},
    },
    description="word and character n-grams, TF-IDF, logistic regression; trains in seconds, without torch",
)
