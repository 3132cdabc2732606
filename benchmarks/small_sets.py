"""Decision rules on small sets: what calibration, thresholds and class offsets gain over the plain rule on test rows.

    python benchmarks/small_sets.py            write results/small_sets.json
    python benchmarks/small_sets.py --keep F   keep the logits of all models in the folder F, and use them again

Each of ten sets gives 500 rows per seed, of which 100 are validation rows, and at most 2,000 test rows, which are the
same for all seeds. The recipe `linear` is trained once per set and seed; then three rules decide the same test rows:

plain    no calibration; the highest score, or scores of at least 0.5
before   a rule replaces the plain one as soon as it is better on held-out validation rows
after    a rule replaces it only if its gain there is more than luck: what insula does

Single-label sets have `decision.class_offsets` on, so that there is a rule to choose.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule
from insula.core.example import Example
from insula.core.files import write_json
from insula.core.scheme import LabelScheme, uses_softmax
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.evaluation.decisions import held_out
from insula.evaluation.decisions.calibration import fit_calibration
from insula.evaluation.metrics.intervals import count_differences, count_intervals
from insula.text.language import find_dominant_language
from insula.training.decide import choose_decision
from insula.training.fit_model import fit_model
from insula.training.fitting import RunContext
from insula.training.options.sections import DecisionOptions
from insula.training.plan import plan_training
from insula.training.recipe.recipe import load_recipe
from provenance import provenance
from sets import READY

RESULT = Path(__file__).parent / "results" / "small_sets.json"
SETS = (
    "sst2", "mr", "tweeteval_irony", "tweeteval_offensive", "tweeteval_hate", "hotel_zh",
    "tweeteval_emotion", "carer", "semeval_ec", "goemotions",
)  # fmt: skip
SEEDS = 5
TRAINING_ROWS, VALIDATION_ROWS, TEST_ROWS = 400, 100, 2000
METRICS = ("macro_f1", "accuracy")
Logits = NDArray[np.float64]


def main() -> None:
    """Train, decide, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="folder for the logits")
    keep = parser.parse_args().keep
    rows = []
    for name in SETS:
        rows.append(measured(name, keep))
        print(rows[-1], flush=True)
    write_json(RESULT, {
        **provenance(), "seeds": SEEDS, "training_rows": TRAINING_ROWS, "validation_rows": VALIDATION_ROWS,
        "rows": rows,
    })  # fmt: skip


def measured(name: str, keep: Path | None) -> dict[str, Any]:
    """Return the metrics of one set under the three rules, means over seeds, and the gains over the plain rule."""
    data = load_dataset(str(READY / name), DataOptions(), seed=0)
    scheme = data.scheme
    generator = np.random.default_rng(0)
    test = _sample(data.split("test"), TEST_ROWS, generator)
    truth = build_gold_matrix(scheme, test) > 0.5
    decided: dict[str, list[NDArray[np.bool_]]] = {"plain": [], "before": [], "after": []}
    replaced = {"before": 0, "after": 0}
    for seed in range(SEEDS):
        validation, gold, logits = _logits(data, test, seed, keep)
        for rule_name, rule in _rules(scheme, validation, gold, seed).items():
            decided[rule_name].append(rule.decide(scheme, logits).chosen)
            if rule_name != "plain":
                replaced[rule_name] += bool(rule.thresholds or rule.offsets)
    found: dict[str, Any] = {"set": name, "kind": scheme.kind, "test_rows": len(test), "rules_chosen": replaced}
    found["plain"] = {
        metric: float(np.mean([_value(truth, one, metric) for one in decided["plain"]])) for metric in METRICS
    }
    for rule_name in ("before", "after"):
        gains = count_differences(truth, decided["plain"], decided[rule_name])
        found[rule_name] = {metric: gains[metric].difference.to_dict() for metric in METRICS}
        found[rule_name]["by_seed"] = [
            round(_value(truth, one, "macro_f1") - _value(truth, plain, "macro_f1"), 6)
            for one, plain in zip(decided[rule_name], decided["plain"], strict=True)
        ]
    return found


def _rules(scheme: LabelScheme, logits: Logits, gold: Logits, seed: int) -> dict[str, DecisionRule]:
    options = DecisionOptions(class_offsets=True)
    with _kept_if_better(scheme, logits, gold, seed):
        before = choose_decision(scheme, logits, gold, options.model_copy(update={"thresholds": "shrunk"}), seed=seed)
    return {
        "plain": DecisionRule(),
        "before": before,
        "after": choose_decision(scheme, logits, gold, options, seed=seed),
    }


@contextmanager
def _kept_if_better(scheme: LabelScheme, logits: Logits, gold: Logits, seed: int) -> Iterator[None]:
    """Choose any rule that is better on held-out rows; calibration under a softmax was never chosen in this way."""
    calibration = fit_calibration(logits, gold, scheme.kind, seed=seed)
    with patch.object(held_out, "F1_ERRORS", 0.0), patch.object(held_out, "LOSS_ERRORS", 0.0):
        if not uses_softmax(scheme.kind):
            calibration = fit_calibration(logits, gold, scheme.kind, seed=seed)
        with patch("insula.training.decide.fit_calibration", lambda *_, **__: calibration):
            yield


def _logits(data: Dataset, test: Sequence[Example], seed: int, keep: Path | None) -> tuple[Logits, Logits, Logits]:
    """Return validation logits, their gold, and test logits of a model trained on a sample of the rows."""
    file = None if keep is None else keep / f"{Path(data.name).name}-{seed}.npz"
    if file is not None and file.exists():
        kept = np.load(file)
        return kept["validation"], kept["gold"], kept["test"]
    generator = np.random.default_rng(seed)
    held_back = {example.text for example in test}
    pool = [example for split in data.splits.values() for example in split if example.text not in held_back]
    sample = _sample(pool, TRAINING_ROWS + VALIDATION_ROWS, generator)
    splits = {"train": sample[:TRAINING_ROWS], "validation": sample[TRAINING_ROWS:]}
    small = Dataset(data.name, data.scheme, splits)
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_training(
            small, load_recipe("linear", {"seed": seed}), find_dominant_language([one.text for one in sample])
        )
        trained = fit_model(small, plan, RunContext(Path(folder), seed), Path(folder))
        logits = np.asarray(trained.predictor.logits([example.input for example in test]), dtype=np.float64)
    validation = np.asarray(trained.validation, dtype=np.float64)
    gold = build_gold_matrix(data.scheme, splits["validation"])
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, validation=validation, gold=gold, test=logits)
    return validation, gold, logits


def _sample(examples: Sequence[Example], count: int, generator: np.random.Generator) -> list[Example]:
    """Return `count` examples in random order; all where there are fewer."""
    return [examples[place] for place in generator.permutation(len(examples))[:count]]


def _value(gold: NDArray[np.bool_], chosen: NDArray[np.bool_], metric: str) -> float:
    return float(count_intervals(gold, chosen, resamples=2)[metric].value or 0.0)


if __name__ == "__main__":
    main()
