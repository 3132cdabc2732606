"""Quality of insula's models and of peers on real data: one cell a data set, model and seed; one result file a cell.

    python benchmarks/quality.py                        every cell that has no result yet
    python benchmarks/quality.py 'goemotions-*'         those among these names that have none
    python benchmarks/quality.py tweets-minilm-0 ...    these cells, anew
    python benchmarks/quality.py --list ['*-linear-0']  which cells there are, and which have a result

Cells stand in `cells.py`, data sets in `sets.py`. A cell whose data are absent, or whose options this insula does not
know, is left out with a word. Every choice (thresholds, calibration, best step, strength) is made on validation rows.
What each cell decided on its test rows is kept under `benchmarks/runs/decisions`; from these the differences of
levers (`levers.py`), to the reference network (`architectures.py`) and to `linear` (`against_linear.py`) are made.
"""

from __future__ import annotations

import fnmatch
import json
import sys
import time
from pathlib import Path
from typing import Any

import against_linear
import architectures
import decisions
import levers
import outside
import sets
from cells import ALL, RUNS, Cell
from insula.cli.progress import TerminalProgress
from insula.core.decision import Decisions
from insula.core.errors import RecipeError, UnknownNameError
from insula.core.files import write_json
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.data.splits.compared import hash_row, hash_text
from insula.data.splits.leak import Fingerprint
from insula.evaluation.evaluate import evaluate
from insula.evaluation.result import Evaluation, SeenRows
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from insula.training.recalibrate import recalibrate
from insula.training.recipe.recipe import Recipe, load_recipe
from insula.training.run import train_run
from provenance import provenance
from sentences import film_sentences

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "quality"
# Simple models are cells of their own: trained once, not again with every other cell.
NO_BASELINES = {"evaluation.baselines": []}
KEPT = ("macro_f1", "weighted_f1", "accuracy", "jaccard", "pearson", "spearman", "mae", "ccc", "ece", "macro_auroc")


def main(wanted: list[str]) -> int:
    """Run the cells and return the exit status."""
    listing, wanted = "--list" in wanted, [name for name in wanted if name != "--list"]
    unknown = [name for name in wanted if not fnmatch.filter(ALL, name)]
    if unknown:
        print(f"No such cell: {', '.join(unknown)}. See: python benchmarks/quality.py --list")
        return 2
    for cell in ALL.values():
        file = RESULTS / f"{cell.name}.json"
        named = cell.name in wanted
        if wanted and not named and not any(fnmatch.fnmatch(cell.name, pattern) for pattern in wanted):
            continue
        if listing:
            print(f"{cell.name}: {'measured' if file.exists() else 'not yet'}")
        elif named or not file.exists():
            _run(cell, file)
    if not listing:
        against_linear.main([])
        levers.main([])
        architectures.main([])
    return 0


def _run(cell: Cell, file: Path) -> None:
    needed = (sets.SETS[cell.data].missing, _missing_base(cell), _missing_weights(cell), _missing_lesson(cell))
    missing = [path for path in needed if path]
    if missing:
        print(f"{cell.name}: left out, {missing[0]} is absent.")
        return
    try:
        recipe = None if cell.peer else load_recipe(cell.recipe, {**NO_BASELINES, **cell.overrides, "seed": cell.seed})
    except (RecipeError, UnknownNameError) as error:
        print(f"{cell.name}: left out. {error}")
        return
    print(f"{cell.name}: running.", flush=True)
    data = sets.load(cell.data, cell.fold)
    write_json(file, _of_peer(cell, data) if recipe is None else _of_insula(cell, data, recipe))
    print(f"{cell.name}: written to {file.relative_to(HERE.parent)}.", flush=True)


def _missing_base(cell: Cell) -> str | None:
    base = str(cell.overrides.get("model.base", ""))
    return base if base.startswith(str(sets.SHARED)) and not Path(base).exists() else None


def _missing_weights(cell: Cell) -> str | None:
    return f"the run of {cell.base}" if cell.base and not (RUNS / cell.base / "model").exists() else None


def _missing_lesson(cell: Cell) -> str | None:
    """Return a teacher that is not trained yet, or the set whose sentences are learnt from; None where all is there."""
    if not cell.overrides.get("distil.teachers"):
        return None
    if not (sets.READY / "imdb").exists():
        return str(sets.READY / "imdb")
    film_sentences()
    return next((str(run) for run in cell.overrides["distil.teachers"] if not Path(run, "model").exists()), None)


def _of_insula(cell: Cell, data: Dataset, recipe: Recipe) -> dict[str, Any]:
    began = time.monotonic()
    if cell.base is not None:
        return _decided_anew(cell, data, recipe, RESULTS / f"{cell.base}.json", began)
    run = train_run(
        data, recipe, RUNS / cell.name, source=[cell.data], command=_command(cell), progress=TerminalProgress()
    )
    decided = Predictor.load(run.path).decide([example.input for example in data.split("test")])
    answers = decisions.save(cell.name, data, decided)
    document = run.document
    test = document.test or Evaluation()
    return _about(cell, data) | {
        **_kept(test, test.overlap),
        **_without_repeated(data, decided, answers.gold),
        "difference_to_linear": None,
        "parameters": document.model.parameters,
        "train_seconds": document.time.train_seconds,
        "total_seconds": round(time.monotonic() - began, 1),
        "rows_per_second": document.time.rows_per_second,
        "command": _command(cell),
        **provenance(),
    }


def _without_repeated(data: Dataset, decided: Decisions, gold: Any) -> dict[str, Any]:
    """Return the figures of a set of dialogues without the test rows whose text is one of training: "Okay."

    The leak guard compares rows of dialogues with the turn before them, so that such rows stay in training.
    """
    if not any(example.turns for example in data.split("test")):
        return {}
    known = {hash_text(example.text) for example in data.split("train")}
    seen = [hash_text(example.text) in known for example in data.split("test")]
    found = evaluate(data.scheme, gold, decided.scores, decided.chosen, seen=seen).seen or SeenRows()
    without = found.metrics_without or {}
    return {
        "repeated_texts": {
            "rows": found.rows,
            "metrics_without": {name: without[name].to_dict() for name in ("weighted_f1", "macro_f1")},
        }
    }


def _decided_anew(cell: Cell, data: Dataset, recipe: Recipe, trained: Path, began: float) -> dict[str, Any]:
    """Return the result of another cell's weights, whose result is `trained`, with a decision rule of their own."""
    source = open_folder(RUNS / str(cell.base) / "model")
    model = RUNS / cell.name / "model"
    recalibrate(source, data.split("validation"), model, recipe.decision, seed=cell.seed, command=_command(cell))
    decided = Predictor.load(model).decide([example.input for example in data.split("test")])
    before = json.loads(trained.read_text(encoding="utf-8"))
    return _about(cell, data) | {
        **_judged(cell, data, decided, None),
        "difference_to_linear": None,
        "weights": cell.base,
        **{key: before[key] for key in ("parameters", "train_seconds", "rows_per_second")},
        "total_seconds": round(time.monotonic() - began, 1),
        "command": _command(cell),
        **provenance(),
    }


def _of_peer(cell: Cell, data: Dataset) -> dict[str, Any]:
    began = time.monotonic()
    decided, facts = outside.answer(cell, data)
    judged = _judged(cell, data, decided, outside.trained_on(cell, data))
    about = provenance()
    about["versions"] |= facts.pop("versions", {})
    return _about(cell, data) | {
        **judged,
        "macro_f1_at_half": _at_half(data, decided.scores),
        "trained_on": outside.TRAINED_ON.get(str(cell.peer)),
        "difference_to_linear": None,
        "parameters": facts.pop("parameters", 0),
        "train_seconds": round(facts.pop("train_seconds", 0.0), 1),
        "total_seconds": round(time.monotonic() - began, 1),
        "rows_per_second": round(facts.pop("rows_per_second", 0.0), 1) or None,
        "facts": facts,
        "command": _command(cell),
        **about,
    }


def _judged(cell: Cell, data: Dataset, decided: Decisions, seen: Any) -> dict[str, Any]:
    """Keep what was decided of the test rows, and return metrics with and without those that were `seen` in training.

    None: those whose text is in the training rows of the data.
    """
    answers = decisions.save(cell.name, data, decided)
    if seen is None:
        overlapping = data.overlaps.get("test", frozenset())
        seen = [hash_row(example) in overlapping for example in data.split("test")]
    measured = evaluate(data.scheme, answers.gold, decided.scores, decided.chosen, seen=seen, seed=cell.seed)
    return _kept(measured, measured.seen)


def _kept(measured: Evaluation, known: SeenRows | None) -> dict[str, Any]:
    """Return the metrics of a result file, and the headline without the rows that the model may know."""
    name, overlap = measured.headline_name, None
    if known is not None and known.rows:
        without = (known.metrics_without or {}).get(name)
        overlap = {"rows": known.rows, name: None if without is None else without.to_dict()}
    return {
        "metrics": {key: measured.metrics[key].to_dict() for key in KEPT if key in measured.metrics},
        "overlap": overlap,
    }


def _about(cell: Cell, data: Dataset) -> dict[str, Any]:
    overrides = {key: _without_folders(value) for key, value in cell.overrides.items()}
    return {
        "set": cell.data,
        "model": cell.model,
        "peer": cell.peer,
        "recipe": None if cell.peer else cell.recipe,
        "overrides": {**overrides, **cell.options},
        "seed": cell.seed,
        "fold": cell.fold,
        "kind": data.scheme.kind,
        "rows": {name: len(examples) for name, examples in data.splits.items()},
        "fingerprint": Fingerprint.of(data.split("train")).digest,
    }


def _without_folders(value: Any) -> Any:
    """Return a path, or each of several, by its last name: folders differ between machines."""
    if isinstance(value, list):
        return [_without_folders(one) for one in value]
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value


def _at_half(data: Dataset, scores: Any) -> dict[str, Any] | None:
    """Return macro-F1 without chosen thresholds, for multi-label sets."""
    if data.scheme.kind != "multi":
        return None
    gold = build_gold_matrix(data.scheme, data.split("test"))
    return evaluate(data.scheme, gold, scores, scores >= 0.5).metrics["macro_f1"].to_dict()


def _command(cell: Cell) -> str:
    return f"python benchmarks/quality.py {cell.name}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
