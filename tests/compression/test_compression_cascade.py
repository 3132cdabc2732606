"""`cascade_model`: two models as one folder, the cheap one where it is sure."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import insula
import toy_data
from insula.compression.cascade import FIRST_WEIGHTS, make_cascade
from insula.core.decision import Calibration, DecisionRule
from insula.core.errors import ModelFolderError, ParityError
from insula.core.model_input import ModelInput, Turn
from insula.core.progress import Silent
from insula.core.targets import build_gold_matrix
from insula.inference.cascade_backend import (
    STAGES,
    CascadeBackend,
    calibrate_logits,
    compute_uncertainty,
    measure_byte_lengths,
)
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder
from insula.models.provenance import split_fingerprints
from insula.text.context import Context

TEXTS = ["lovely wonderful day", "awful train and terrible work", "", "开心 today", "a plain usual table"] * 9


def make(trained_run: Callable[..., Any], kind: Any, output: Path, *, max_loss: float = 1.0) -> Any:
    first, second = trained_run("linear", kind), trained_run("encoder", kind)
    stages = [open_folder(run.model) for run in (first, second)]
    dataset = toy_data.toy_dataset(kind)
    return make_cascade(stages[0], stages[1], dataset, output, max_loss=max_loss, progress=Silent())


def with_limit(folder: Path, limit: float) -> CascadeBackend:
    backend = CascadeBackend(folder)
    backend.limit, backend.price, backend.say = limit, 0.0, 0.0
    return backend


@pytest.mark.parametrize("kind", ["multi", "single", "binary", "ordinal"])
def test_each_text_is_answered_by_the_stage_that_should(
    tmp_path: Path, trained_run: Callable[..., Any], kind: Any
) -> None:
    made = make(trained_run, kind, tmp_path / "both")
    assert 0 < made.share < 1
    both = Predictor.load(made.path)
    first, second = (Predictor.load(made.path / stage) for stage in ("first", "second"))
    own = [calibrate_logits(stage, stage.logits(TEXTS)) for stage in (first, second)]
    scores = first.decide(TEXTS).scores
    share = build_gold_matrix(both.scheme, toy_data.toy_dataset(kind).splits["validation"]).mean(axis=0)
    size = np.array([len(text.encode()) + 8 for text in TEXTS])
    sure = (scores * (1 - scores) / share).mean(axis=1) / size**made.price <= made.limit
    assert sure.any()
    together = made.say * own[0] + (1 - made.say) * own[1]
    wanted = DecisionRule().scores(both.scheme, np.where(sure[:, None], own[0], together))
    np.testing.assert_allclose(both.decide(TEXTS).scores, wanted, atol=1e-5)


def test_a_first_stage_has_a_say_where_it_helps(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    made = make(trained_run, "multi", tmp_path / "both")
    examples = toy_data.toy_dataset("multi").splits["validation"]
    texts, gold = [example.text for example in examples], build_gold_matrix(open_folder(made.path).scheme, examples)
    own = [
        calibrate_logits(stage, stage.logits(texts)) for stage in (Predictor.load(made.path / one) for one in STAGES)
    ]

    def loss(say: float) -> float:
        logits = say * own[0] + (1 - say) * own[1]
        return float((np.logaddexp(0, logits) - gold * logits).sum())

    assert made.say == min(FIRST_WEIGHTS, key=loss)
    settings = json.loads((made.path / "cascade.json").read_text(encoding="utf-8"))
    assert (settings["say"], settings["limit"], settings["price"]) == (made.say, made.limit, made.price)


def test_a_cascade_reads_what_one_of_its_stages_reads(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    both = Predictor.load(make(trained_run, "multi", tmp_path / "both").path)
    assert both.context == Context()
    backend = both.backend
    assert isinstance(backend, CascadeBackend)
    for stage, context in (
        (backend.first, Context(turns=1, target=True, pairs=False)),
        (backend.second, Context(turns=2)),
    ):
        stage.preparation = dataclasses.replace(stage.preparation, context=context)
    assert (both.context.turns, both.context.target) == (2, True)
    turns = tuple(map(Turn, ("awful", "lovely", "usual")))
    inputs = [ModelInput(text, turns=turns, target="table") for text in TEXTS]
    assert both.count_unread(inputs) == len(inputs)  # the second stage reads no target
    read = [both.context.drop_unread(one) for one in inputs]
    assert {len(one.turns) for one in read} == {2}
    np.testing.assert_array_equal(both.logits(read), both.logits(inputs))


def test_all_or_none_by_the_first_stage(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    made = make(trained_run, "multi", tmp_path / "both")
    rule, scheme = Predictor.load(made.path).decision, open_folder(made.path).scheme
    for limit, stage in ((1e9, "first"), (-1.0, "second")):
        logits = with_limit(made.path, limit).logits(TEXTS)
        alone = Predictor.load(made.path / stage).decide(TEXTS).scores
        np.testing.assert_allclose(rule.scores(scheme, logits), alone, atol=1e-5)
    assert with_limit(made.path, -1.0).logits([]).shape == (0, len(scheme.names))


def test_the_folder_says_what_it_is_and_costs(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    made = make(trained_run, "multi", tmp_path / "both")
    folder = open_folder(made.path)  # its checksums hold
    assert (folder.family, folder.backend) == ("cascade", "cascade")
    assert made.bytes == sum(file.stat().st_size for file in made.path.rglob("*") if file.is_file())
    figures = json.loads((made.path / "parity.json").read_text(encoding="utf-8"))
    assert figures["validation"]["loss"]["value"] <= 1.0
    assert figures["company"]["largest_difference"] <= 1e-4
    assert folder.metrics["test"] is None
    assert folder.metrics["validation"]["metrics"]["macro_f1"]["value"] == pytest.approx(
        made.parity["validation"]["after"]
    )
    saved = [point["saved"] for point in made.tried]
    assert saved == sorted(saved, reverse=True)
    assert made.tried[-1] | {"loss": None} == {
        "share": made.share, "saved": made.saved, "price": made.price, "limit": made.limit, "loss": None
    }  # fmt: skip
    assert all(point["loss"] > 1.0 for point in made.tried[:-1])


def test_doubt_counts_rare_labels_and_short_texts_for_more(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    backend = CascadeBackend(make(trained_run, "multi", tmp_path / "both").path)
    first = backend.first
    logits = calibrate_logits(first, first.logits(["table", "table " * 40]))[:1].repeat(2, axis=0)
    scores = dataclasses.replace(first.decision, calibration=Calibration()).scores(first.scheme, logits)[0]
    for label, score in enumerate(scores):
        only = np.eye(len(scores))[label]
        np.testing.assert_allclose(compute_uncertainty(first, logits, only, np.ones(2), 0.0), score * (1 - score))
        np.testing.assert_allclose(
            compute_uncertainty(first, logits, 3 * only, np.ones(2), 0.0), 3 * score * (1 - score)
        )
    size = measure_byte_lengths(["table", "table " * 40])
    for price, times in ((0.0, 1.0), (0.5, (248 / 13) ** 0.5), (1.0, 248 / 13)):
        short, long = compute_uncertainty(first, logits, backend.worth, size, price)
        assert short == pytest.approx(times * long)


def test_a_loss_that_no_switch_point_keeps_is_refused(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    with pytest.raises(ParityError, match="must lose at most -1"):
        make(trained_run, "multi", tmp_path / "both", max_loss=-1.0)
    assert not list(tmp_path.iterdir())


def test_a_switch_that_depends_on_the_company_is_refused(
    tmp_path: Path, trained_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wavering(stage: Predictor, logits: Any, *rest: Any) -> Any:
        return compute_uncertainty(stage, logits, *rest) + (len(logits) > 1)

    monkeypatch.setattr("insula.inference.cascade_backend.compute_uncertainty", wavering)
    with pytest.raises(
        ParityError, match=r"same alone and in any batch.*Move the switch point with another --max-loss\. Nothing"
    ):
        make(trained_run, "multi", tmp_path / "both")
    assert not list(tmp_path.iterdir())


def test_no_validation_row_lies_on_the_switch_point(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    made = make(trained_run, "multi", tmp_path / "both")
    backend = CascadeBackend(made.path)
    texts = [example.text for example in toy_data.toy_dataset("multi").splits["validation"]]
    logits = calibrate_logits(backend.first, backend.first.logits(texts))
    doubts = compute_uncertainty(backend.first, logits, backend.worth, measure_byte_lengths(texts), backend.price)
    assert np.abs(doubts - backend.limit).min() > 0
    assert (doubts <= backend.limit).mean() == pytest.approx(made.share)


def test_stages_must_fit_each_other(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    made = make(trained_run, "multi", tmp_path / "both")
    multi = trained_run("encoder", "multi").model
    for first, told in (
        (made.path, "it is a cascade already"),
        (trained_run("encoder", "single").model, "the same labels"),
    ):
        with pytest.raises(ModelFolderError, match=told):
            make_cascade(open_folder(first), open_folder(multi), toy_data.toy_dataset("multi"), tmp_path / "x",
                         progress=Silent())  # fmt: skip
    dimensional = open_folder(trained_run("encoder", "dimensional").model)
    with pytest.raises(ModelFolderError, match="not dimensions"):
        make_cascade(dimensional, dimensional, toy_data.toy_dataset("dimensional"), tmp_path / "x", progress=Silent())


def test_a_file_is_predicted_as_its_texts_are(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    made = make(trained_run, "single", tmp_path / "both")
    texts = [text for text in TEXTS if text]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    result = insula.predict_file(tmp_path / "in.jsonl", tmp_path / "out.jsonl", made.path)
    assert result.rows == len(texts)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    wanted = insula.predict(texts, made.path)
    assert [row["label"] for row in rows] == [one.label for one in wanted]


def test_a_cascade_knows_the_rows_of_both_its_stages(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    made = make(trained_run, "single", tmp_path / "both")
    known = split_fingerprints(made.path)
    for stage in ("first", "second"):
        for name, part in split_fingerprints(made.path / stage).items():
            assert np.isin(part.to_array(), known[name].to_array()).all()
            assert len(part.to_array()) > 0
