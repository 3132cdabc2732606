"""Explanations of predictions: words behind one prediction, words behind each label, counterfactuals, effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.core.environment import require
from insula.core.files import atomic_file
from insula.core.model_input import ModelInput, as_inputs
from insula.core.moved import renamed_arguments
from insula.core.outputs import require_result_file
from insula.core.progress import Progress, choose_progress
from insula.core.starter import STARTER
from insula.data.formats.formats import ReadOptions
from insula.data.load import read_examples
from insula.data.sources.sources import SourceName, list_source_names
from insula.evaluation.document import stamp_document
from insula.explanation.counterfactual import Counterfactual, find_counterfactual
from insula.explanation.effects.file import Effects, measure_file_effects, measure_input_effects
from insula.explanation.explain import explain_input
from insula.explanation.explanation import Explanation
from insula.explanation.files import ExplainedFile, build_counterfactual_explainer, build_word_explainer
from insula.explanation.files import explain_file as run_file
from insula.explanation.nearest import NearestExamples, NearestFinder
from insula.explanation.overview.document import GlobalExplanation
from insula.explanation.overview.overview import explain_texts
from insula.explanation.overview.page import write_global_explanation
from insula.explanation.plan import AUTO
from insula.explanation.scoring import ScoredExplanations, score_file, score_rows
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from insula.models.locate import locate_model
from insula.models.provenance import choose_evaluation_options, load_training_dataset, sample_texts

if TYPE_CHECKING:  # they need torch
    from insula.explanation.language_models import CausalLanguageModel, MaskedLanguageModel


@renamed_arguments(trust="faithfulness")
def explain(
    texts: str | ModelInput | Mapping[str, Any] | Sequence[str | ModelInput | Mapping[str, Any]],
    model: str | Path | Predictor = STARTER,
    *,
    method: str = AUTO,
    labels: Sequence[str] = (),
    budget: float | None = None,
    faithfulness: bool = True,
) -> list[Explanation]:
    """Return one explanation per text, in order: how much each word raised or lowered the score of each label.

    method  `exact` (linear and static models), `occlusion`, `contexts` (occlusion in three contexts), `partition`
            (Shapley values), `surrogate` (as LIME), `alone`; `auto` uses `exact` if the model is a sum over words,
            else `contexts`
    labels  labels to explain; default: the predicted ones, or the one with the highest score
    budget  milliseconds per text; insula chooses a method that fits
    faithfulness  whether to measure how faithful each explanation is to the model

    Raises `DataError` for a text without words, an unknown label, and `exact` for other models.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    inputs = as_inputs([texts] if isinstance(texts, str | ModelInput | Mapping) else texts)
    return [
        explain_input(predictor, one, method=method, labels=labels, budget=budget, with_faithfulness=faithfulness)
        for one in inputs
    ]


def find_counterfactuals(
    texts: str | ModelInput | Mapping[str, Any] | Sequence[str | ModelInput | Mapping[str, Any]],
    model: str | Path | Predictor = STARTER,
    *,
    masked_model: str | None = None,
    language_model: str | None = None,
) -> list[Counterfactual]:
    """Return for each text the smallest edit found that changes its labels, and one of the same size that does not.

    An edit replaces words by words of the opposite meaning, adds or removes a negation, or deletes words; English and
    Chinese. Its size is the number of words that it changes. `valid` is False where no edit of up to six places changes
    the labels.

    masked_model    folder of a masked language model, such as one of `insula pretrain`: it proposes further words
    language_model  folder of a causal language model, or `smollm2` (English): results have the perplexity of the texts

    Raises `DataError` for a text without words, a dimensional model, and a language model that cannot be used,
    `MissingExtraError` without torch.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    inputs = as_inputs([texts] if isinstance(texts, str | ModelInput | Mapping) else texts)
    masked, causal = _open_language_models(masked_model, language_model)
    return [find_counterfactual(predictor, one, masked=masked, causal=causal) for one in inputs]


def _open_language_models(
    masked_model: str | None, language_model: str | None
) -> tuple[MaskedLanguageModel | None, CausalLanguageModel | None]:
    if masked_model is None and language_model is None:
        return None, None
    for library in ("torch", "transformers"):
        require(library, extra="train", purpose="use a language model for counterfactuals")
    from insula.explanation.language_models import CausalLanguageModel, MaskedLanguageModel

    return (
        None if masked_model is None else MaskedLanguageModel(masked_model),
        None if language_model is None else CausalLanguageModel(language_model),
    )


@renamed_arguments(trust="faithfulness")
def explain_file(
    source: str | Path,
    output: str | Path,
    model: str | Path | Predictor = STARTER,
    *,
    text: str | None = None,
    method: str = AUTO,
    labels: Sequence[str] = (),
    budget: float | None = None,
    faithfulness: bool = True,
    counterfactual: bool = False,
    masked_model: str | None = None,
    language_model: str | None = None,
    resume: bool = False,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    progress: Progress | None = None,
) -> ExplainedFile:
    """Write every row of a file with its prediction and explanation to `output`, in order, in constant memory.

    output  CSV, TSV, JSON Lines, Parquet or Arrow by its name; `-` is standard output, as JSON Lines. JSON Lines keeps
            the explanation as an object, the others as JSON text
    text    column with the text; default detected from common column names
    resume  resume an interrupted run of the same job
    counterfactual  write the smallest edit that changes the labels instead of the weights of words

    The other arguments are those of `explain` and, with `counterfactual`, of `find_counterfactuals`; those of the other
    one are not read. The result counts rows without a text, with line and reason of the first.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    if counterfactual:
        masked, causal = _open_language_models(masked_model, language_model)
        work = build_counterfactual_explainer(
            predictor, names=(masked_model, language_model), masked=masked, causal=causal
        )
    else:
        work = build_word_explainer(
            predictor, method=method, labels=labels, budget=budget, with_faithfulness=faithfulness
        )
    return run_file(
        predictor,
        source,
        output,
        work,
        text=text,
        resume=resume,
        reading=ReadOptions(input_format, separator, header),
        progress=progress,
    )


def measure_effects(
    data: str | Path | Sequence[str | ModelInput | Mapping[str, Any]],
    features: Sequence[str],
    model: str | Path | Predictor = STARTER,
    *,
    text: str | None = None,
    seed: int = 0,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    progress: Progress | None = None,
) -> Effects:
    """Measure how much features of texts change the scores of a model, by intervention and by correlation.

    data      a file, or texts and inputs; labels are not needed
    features  `negation`, `intensifier`, `emotion-word`, `identity` (gender of pronouns and nouns), `name` (gender of
              first names), `token:WORD` for any word; English and Chinese
    seed      of the words that are inserted, and of the bootstrap for the 95% intervals

    The model scores each text with and without the feature. Raises `DataError` without rows or features,
    `UnknownNameError` for another feature, `MissingFileError`.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    if not isinstance(data, str | Path):
        return measure_input_effects(predictor, as_inputs(data), features, seed=seed)
    reading = ReadOptions(input_format, separator, header)
    return measure_file_effects(
        predictor, data, features, text=text, reading=reading, seed=seed, progress=progress
    )  # fmt: skip


def score_explanations(
    explanations: str | Path | Sequence[Mapping[str, Any]],
    model: str | Path | Predictor = STARTER,
    *,
    seed: int = 0,
    input_format: str | None = None,
    progress: Progress | None = None,
) -> ScoredExplanations:
    """Measure how faithful the word weights of another tool are to a model.

    explanations  a file (JSON Lines, JSON, Parquet) or rows. Each has `text`; `words`, a list of words or tokens as
                  they follow in the text, or of [start, end], or of objects with `start` and `end`; `weights`, a number
                  for each word, or an object with such a list for each label; and `label`, for weights of one label
                  (default: the label with the highest score)
    seed          of the random ranking that the figures are compared with

    The result has comprehensiveness and sufficiency of the weights, of occlusion, and of a random ranking of the same
    words. Raises `DataError` for words that are not in the text, other weights than words, and unknown labels.
    """
    predictor = model if isinstance(model, Predictor) else Predictor.load(model)
    if isinstance(explanations, str | Path):
        reading = ReadOptions(input_format, None, None)
        return score_file(predictor, explanations, reading=reading, seed=seed, progress=progress)
    numbered = ((f"row {number}", row) for number, row in enumerate(explanations, 1))
    return score_rows(predictor, numbered, seed=seed, progress=progress)


def explain_model(
    source: SourceName | None = None,
    model: str | Path = STARTER,
    *,
    method: str = AUTO,
    labels: Sequence[str] = (),
    rows: int | None = None,
    seed: int = 0,
    text: str | None = None,
    format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    output: str | Path | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> GlobalExplanation:
    """Return the words and phrases that raise and lower the score of each label, averaged over many texts.

    source   rows with texts: files, a folder or a built-in data set; labels are not read. Default: the training data
             that the run records
    model    a run, a model folder, or the name of a run
    method   as in `explain`
    labels   labels to describe; default: all, of a binary scheme the positive one
    rows     largest number of rows, drawn with the seed; default: 2,000 with `exact`, else 300
    text, format, separator, header   how the rows are read (see `DataOptions`)
    output   `.html` for a page, `.json` for the result as JSON; None writes nothing
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Personal data in the texts is masked before they are explained. The same rows, model and seed give the same result,
    apart from the time. Raises `DataError` without texts and for an unknown label, `OutputError`, `MissingFileError`,
    `UnknownNameError`, `ModelFolderError`.
    """
    progress = choose_progress(progress)
    place = locate_model(model)
    folder = open_folder(place)
    if output is not None:
        require_result_file(output, place, *(() if source is None else list_source_names(source)), overwrite=True)
    # Opened before the work, so that a place that cannot be written is an error at once.
    with nullcontext() if output is None else atomic_file(output) as file:
        texts = sample_texts(
            folder, source, text=text, progress=progress, format=format, separator=separator, header=header
        )
        found = explain_texts(
            Predictor.load(place), texts, method=method, labels=labels, rows=rows, seed=seed, progress=progress
        )
        stamp = stamp_document(command)
        document = found.model_copy(
            update={
                "format_version": 1, "insula_version": stamp["insula_version"], "created": stamp["created"],
                "command": command, "model": str(model), "family": folder.family,
                "data": "training data" if source is None else ", ".join(map(str, list_source_names(source))),
            }
        )  # fmt: skip
        if file is not None and Path(str(output)).suffix == ".html":
            write_global_explanation(file, document)
        elif file is not None:
            document.write(file)
    return document


def find_nearest(
    texts: str | ModelInput | Mapping[str, Any] | Sequence[str | ModelInput | Mapping[str, Any]],
    model: str | Path = STARTER,
    *,
    data: SourceName | None = None,
    count: int = 5,
    progress: Progress | None = None,
) -> list[NearestExamples]:
    """Return for each text, in order, the most similar training rows, with the predicted label and with other labels.

    data   the training rows; default: those that the run records. A model folder holds no rows, so for a model without
           its run this is needed
    count  largest number of rows of each side

    Similarity is the cosine of the features that the model's own layers read (`linear`, `static`), for other families
    of TF-IDF features. It indicates influence, and does not measure it. Raises `DataError` without rows, for an empty
    text and for a model that predicts values; `MissingFileError` if the recorded rows are gone.
    """
    progress = choose_progress(progress)
    place = locate_model(model)
    folder = open_folder(place)
    if data is None:
        rows = load_training_dataset(folder).training_rows
    else:
        options, _ = choose_evaluation_options(place, data)
        rows, notes = read_examples(data, options, folder.scheme)
        for note in notes:
            progress.say(note)
    finder = NearestFinder(Predictor.load(place), rows)
    inputs = as_inputs([texts] if isinstance(texts, str | ModelInput | Mapping) else texts)
    return [finder.find(one, count=count) for one in inputs]
