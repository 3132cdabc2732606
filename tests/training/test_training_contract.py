"""The contract of every model family, for every kind of label scheme.

The default run has each family with single labels, and the linear one and the encoder with every kind.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_data
from insula.core.scheme import KINDS, Kind
from insula.core.targets import build_gold_matrix
from insula.data.splits.leak import Fingerprint
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from insula.training.families.registry import families
from insula.training.objectives.registry import choose_objective
from insula.training.options.objective import ObjectiveOptions
from slow_cases import slow_unless
from unexported import unexported

FAMILIES = tuple(families)
PICKLE_NAMES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".ckpt")
every_family = pytest.mark.parametrize("family", FAMILIES)
# Labels in order are trained as single labels are: the same network, loss and rows. What differs is no family's own.


def _is_exported(family: str, kind: Kind) -> bool:
    return kind == "single" or family in ("encoder", "linear")


CELLS = [
    (family, kind)
    for kind in KINDS
    for family in FAMILIES
    if kind != "ordinal" or family in ("linear", "static", "encoder")
]
every_cell = pytest.mark.parametrize(("family", "kind"), slow_unless(_is_exported, CELLS))


@pytest.fixture
def run(trained_run: Callable[..., Any], family: str, kind: Kind) -> Iterator[Any]:
    """The run of a family and a kind.

    Every family is exported for one kind of scheme, and one family for every kind: that a network answers the same
    from its export is the promise of tests/inference/test_inference_backends.py, for the same families and kinds.
    """
    exported = _is_exported(family, kind)
    with contextlib.nullcontext() if exported else unexported():
        yield trained_run(family, kind, export=exported)


def _test_texts(kind: Kind) -> list[str]:
    return [example.text for example in toy_data.toy_dataset(kind).split("test")]


def test_labels_in_order_are_trained_as_single_labels() -> None:
    ordinal, single = (choose_objective(ObjectiveOptions(), toy_data.SCHEMES[kind]) for kind in ("ordinal", "single"))
    assert ordinal == single
    rows = [toy_data.toy_dataset(kind).split("train") for kind in ("ordinal", "single")]
    assert [row.text for row in rows[0]] == [row.text for row in rows[1]]


@every_cell
def test_a_family_learns_the_toy_data(run: Any, family: str, kind: Kind) -> None:
    test = run.metrics["test"]
    name = "pearson" if kind == "dimensional" else "macro_f1"
    assert test["headline"] == name
    assert test["metrics"][name]["value"] > 0.9


@every_cell
def test_a_reloaded_model_gives_the_same_scores(run: Any, family: str, kind: Kind) -> None:
    texts = _test_texts(kind)
    first, second = Predictor.load(run.path), Predictor.load(run.model)
    np.testing.assert_array_equal(first.logits(texts), second.logits(texts))
    assert first.predict(texts) == second.predict(texts)
    # ... and as when it was measured.
    gold = build_gold_matrix(first.scheme, toy_data.toy_dataset(kind).split("test"))
    decided = first.decide(texts)
    if kind == "dimensional":
        measured = np.mean([entry["mae"] for entry in run.metrics["test"]["per_dimension"]])
        assert np.abs(decided.scores - gold).mean() == pytest.approx(measured, abs=1e-6)
    else:
        assert (decided.chosen == (gold > 0)).all(axis=1).mean() == pytest.approx(
            run.metrics["test"]["abstention"]["accuracy_all"]
        )


@every_cell
def test_batching_does_not_change_scores(run: Any, family: str, kind: Kind) -> None:
    predictor = Predictor.load(run.model)
    texts = [*_test_texts(kind)[:12], "", "a", " ".join(["again"] * 100), "🙂", "完全没见过的词"]
    together = predictor.decide(texts).scores
    alone = np.concatenate([predictor.decide([text]).scores for text in texts])
    backwards = predictor.decide(texts[::-1]).scores[::-1]
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_allclose(backwards, together, atol=1e-5)


@every_cell
def test_scores_stay_in_their_range(run: Any, family: str, kind: Kind) -> None:
    predictor = Predictor.load(run.model)
    scheme = predictor.scheme
    predictions = predictor.predict([*_test_texts(kind), "!!!", "awful " * 50, "lovely awful ordinary"])
    for prediction in predictions:
        scores = [prediction.scores[name] for name in scheme.names]
        if kind == "dimensional":
            for name, score in zip(scheme.names, scores, strict=True):
                assert scheme.ranges[name][0] <= score <= scheme.ranges[name][1]
            assert (prediction.label, prediction.labels, prediction.confidence) == (None, (), None)
            continue
        assert all(0 <= score <= 1 for score in scores)
        assert prediction.label == max(prediction.labels, key=lambda name: prediction.scores[name], default=None)
        assert prediction.confidence is not None
        assert 0 <= prediction.confidence <= 1
        if kind != "multi":
            assert sum(scores) == pytest.approx(1)
            assert len(prediction.labels) == 1
    assert predictor.predict([]) == []


@every_cell
def test_a_run_is_complete(run: Any, family: str, kind: Kind) -> None:
    for name in ("metrics.json", "report.html", "recipe.toml", "run.json", "model/metrics.json"):
        assert (run.path / name).stat().st_size > 0, name
    for name in ("model.safetensors", "model_card.md", "recipe.toml", "fingerprint.safetensors", "manifest.json"):
        assert (run.model / name).stat().st_size > 0, name
    assert json.loads((run.path / "metrics.json").read_text(encoding="utf-8")) == json.loads(json.dumps(run.metrics))
    folder = open_folder(run.model)
    assert (folder.family, folder.scheme) == (family, toy_data.SCHEMES[kind])
    assert folder.metrics["model"]["family"] == family
    listed = set(json.loads((run.model / "manifest.json").read_text(encoding="utf-8"))["files"])
    assert listed == {file.name for file in run.model.iterdir()} - {"manifest.json"}
    left_over = {entry.name for entry in run.path.iterdir()}
    assert left_over <= {
        "metrics.json", "report.html", "recipe.toml", "run.json", "model", "baselines", "logs",
    }  # fmt: skip
    wanted = {"majority", "linear", "untrained"} if family != "linear" else {"majority"}
    assert set(run.metrics["baselines"]) == wanted


@every_cell
def test_nothing_in_a_run_is_pickled(run: Any, family: str, kind: Kind) -> None:
    files = [file for file in run.path.rglob("*") if file.is_file()]
    assert len(files) > 8
    for file in files:
        assert file.suffix not in PICKLE_NAMES, file
        start = file.read_bytes()[:4]
        assert not (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05"), file  # pickle protocols
        assert start != b"PK\x03\x04", file  # torch.save's archive


@every_cell
def test_progress_is_reported(run: Any, recorders: dict[Path, Any], family: str, kind: Kind) -> None:
    recorder = recorders[run.path]
    assert recorder.finished == len(recorder.tasks) >= 1
    for (task, total), steps in zip(recorder.tasks, recorder.steps, strict=True):
        assert total is None or 0 < steps <= total, task
    assert any("test rows" in sentence for sentence in recorder.said)


@every_family
def test_the_fingerprint_holds_every_training_text(trained_run: Callable[..., Any], family: str) -> None:
    from safetensors.numpy import load_file

    run, data = trained_run(family, "single"), toy_data.toy_dataset("single")
    kept = {name: Fingerprint(rows.view(np.uint64)) for name, rows in
            load_file(run.model / "fingerprint.safetensors").items()}  # fmt: skip
    for split, fingerprint in kept.items():
        assert fingerprint.find_seen([example.text.upper() + "!" for example in data.split(split)]).all()
    assert not kept["train"].find_seen([example.text for example in data.split("test")]).any()
    assert run.metrics["data"]["fingerprint"] == kept["train"].digest
