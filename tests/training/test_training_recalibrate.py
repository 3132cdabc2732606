"""`calibrate_model`: a new decision rule, measured on rows on which it was not chosen."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import insula
import toy_data
from insula.core.decision import DecisionRule
from insula.core.errors import DataError, OutputError, RecipeError
from insula.core.files import write_json
from insula.core.scheme import KINDS, Kind
from insula.core.targets import build_gold_matrix
from insula.data.splits.leak import Fingerprint
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder, seal
from insula.models.provenance import split_fingerprints
from insula.training.decide import choose_decision
from insula.training.options.sections import DecisionOptions
from insula.training.recalibrate import cross_fit, recalibrate

RunOf = Callable[..., Any]


def _rows(kind: Kind, count: int = 120) -> list[Any]:
    return list(toy_data.toy_dataset(kind, train=count, validation=0, test=0, seed=23).split("train"))


def _file(path: Path, rows: list[Any]) -> Path:
    lines = [json.dumps({"text": row.text, "label": list(row.labels)}, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _with_rule(folder: Path, rule: DecisionRule, output: Path) -> Path:
    source = open_folder(folder)
    shutil.copytree(folder, output)
    write_json(output / "decision.json", rule.to_dict())
    (output / "manifest.json").unlink()
    seal(output, family=source.family, backend=source.backend)
    return output


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_rule_changes_and_all_rows_choose_it(kind: Kind, tmp_path: Path, trained_run: RunOf) -> None:
    source = open_folder(trained_run("linear", kind).model)
    rows, options = _rows(kind), DecisionOptions(coverage=0.7)
    made = recalibrate(source, rows, tmp_path / "new", options, command="the command")
    predictor = Predictor.load(made.path)
    texts = [row.text for row in rows]
    logits, gold = Predictor.load(source.path).logits(texts), build_gold_matrix(source.scheme, rows)
    np.testing.assert_array_equal(predictor.logits(texts), logits)
    assert predictor.decision == made.decision == choose_decision(source.scheme, logits, gold, options, seed=0)
    changed = {
        "decision.json",
        "drift.json",
        "fingerprint.safetensors",
        "manifest.json",
        "metrics.json",
        "model_card.md",
        "recipe.toml",
    }
    for file in source.path.iterdir():
        assert file.name in changed or (made.path / file.name).read_bytes() == file.read_bytes(), file.name
    assert tomllib.loads((made.path / "recipe.toml").read_text(encoding="utf-8"))["decision"]["coverage"] == 0.7
    known, before = split_fingerprints(made.path), split_fingerprints(source.path)
    assert known["validation"].find_seen(texts).all()
    assert set(before["validation"].to_array()) < set(known["validation"].to_array())
    np.testing.assert_array_equal(known["train"].to_array(), before["train"].to_array())
    metrics = open_folder(made.path).metrics
    assert (metrics["test"], metrics["command"], metrics["decision"]["coverage"]) == (None, "the command", 0.7)
    assert metrics["validation"]["rows"] == len(rows)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_does_not_influence_its_own_rule(kind: Kind, trained_run: RunOf) -> None:
    source = open_folder(trained_run("linear", kind).model)
    rows = _rows(kind, 100)
    logits = Predictor.load(source.path).logits([row.text for row in rows])
    gold = build_gold_matrix(source.scheme, rows)
    fold = np.random.default_rng(5).permutation(len(rows)) % 5
    before = cross_fit(source.scheme, logits, gold, DecisionOptions(class_offsets=True), seed=5)
    turned = gold.copy()
    turned[fold == 2] = gold[fold == 2][:, ::-1]
    after = cross_fit(source.scheme, logits, turned, DecisionOptions(class_offsets=True), seed=5)
    for name in ("scores", "chosen", "confidence", "abstained"):
        one, other = getattr(before, name), getattr(after, name)
        if one is not None:
            np.testing.assert_array_equal(one[fold == 2], other[fold == 2])
    in_order = choose_decision(
        source.scheme, logits[fold != 4], gold[fold != 4], DecisionOptions(class_offsets=True), seed=5
    )
    np.testing.assert_array_equal(before.scores[fold == 4], in_order.decide(source.scheme, logits[fold == 4]).scores)


def test_rows_of_another_source_refit_the_thresholds(tmp_path: Path, trained_run: RunOf) -> None:
    run, rows = trained_run("linear", "multi"), _rows("multi", 200)
    own = open_folder(run.model)
    far = dataclasses.replace(own.decision, thresholds=(0.97,) * len(own.scheme.names))
    model = _with_rule(run.model, far, tmp_path / "far")
    made = insula.calibrate_model(model, tmp_path / "near", data=_file(tmp_path / "rows.jsonl", rows))
    assert made.figures["before"] < made.figures["after"]
    assert made.figures["difference"]["low"] > 0
    record = json.loads((made.path / "recalibration.json").read_text(encoding="utf-8"))
    assert record["after"] == made.figures["after"]
    assert record["made_from"]["decision"] == far.to_dict()
    fresh = list(toy_data.toy_dataset("multi", train=150, validation=0, test=0, seed=31).split("train"))
    file = _file(tmp_path / "fresh.jsonl", fresh)
    reached = [insula.evaluate(file, one).metrics["test"]["metrics"]["macro_f1"]["value"] for one in (model, made.path)]
    assert reached[0] < reached[1]
    again = insula.evaluate(tmp_path / "rows.jsonl", made.path, resamples=100).metrics["test"]
    assert again["seen"]["rows"] == len(rows)


def test_training_rows_are_left_out_and_reported(tmp_path: Path, trained_run: RunOf, recorder: Any) -> None:
    run, data = trained_run("linear", "single"), toy_data.toy_dataset("single")
    trained, chosen_on = list(data.split("train")[:70]), list(data.split("validation"))
    with pytest.raises(DataError, match=r"At least 50 rows outside the training data.*Got 0"):
        insula.calibrate_model(run.path, tmp_path / "new", data=_file(tmp_path / "trained.jsonl", trained))
    assert not (tmp_path / "new").exists()
    rows = _file(tmp_path / "rows.jsonl", [*trained, *chosen_on, *_rows("single", 60)])
    made = insula.calibrate_model(run.path, tmp_path / "new", data=rows, progress=recorder)
    assert made.figures["rows"] == len(chosen_on) + 60
    assert any(said.startswith("70 training rows left out") for said in recorder.said)
    assert any(f"was chosen on {len(chosen_on)} of them" in said for said in recorder.said)
    assert made.figures["difference"]["value"] == 0  # chosen as before, on both sides
    few = _file(tmp_path / "few.jsonl", [*chosen_on[:5], *_rows("single", 60)])
    recorder.said.clear()
    insula.calibrate_model(run.path, tmp_path / "few", data=few, progress=recorder)
    assert not any("measured instead" in said for said in recorder.said)
    known = Fingerprint.of(trained)
    assert not set(known.to_array()) & set(split_fingerprints(made.path)["validation"].to_array())


def test_impossible_calibrations_are_rejected(tmp_path: Path, trained_run: RunOf, recorder: Any) -> None:
    run = trained_run("linear", "single")
    with pytest.raises(RecipeError, match=r"decision\.coverage"):
        insula.calibrate_model(run.path, tmp_path / "new", coverage=1.5)
    with pytest.raises(DataError, match="does not record its training data"):
        insula.calibrate_model(run.path, tmp_path / "new")
    with pytest.raises(OutputError, match="must not contain the input"):
        insula.calibrate_model(run.path, run.path)
    rows = _file(tmp_path / "rows.jsonl", _rows("single"))
    insula.calibrate_model(run.path, tmp_path / "new", data=rows, thresholds="half", progress=recorder)
    assert any("decision.thresholds will do nothing" in said for said in recorder.said)
    with pytest.raises(OutputError, match="--overwrite"):
        insula.calibrate_model(run.path, tmp_path / "new", data=rows)


def test_the_old_name_of_the_data_still_works(tmp_path: Path, trained_run: RunOf) -> None:
    rows = _file(tmp_path / "rows.jsonl", _rows("single", 60))
    with pytest.warns(DeprecationWarning, match="use data="):
        made = insula.calibrate_model(trained_run("linear", "single").path, tmp_path / "new", rows=rows)
    assert made.figures["rows"] == 60
