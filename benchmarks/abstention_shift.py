"""Abstention when texts change: a model of one set on texts of another, with and without the energy of its logits.

    python benchmarks/abstention_shift.py            write results/abstention_shift.json

Four pairs of sets. The recipe `linear` is trained on at most 8,000 rows of the first set and abstains on 5% of its
validation rows. Then it decides test rows of the first set and rows of the second; texts of the second set that are
also in the first are left out and counted. `before` abstains by confidence alone. `after` gives half of the 5% to the
energy (single-label models), as `decision.energy` does. `by_signal` has other signals in the place of the energy that
were tried and are not used: the share of words that are not in the training texts, and the distance to the nearest
training texts (one minus the mean cosine to the nearest five).
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.decision import DecisionRule
from insula.core.example import Example
from insula.core.files import write_json
from insula.core.scheme import LabelScheme
from insula.core.targets import build_gold_matrix
from insula.data.dataset import Dataset
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.data.splits.compared import hash_text
from insula.evaluation.decisions.abstention import choose_abstention, compute_risk_coverage
from insula.models.networks.ngram_tfidf import WORD
from insula.text.language import find_dominant_language
from insula.training.decide import ENERGY_KINDS
from insula.training.fit_model import fit_model
from insula.training.fitting import RunContext
from insula.training.plan import plan_training
from insula.training.recipe.recipe import load_recipe
from provenance import provenance
from sets import READY

RESULT = Path(__file__).parent / "results" / "abstention_shift.json"
TRAINING_ROWS, VALIDATION_ROWS, TEST_ROWS = 8000, 1500, 2500
COVERAGE = 0.95
NEAREST = 5
EMOTIONS = ("anger", "joy", "sadness")
POLARITY = ("negative", "positive")
HOTELS = "酒店"
Rows = Sequence[Example]


@dataclasses.dataclass(frozen=True)
class Pair:
    """Rows of a first set by split, all rows of a second one, with the labels that both have."""

    name: str
    scheme: LabelScheme
    first: Mapping[str, Rows]
    second: Rows


@dataclasses.dataclass(frozen=True)
class Decided:
    """Rows that a model decided: whether it is correct, its confidence, and each signal (rows,)."""

    correct: NDArray[np.bool_]
    confidence: NDArray[np.float64]
    signals: Mapping[str, NDArray[np.float64]]


def main() -> None:
    """Measure every pair, write the result."""
    rows = []
    for pair in _pairs():
        rows.append(measured(pair))
        print(rows[-1], flush=True)
    write_json(RESULT, {**provenance(), "coverage": COVERAGE, "training_rows": TRAINING_ROWS, "rows": rows})


def measured(pair: Pair) -> dict[str, Any]:
    """Return coverage and accuracy of answered and abstained rows of both sets, before and after."""
    generator = np.random.default_rng(0)
    train, validation, test = (
        _sample(pair.first[split], count, generator)
        for split, count in (("train", TRAINING_ROWS), ("validation", VALIDATION_ROWS), ("test", TEST_ROWS))
    )
    known = {hash_text(one.text) for rows in pair.first.values() for one in rows}
    new = [one for one in pair.second if hash_text(one.text) not in known]
    shifted = _sample(new, TEST_ROWS, generator)
    of_validation, of_test, of_shifted = _decided(pair.scheme, train, validation, (validation, test, shifted))
    usable = pair.scheme.kind in ENERGY_KINDS
    found: dict[str, Any] = {
        "pair": pair.name, "kind": pair.scheme.kind, "labels": list(pair.scheme.names),
        "overlapping_texts": len(pair.second) - len(new),
        "accuracy": {"test": float(of_test.correct.mean()), "shifted": float(of_shifted.correct.mean())},
        "aurc_of_confidence": compute_risk_coverage(of_shifted.correct, of_shifted.confidence)[2],
    }  # fmt: skip
    found["before"] = _both(of_validation, of_test, of_shifted, None)
    found["after"] = _both(of_validation, of_test, of_shifted, "energy" if usable else None)
    found["by_signal"] = {
        name: _both(of_validation, of_test, of_shifted, name) for name in ("unknown_words", "distance")
    }
    return found


def _both(validation: Decided, test: Decided, shifted: Decided, signal: str | None) -> dict[str, dict[str, Any]]:
    """Return what becomes of both sets' rows under limits that are chosen on the validation rows."""
    limit, rest = np.inf, np.ones(len(validation.correct), dtype=bool)
    if signal is not None:
        values = np.sort(validation.signals[signal])
        limit = float(values[-int(len(values) * (1 - COVERAGE) / 2) - 1])
        rest = validation.signals[signal] <= limit
    coverage = min(1.0, COVERAGE * len(rest) / int(rest.sum()))
    least = choose_abstention(validation.correct[rest], validation.confidence[rest], coverage=coverage)
    found = {}
    for name, rows in (("test", test), ("shifted", shifted)):
        abstained = rows.confidence < least
        if signal is not None:
            abstained |= rows.signals[signal] > limit
        found[name] = {
            "abstained": float(abstained.mean()),
            "accuracy_answered": float(rows.correct[~abstained].mean()),
            "accuracy_abstained": float(rows.correct[abstained].mean()) if abstained.any() else None,
        }
    return found


def _decided(scheme: LabelScheme, train: Rows, validation: Rows, sets: Sequence[Rows]) -> list[Decided]:
    data = Dataset("first set", scheme, {"train": train, "validation": validation})
    with tempfile.TemporaryDirectory() as folder:
        plan = plan_training(data, load_recipe("linear"), find_dominant_language([one.text for one in train]))
        trained = fit_model(data, plan, RunContext(Path(folder), 0), Path(folder)).predictor
        model: Any = trained.backend
        texts = trained.prepared([one.input for one in train])
        words, features = {word for text in texts for word in _words(text)}, model.featurizer(texts)
        decided = []
        for rows in sets:
            inputs = [one.input for one in rows]
            logits = np.asarray(trained.logits(inputs), dtype=np.float64)
            rule = DecisionRule(calibration=trained.decision.calibration)
            answers = rule.decide(scheme, logits)
            prepared = trained.prepared(inputs)
            mine = model.featurizer(prepared)
            nearest = np.concatenate([
                np.sort((mine[start : start + 200] @ features.T).toarray(), axis=1)[:, -NEAREST:].mean(axis=1)
                for start in range(0, mine.shape[0], 200)
            ])  # fmt: skip
            unknown = [np.mean([word not in words for word in _words(text)] or [1.0]) for text in prepared]
            decided.append(
                Decided(
                    (answers.chosen == (build_gold_matrix(scheme, rows) > 0.5)).all(axis=1),
                    np.asarray(answers.confidence),
                    {"energy": rule.energies(logits), "unknown_words": np.array(unknown), "distance": 1 - nearest},
                )
            )
    return decided


def _pairs() -> Iterator[Pair]:
    emotions = LabelScheme("emotions", "single", EMOTIONS)
    yield Pair(
        "carer, tweeteval_emotion", emotions, _with(EMOTIONS, "carer"), _all(_with(EMOTIONS, "tweeteval_emotion"))
    )
    usual = load_dataset(str(READY / "smp2020_usual"), seed=0)
    virus = _with(usual.scheme.names, "smp2020_virus")
    yield Pair("smp2020_usual, smp2020_virus", usual.scheme, usual.splits, _all(virus))
    polarity = LabelScheme("polarity", "binary", POLARITY)
    yield Pair("shopping_zh without hotels, hotel_zh", polarity, _shopping(), _all(_with(POLARITY, "hotel_zh")))
    yield Pair("sst2, tweets without neutral", polarity, _with(POLARITY, "sst2"), _all(_with(POLARITY, "tweets")))


def _with(labels: Sequence[str], name: str) -> dict[str, list[Example]]:
    """Return the rows of a set by split that have one of the labels."""
    source = str(READY / name) if (READY / name).exists() else name
    data = load_dataset(source, DataOptions(), seed=0)
    return {
        split: [one for one in rows if one.labels and len(one.labels) == 1 and one.labels[0] in labels]
        for split, rows in data.splits.items()
    }


def _all(splits: Mapping[str, Rows]) -> list[Example]:
    return [one for rows in splits.values() for one in rows]


def _shopping() -> dict[str, Rows]:
    """Return the reviews of all categories but hotels, split at random."""
    with gzip.open(READY / "shopping_zh" / "all.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    kept = [Example(text=row["text"], labels=(row["label"],)) for row in rows if row["category"] != HOTELS]
    first, second = TRAINING_ROWS, TRAINING_ROWS + VALIDATION_ROWS
    mixed = _sample(kept, second + TEST_ROWS, np.random.default_rng(0))
    return {"train": mixed[:first], "validation": mixed[first:second], "test": mixed[second:]}


def _sample(rows: Rows, count: int, generator: np.random.Generator) -> list[Example]:
    return [rows[place] for place in generator.permutation(len(rows))[:count]]


def _words(text: str) -> list[str]:
    return re.findall(WORD, text.lower())


if __name__ == "__main__":
    main()
