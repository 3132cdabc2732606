"""Explainers: faithfulness and time of each, on the same texts and models, beside `shap`.

    pip install shap==0.49.1
    python benchmarks/explain.py      writes results/explain.json

`linear` is trained on 8,000 rows of SST-2 (seed 0) and explains 100 validation rows; the starter explains the same rows
and 100 rows of SMP2020. For each text the label with the highest score is explained. Comprehensiveness and sufficiency
are those of `insula.explanation.faithfulness`, computed by the same code for every arm; `random` ranks words at random.
Each arm starts with an empty memory of answers; arms take turns text by text, so that other work on the machine slows
all of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

OUTPUT = Path(__file__).parent / "results" / "explain.json"
TEXTS, ROWS, SEED = 100, 8_000, 0
METHODS = {  # name: the explainer, and how many variants it may compute for n words
    "exact": ("exact", lambda words: 0),
    "occlusion": ("occlusion", lambda words: 0),
    "alone": ("alone", lambda words: 0),
    "partition, 4n": ("partition", lambda words: 4 * words),
    "partition, 300": ("partition", lambda words: 300),
    "surrogate, 4n": ("surrogate", lambda words: 4 * words),
    "surrogate, 300": ("surrogate", lambda words: 300),
}
Arm = Callable[[Any], Any]


def main(arguments: list[str]) -> int:
    """Measure every arm and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--work", type=Path, default=Path("runs/explain"), help="Folder for the trained model.")
    given = parser.parse_args(arguments)
    import insula
    from insula.core.files import write_json
    from insula.inference.predictor import Predictor
    from provenance import provenance

    sst2, smp = texts_of("sst2"), texts_of("smp2020_usual")
    if not (given.work / "model").exists():
        insula.train(training_rows(), recipe="linear", output=given.work, overwrite=True)
    linear, starter = Predictor.load(given.work), Predictor.load("starter")
    cells = {
        "linear, SST-2": measured(linear, sst2),
        "starter, SST-2": measured(starter, sst2),
        "starter, SMP2020 usual": measured(starter, smp),
    }
    write_json(given.output, {"texts": TEXTS, "seed": SEED, "cells": cells, **provenance()})
    return 0


def texts_of(name: str) -> list[str]:
    """Return `TEXTS` texts of a set, drawn with the seed."""
    from insula.data.load import load_dataset
    from sets import READY

    splits = load_dataset(str(READY / name), seed=SEED).splits
    rows = splits.get("validation") or splits["test"]
    drawn = np.random.default_rng(SEED).permutation(len(rows))[:TEXTS]
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


def measured(predictor: Any, texts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return figures of every arm on one model."""
    from insula.explanation.faithfulness import measure_comprehensiveness, measure_sufficiency
    from insula.explanation.question import Question

    arms = arms_of(predictor)
    found: dict[str, list[tuple[float, float, float, int]]] = {name: [] for name in arms}
    for text in texts:
        column = int(predictor.decide([text]).scores[0].argmax())
        for name, arm in arms.items():
            question = Question(predictor, text)
            start = time.perf_counter()
            weights = arm(question)[:, column]
            seconds, evaluations = time.perf_counter() - start, question.evaluations
            found[name].append(
                (
                    measure_comprehensiveness(question, weights, column),
                    measure_sufficiency(question, weights, column),
                    seconds * 1000,
                    evaluations,
                )
            )
    one = [_seconds(lambda text=text: predictor.predict([text])) * 1000 for text in texts]  # type: ignore[misc]
    cells = {"one prediction": {"milliseconds": statistics.median(one)}}
    for name, rows in found.items():
        first, second, third, fourth = zip(*rows, strict=True)
        cells[name] = {
            "comprehensiveness": statistics.fmean(first),
            "sufficiency": statistics.fmean(second),
            "milliseconds": statistics.median(third),
            "evaluations": statistics.median(fourth),
            "times_one_prediction": statistics.median(third) / statistics.median(one),
        }
    return cells


def arms_of(predictor: Any) -> dict[str, Arm]:
    """Return the arms that the model has."""
    from insula.explanation.explainers import explainers
    from insula.explanation.question import Question

    arms: dict[str, Arm] = {}
    additive = Question(predictor, "a word").contributions is not None
    for name, (method, evaluations) in METHODS.items():
        if method != "exact" or additive:
            arms[name] = lambda question, method=method, evaluations=evaluations: explainers[method].weigh(
                question, evaluations(len(question))
            )
    random = np.random.default_rng(SEED)
    arms["random"] = lambda question: random.random((len(question), len(predictor.scheme.names)))
    arms["shap, 300"] = lambda question: by_shap(question, 300)
    return arms


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
