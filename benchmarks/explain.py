"""Explainers: faithfulness and time of each, on the same texts and models, beside `shap` and `captum`.

    pip install shap==0.49.1 captum==0.9.0
    python benchmarks/explain.py                      writes results/explain.json
    python benchmarks/explain.py "starter, SST-2"     measures this cell anew, and keeps the others

`linear` and MiniLM (one epoch) are trained on 8,000 rows of SST-2 (seed 0). Each explains the first rows of SST-2's
validation set in an order drawn with the seed; the starter explains these, and rows of SMP2020. For each text the label
with the highest score is explained. Comprehensiveness and sufficiency are those of `insula.explanation.faithfulness`,
computed by the same code for every arm; `random` ranks words at random. Each arm starts with no answer in memory; arms
take turns text by text, so that other work on the machine slows all of them. `against shap` is the mean difference
of comprehensiveness less sufficiency to `shap` on the same texts, with a 95% interval from 2,000 bootstrap samples.
`guessed` is how often the linear model, given only the highlighted 30% of the words, gives the label of the explained
model; `seeds` the mean rank correlation of the weights with those of another seed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

OUTPUT = Path(__file__).parent / "results" / "explain.json"
ROWS, SEED = 8_000, 0
HIGHLIGHTED = 0.3  # of the words, for `guessed`
CELLS = {  # name: the model, the set, and how many texts
    "linear, SST-2": ("linear", "sst2", 300),
    "starter, SST-2": ("starter", "sst2", 300),
    "starter, SMP2020 usual": ("starter", "smp2020_usual", 300),
    "MiniLM, SST-2": ("minilm", "sst2", 100),
}
METHODS = {  # name: the explainer, and how many variants it may compute
    "exact": ("exact", 0),
    "occlusion": ("occlusion", 0),
    "contexts": ("contexts", 0),
    "alone": ("alone", 0),
    "partition, 300": ("partition", 300),
    "surrogate, 300": ("surrogate", 300),
}
LONG = ("partition, 300", "surrogate, 300", "captum, 300")  # not on the starter, whose 600 texts would take an hour
NETWORK = {"integrated-gradients": ("integrated-gradients", 0), "gradient-x-input": ("gradient-x-input", 0)}
SAMPLED = ("surrogate, 300",)
Arm = Callable[[Any], Any]


def main(arguments: list[str]) -> int:
    """Measure every arm of the cells and write the result file after each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("cells", nargs="*", help=f"Cells to measure; default: {'; '.join(CELLS)}")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--work", type=Path, default=Path("runs/explain"), help="Folder for the trained models.")
    parser.add_argument("--texts", type=int, help="Fewer texts, for a try.")
    given = parser.parse_args(arguments)
    from insula.core.files import write_json
    from insula.inference.predictor import Predictor
    from provenance import provenance

    before = json.loads(given.output.read_text(encoding="utf-8")) if given.output.exists() else {}
    cells = {name: cell for name, cell in before.get("cells", {}).items() if name in CELLS} if given.cells else {}
    linear = Predictor.load(trained("linear", given.work))
    for name in given.cells or CELLS:
        model, data, texts = CELLS[name]
        predictor = Predictor.load("starter" if model == "starter" else trained(model, given.work))
        guesser = linear if (model, data) == ("minilm", "sst2") else None
        arms = {arm: call for arm, call in arms_of(predictor).items() if model != "starter" or arm not in LONG}
        measure = measured(predictor, arms, texts_of(data, given.texts or texts), guesser)
        cells[name] = measure | {"commit": commit_of()}
        write_json(given.output, {"seed": SEED, "cells": cells, **provenance()})
    return 0


def commit_of() -> str:
    """Return the commit that a cell is measured at."""
    from provenance import provenance

    return str(provenance()["commit"])


def trained(recipe: str, work: Path) -> Path:
    """Return the run of a recipe on `ROWS` rows of SST-2, trained if there is none."""
    import insula

    if not (work / recipe / "model").exists():
        overrides = {} if recipe == "linear" else {"train.epochs": 1}
        insula.train(
            training_rows(), recipe="linear" if recipe == "linear" else "standard", overrides=overrides,
            output=work / recipe, overwrite=True,
        )  # fmt: skip
    return work / recipe


def texts_of(name: str, count: int) -> list[str]:
    """Return so many texts of a set, drawn with the seed."""
    from insula.data.load import load_dataset
    from sets import READY

    splits = load_dataset(str(READY / name), seed=SEED).splits
    rows = splits.get("validation") or splits["test"]
    drawn = np.random.default_rng(SEED).permutation(len(rows))[:count]
    return [rows[place].text for place in drawn]


def training_rows() -> Any:
    """Return SST-2 with `ROWS` training rows."""
    import dataclasses

    from insula.data.load import load_dataset
    from sets import READY

    data = load_dataset(str(READY / "sst2"), seed=SEED)
    drawn = np.random.default_rng(SEED).permutation(len(data.splits["train"]))[:ROWS]
    train = [data.splits["train"][place] for place in drawn]
    return dataclasses.replace(data, splits={**data.splits, "train": train})


def measured(predictor: Any, arms: dict[str, Arm], texts: Sequence[str], guesser: Any = None) -> dict[str, Any]:
    """Return figures of every arm on one model."""
    from insula.explanation.faithfulness import compute_rank_correlation, measure_comprehensiveness, measure_sufficiency
    from insula.explanation.masked_predictor import MaskedPredictor

    found: dict[str, dict[str, list[float]]] = {name: {} for name in arms}
    for text in texts:
        column = int(predictor.decide([text]).scores[0].argmax())
        for name, arm in arms.items():
            question = MaskedPredictor(predictor, text, seed=SEED, wanted=(column,))
            start = time.perf_counter()
            weights = arm(question)[:, column]
            figures = {"milliseconds": (time.perf_counter() - start) * 1000, "evaluations": question.evaluations}
            figures["comprehensiveness"] = measure_comprehensiveness(question, weights, column)
            figures["sufficiency"] = measure_sufficiency(question, weights, column)
            if name in SAMPLED:
                other = arm(MaskedPredictor(predictor, text, seed=SEED + 1, wanted=(column,)))[:, column]
                figures["seeds"] = compute_rank_correlation(weights, other)
            if guesser is not None:
                figures["guessed"] = guess(guesser, question, weights) == predictor.scheme.names[column]
            for key, value in figures.items():
                if value is not None:
                    found[name].setdefault(key, []).append(float(value))
    one = [_seconds(lambda text=text: predictor.predict([text])) * 1000 for text in texts]  # type: ignore[misc]
    cell: dict[str, Any] = {"texts": len(texts), "one prediction": {"milliseconds": statistics.median(one)}}
    peer = np.subtract(found["shap, 300"]["comprehensiveness"], found["shap, 300"]["sufficiency"])
    for name, rows in found.items():
        middle = ("milliseconds", "evaluations")
        cell[name] = {key: statistics.median(rows[key]) for key in middle}
        cell[name] |= {key: statistics.fmean(values) for key, values in rows.items() if key not in middle}
        cell[name]["times_one_prediction"] = cell[name]["milliseconds"] / cell["one prediction"]["milliseconds"]
        cell[name]["against_shap"] = interval(np.subtract(rows["comprehensiveness"], rows["sufficiency"]) - peer)
        cell[name]["times_as_fast_as_shap"] = statistics.median(
            np.divide(found["shap, 300"]["milliseconds"], rows["milliseconds"])
        )
    return cell


def guess(guesser: Any, question: Any, weights: Any) -> str:
    """Return what another model predicts from the words of the highest weights alone."""
    count = max(round(HIGHLIGHTED * len(weights)), 1)
    top = sorted(np.argsort(-weights, kind="stable")[:count])
    return str(guesser.predict([" ".join(question.words[place].text for place in top)])[0].label)


def interval(values: Any) -> list[float]:
    """Return the mean and its 95% interval."""
    random = np.random.default_rng(SEED)
    means = [random.choice(values, len(values)).mean() for _ in range(2000)]
    return [float(np.mean(values)), *(float(bound) for bound in np.quantile(means, (0.025, 0.975)))]


def arms_of(predictor: Any) -> dict[str, Arm]:
    """Return the arms that the model has."""
    from insula.explanation.explainers import explainers
    from insula.explanation.masked_predictor import MaskedPredictor
    from insula.inference.backends import find_gradient_backend

    arms: dict[str, Arm] = {}
    additive = MaskedPredictor(predictor, "a word").contributions is not None
    network = not additive and find_gradient_backend(predictor.backend, predictor.folder) is not None
    for name, (method, evaluations) in (METHODS | (NETWORK if network else {})).items():
        if method != "exact" or additive:
            arms[name] = lambda question, method=method, evaluations=evaluations: explainers[method].weigh(
                question, evaluations
            )
    random = np.random.default_rng(SEED)
    arms["random"] = lambda question: random.random((len(question), len(predictor.scheme.names)))
    arms["shap, 300"] = lambda question: by_shap(question, 300)
    arms["captum, 300"] = lambda question: by_captum(question, 300)
    return arms


def by_captum(question: Any, evaluations: int) -> Any:
    """Return the values of `captum`'s kernel SHAP for the same words, evidence and number of variants."""
    import torch
    from captum.attr import KernelShap

    count, (column,) = len(question), question.wanted
    torch.manual_seed(question.seed)

    def evidence(rows: Any) -> Any:
        return torch.tensor(question.evidence(np.asarray(rows) > 0.5)[:, column])

    found = KernelShap(evidence).attribute(
        torch.ones((1, count)), baselines=torch.zeros((1, count)), n_samples=evaluations, perturbations_per_eval=50
    )
    weights = np.full((count, len(question.predictor.scheme.names)), np.nan)
    weights[:, column] = found[0].numpy()
    return weights


def by_shap(question: Any, evaluations: int) -> Any:
    """Return the values of `shap`'s partition explainer for the same words, evidence and number of variants."""
    import shap

    count = len(question)
    if count == 1:
        ends = question.evidence(np.array([[False], [True]]))
        return ends[1:] - ends[:1]

    def evidence(rows: Any) -> Any:
        return question.evidence(np.asarray(rows) > 0.5)

    masker = shap.maskers.Partition(np.zeros((1, count)), clustering=_neighbours(count))
    explainer = shap.PartitionExplainer(evidence, masker)
    return explainer(np.ones((1, count)), max_evals=evaluations, silent=True).values[0]


def _neighbours(count: int) -> Any:
    """Return a linkage that joins neighbouring words in halves, as `shap`'s text masker joins tokens."""
    rows: list[tuple[float, float, float, float]] = []

    def join(first: int, last: int) -> tuple[int, int]:
        if last - first == 1:
            return first, 1
        middle = (first + last) // 2
        left, right = join(first, middle), join(middle, last)
        size = left[1] + right[1]
        rows.append((left[0], right[0], float(size), float(size)))
        return count + len(rows) - 1, size

    join(0, count)
    return np.array(rows)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
