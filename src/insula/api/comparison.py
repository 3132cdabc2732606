"""`compare`: two models, or two groups of seeds, on the same unseen rows."""

from __future__ import annotations

import dataclasses
import datetime
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from insula import __version__
from insula.core.decision import Decisions
from insula.core.errors import DataError, LeakError
from insula.core.example import Example
from insula.core.outputs import make_results_folder
from insula.core.progress import Progress, choose_progress
from insula.core.scheme import LabelScheme
from insula.core.sentences import pluralise
from insula.core.targets import build_gold_matrix
from insula.data.load import has_column, read_examples
from insula.data.options import DataOptions
from insula.data.sources.sources import SourceName, list_source_names
from insula.data.splits.compared import join_last_turn
from insula.evaluation.comparison_document import (
    ComparedModel,
    ComparedRows,
    ComparedSide,
    ComparisonDocument,
    SideHeadline,
)
from insula.evaluation.document import MetricsDocument, SchemeRecord
from insula.evaluation.evaluate import evaluate
from insula.evaluation.head_to_head import compare_head_to_head
from insula.evaluation.reports.comparison_page import describe_verdict, write_comparison
from insula.inference.predictor import Predictor
from insula.models.folder import MODEL, ModelFolder, open_folder
from insula.models.locate import locate_model
from insula.models.provenance import (
    choose_evaluation_options,
    choose_training_source,
    find_seen_rows,
    load_training_dataset,
    read_recorded_options,
)
from insula.training.run_folder import RUN

COMPARISON_VERSION = 1
Models = str | Path | Sequence[str | Path]


@dataclass(frozen=True, repr=False)
class ComparisonRun:
    """The result of a comparison.

    document   the figures, typed; `result` is the same in plain JSON types, as in `compare.json`
    path       the folder with `compare.json` and `compare.html`; None if nothing was written
    """

    document: ComparisonDocument
    path: Path | None

    def __repr__(self) -> str:
        return f"ComparisonRun({self.document.a.name!r}, {self.document.b.name!r}, {describe_verdict(self.document)!r})"

    @cached_property
    def result(self) -> Mapping[str, Any]:
        """The content of `compare.json`."""
        return self.document.to_dict()


def compare(
    a: Models,
    b: Models,
    *,
    data: SourceName | None = None,
    text: str | Sequence[str] | None = None,
    label: str | Sequence[str] | None = None,
    label_names: str | None = None,
    context: str | Sequence[str] | None = None,
    dialogue: str | None = None,
    turn: str | None = None,
    speaker: str | None = None,
    target: str | None = None,
    format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    group: str | None = None,
    output: str | Path | None = None,
    resamples: int = 1000,
    seed: int = 0,
    command: str = "",
    progress: Progress | None = None,
) -> ComparisonRun:
    """Compare `b` with `a` on the same rows: differences are b minus a, with paired bootstrap intervals.

    a, b      a run, a model folder or the name of a run; or several (seeds), whose figures are averaged
    data      labelled rows, read as by `evaluate`; default the test rows of the first run
    text, label, label_names, context, dialogue, turn, speaker, target   columns of `data`; default those of the first
              run's training; `format`, `separator` and `header` as in `DataOptions`
    group     column (author, thread) by which the headline metric is also broken down; default the group column of a
              run's training that the rows have
    output    folder for `compare.json` and `compare.html`; None writes nothing
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Rows whose text is in the training data of any of the models are left out and counted. Raises `DataError` if the
    models have different label schemes or the first run does not record its source, `LeakError` if no row remains, and
    what `evaluate` raises.
    """
    progress = choose_progress(progress)
    if output is not None:
        make_results_folder(output, RUN, MODEL, inputs=list_source_names(data))
    places = [[locate_model(model) for model in ([side] if isinstance(side, str | Path) else side)] for side in (a, b)]
    if not all(places):
        raise DataError(
            "Each side of a comparison must have at least one model. Got a side without any. Choose a model for it."
        )
    folders = [[open_folder(place) for place in side] for side in places]
    scheme = _require_same_scheme([folder for side in folders for folder in side])
    first, recorded = folders[0][0], _read_recorded_groups([place for side in places for place in side])
    if data is None:
        name, examples, notes = _load_recorded_test_rows(first, group, recorded)
    else:
        options, absent = choose_evaluation_options(
            first.path, data, text=text, label=label, label_names=label_names, context=context, dialogue=dialogue,
            turn=turn, speaker=speaker, target=target, format=format, separator=separator, header=header,
        )  # fmt: skip
        options = options.model_copy(update={"group": group or _find_first_column(data, options, recorded)})
        examples, notes = read_examples(data, options, scheme)
        notes = (*absent, *notes)
        name = ", ".join(map(str, list_source_names(data)))
    for note in notes:
        progress.say(note)
    fresh, left_out = _drop_training_rows(examples, [place for side in places for place in side], name)
    progress.say(f"Comparing on {pluralise(len(fresh), 'row')}.")
    inputs, gold = [example.input for example in fresh], build_gold_matrix(scheme, fresh)
    decisions = [[Predictor.load(place).decide(inputs) for place in side] for side in places]
    found = compare_head_to_head(scheme, fresh, gold, *decisions, resamples=resamples, seed=seed)
    remarks = (
        [f"{pluralise(left_out, 'row')} left out: the text is in the training data of a model."] if left_out else []
    )
    sides = [
        _describe_side(*one, scheme, gold, resamples, seed) for one in zip(places, folders, decisions, strict=True)
    ]
    document = ComparisonDocument(
        format_version=COMPARISON_VERSION,
        insula_version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        command=command,
        scheme=SchemeRecord.of(scheme),
        data=ComparedRows(name=name, rows=len(fresh), left_out=left_out, notes=remarks),
        a=sides[0],
        b=sides[1],
        **dict(found),
    )
    if output is not None:
        document.write(Path(output) / "compare.json")
        write_comparison(Path(output) / "compare.html", document)
    return ComparisonRun(document, None if output is None else Path(output))


def _require_same_scheme(folders: Sequence[ModelFolder]) -> LabelScheme:
    first = folders[0].scheme
    for folder in folders[1:]:
        other = folder.scheme
        if not other.has_labels_of(first):
            raise DataError(
                f"The compared models must have the same label scheme. Got {first.summary} and "
                f"{other.summary}. Train one of them on the labels of the other, or evaluate each on its own."
            )
    return first


def _read_recorded_groups(models: Sequence[Path]) -> list[str]:
    """Return the group columns of the models' training, without repeats."""
    groups = (read_recorded_options(model).group for model in models)
    return list(dict.fromkeys(group for group in groups if group is not None))


def _find_first_column(source: SourceName, options: DataOptions, columns: Sequence[str]) -> str | None:
    return next((column for column in columns if has_column(source, column, options)), None)


def _load_recorded_test_rows(
    model: ModelFolder, group: str | None, recorded: Sequence[str]
) -> tuple[str, list[Example], tuple[str, ...]]:
    """Return the test rows of a run's source, split as in training, grouped by `group` if it is given."""
    dataset = load_training_dataset(model)
    examples = list(dataset.splits.get("test", ()))
    if not examples:
        raise DataError(
            f"The data of run {str(model.path.parent)!r} have no test rows. Pass labelled rows with --data."
        )
    source, options = choose_training_source(model), read_recorded_options(model.path)
    group = group or options.group or _find_first_column(source, options, recorded)
    if group != options.group:
        rows, _ = read_examples(source, options.model_copy(update={"group": group}), model.scheme)
        examples = _copy_groups(rows, examples)
    return f"test rows of {dataset.name}", examples, ()


def _copy_groups(rows: Sequence[Example], examples: Sequence[Example]) -> list[Example]:
    """Return the examples with the groups of `rows`.

    Both hold rows of one text (in dialogues: after the same turn) in the same order, because a split keeps those
    together: the n-th here is the n-th there.
    """
    groups: dict[tuple[str, str | None], deque[str | None]] = defaultdict(deque)
    for row in rows:
        groups[join_last_turn(row), row.id].append(row.group)
    found = (groups[join_last_turn(one), one.id] for one in examples)
    return [
        dataclasses.replace(one, group=same.popleft() if same else None)
        for one, same in zip(examples, found, strict=True)
    ]


def _drop_training_rows(examples: Sequence[Example], models: Sequence[Path], name: str) -> tuple[list[Example], int]:
    seen = np.any([find_seen_rows(model, examples) for model in models], axis=0)
    if seen.all():
        raise LeakError(
            f"A comparison needs rows that are not in the training data of any model. Got {len(examples):,} rows of "
            f"{name}, all in the "
            "training data of a model. Pass other rows with --data, or train the models on the same split: a source "
            "without splits of its own is split by the seed."
        )
    return [example for example, known in zip(examples, seen, strict=True) if not known], int(seen.sum())


def _describe_side(
    places: Sequence[Path],
    folders: Sequence[ModelFolder],
    decisions: Sequence[Decisions],
    scheme: LabelScheme,
    gold: Any,
    resamples: int,
    seed: int,
) -> ComparedSide:
    """Return name, models and headline metric of one side, with an interval if it is one model."""
    models, headlines = [], []
    for place, folder, decided in zip(places, folders, decisions, strict=True):
        recorded = MetricsDocument.from_dict(folder.metrics)
        run = place.parent if (place.parent / "run.json").exists() else place
        headlines.append(
            evaluate(scheme, gold, decided.scores, decided.chosen, resamples=resamples, seed=seed).headline
        )
        models.append(
            ComparedModel(
                name=recorded.name or run.name,
                path=str(run),
                family=folder.family,
                base=recorded.model.base,
                seed=recorded.seed,
                headline=headlines[-1].value,
            )
        )
    name = models[0].name
    if len(models) == 1:
        return ComparedSide(name=name, headline=SideHeadline(**headlines[0].to_dict()), models=models)
    values = [one.value for one in headlines if one.value is not None]
    mean = SideHeadline(value=float(np.mean(values)) if values else None)
    return ComparedSide(name=f"{name} and {len(models) - 1} more", headline=mean, models=models)
