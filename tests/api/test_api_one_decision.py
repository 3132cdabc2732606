"""One decision everywhere: for every scheme and decision rule, all ways of reading an answer agree."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import insula
from insula.cli.tables import PredictionPrinter
from insula.client import Predictions
from insula.core.decision import Calibration, DecisionRule, Decisions
from insula.core.levels import compute_level_predictions
from insula.core.prediction import Prediction
from insula.core.scheme import KINDS, Kind, LabelScheme
from insula.inference.predicted_columns import PredictedColumns
from insula.inference.predictor import Predictor
from insula.serving.answers import build_answers, rank_labels
from insula.serving.pages.answer_view import build_answer_view
from insula.serving.pages.words import Translator
from insula.text.preparation import Preparation
from waiting import DEADLINE

CATEGORICAL: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "dimensional")
NAMES = ("anger", "fear", "joy", "love")
GROUPS = {"anger": "bad", "fear": "bad", "joy": "good", "love": "good"}
EVERYTHING = ("labels", "scores", "confidence", "levels", "display")


class FixedLogits:
    """A backend that gives the logits it holds."""

    def __init__(self, logits: Sequence[Sequence[float]]) -> None:
        self._logits = np.array(logits, dtype=np.float32)

    def logits(self, texts: Sequence[str]) -> Any:
        return self._logits[: len(texts)]


def scheme_of(kind: Kind) -> LabelScheme:
    if kind == "dimensional":
        return LabelScheme("felt", kind, ("valence", "arousal"), ranges={"valence": (-1, 1), "arousal": (0, 1)})
    names = NAMES[:2] if kind == "binary" else NAMES
    mappings = {} if kind == "binary" else {"sentiment": GROUPS}
    return LabelScheme("felt", kind, names, mappings=mappings)


@st.composite
def rules(draw: st.DrawFn, scheme: LabelScheme) -> DecisionRule:
    def numbers(count: int, low: float, high: float) -> tuple[float, ...]:
        return tuple(draw(st.lists(st.floats(low, high), min_size=count, max_size=count)))

    def or_none(values: tuple[float, ...]) -> tuple[float, ...]:
        return values if draw(st.booleans()) else ()

    outputs = scheme.output_count
    scaled = Calibration("vector", numbers(outputs, 0.1, 5), numbers(outputs, -3, 3))
    return DecisionRule(
        calibration=draw(st.sampled_from([Calibration(), scaled])),
        thresholds=or_none(numbers(len(scheme.threshold_labels), 0, 1)),
        offsets=or_none(numbers(len(scheme.names), -4, 4)) if scheme.kind in ("single", "ordinal") else (),
        abstention=draw(st.sampled_from([0.0, 0.6])),
        energy=draw(st.sampled_from([None, -1.0])) if scheme.kind in ("single", "ordinal") else None,
    )


@st.composite
def answered(
    draw: st.DrawFn, kinds: Sequence[Kind] = KINDS
) -> tuple[LabelScheme, Decisions, list[Prediction], Predictor]:
    scheme = scheme_of(draw(st.sampled_from(kinds)))
    row = st.lists(st.floats(-6, 6, width=32), min_size=scheme.output_count, max_size=scheme.output_count)
    logits = draw(st.lists(row, min_size=1, max_size=4))
    rule = draw(rules(scheme))
    predictor = Predictor(scheme=scheme, preparation=Preparation(()), decision=rule, backend=FixedLogits(logits))
    texts = [f"text {number}" for number in range(len(logits))]
    return scheme, predictor.decide(texts), predictor.predict(texts), predictor


@given(answered())
def test_the_label_is_one_of_the_decided_labels(case: Any) -> None:
    scheme, decisions, predictions, _ = case
    measured = [tuple(np.array(scheme.names)[row]) for row in decisions.chosen]  # what reports are about
    for prediction, labels in zip(predictions, measured, strict=True):
        assert prediction.labels == tuple(sorted(labels, key=lambda name: -prediction.scores[name]))
        if not labels:
            assert prediction.label is None
        else:
            assert prediction.label == max(labels, key=lambda name: prediction.scores[name])
        assert len(labels) == 1 or not scheme.has_one_label


@given(answered())
def test_every_form_of_an_answer_says_the_same(case: Any) -> None:
    scheme, _, predictions, _ = case
    predictions = [dataclasses.replace(one, at_risk=one.abstained) for one in predictions]
    columns = PredictedColumns(("text",), scheme, text="text", named_text=True)
    sent = build_answers(scheme, predictions, EVERYTHING, "en")
    received = Predictions()
    texts = [one.text for one in predictions]
    received.add({"model": "m", "version": "1", "predictions": json.loads(json.dumps(sent))}, texts)
    assert [(one.label, one.labels, one.abstained, one.at_risk) for one in received] == [
        (one.label, one.labels, one.abstained, one.at_risk) for one in predictions
    ]
    for prediction, over_http in zip(predictions, sent, strict=True):
        said = (prediction.label, list(prediction.labels))
        in_json, in_file = prediction.to_dict(), columns.join({"text": prediction.text}, prediction)
        assert said == (in_json["label"], in_json["labels"]) == (in_file["label"], in_file["labels"])
        assert said == (over_http["label"], list(over_http["labels"]))
        as_hugging_face = rank_labels(scheme, prediction, None)
        assert {one["label"] for one in as_hugging_face[: len(prediction.labels)]} == set(prediction.labels)
        if prediction.label is not None:
            assert as_hugging_face[0]["label"] == rank_labels(scheme, prediction, 1)[0]["label"] == prediction.label
        if scheme.is_categorical:
            shown = build_answer_view(scheme, prediction, Translator("en"))
            assert [row.name for row in shown.rows if row.given] == prediction.ranked[: len(prediction.labels)]
        for name, level in compute_level_predictions(scheme, prediction).items():
            assert level["labels"] == list(scheme.coarsen(prediction.labels, name))


@given(answered())
def test_the_command_line_prints_the_decided_labels(case: Any) -> None:
    scheme, _, predictions, _ = case
    with pytest.MonkeyPatch.context() as patched:
        lines: list[str] = []
        patched.setattr("insula.cli.tables.typer.echo", lambda line, **_: lines.append(line))
        PredictionPrinter().print(predictions)
    for line, prediction in zip(lines, predictions, strict=True):
        head = line[2:].split("  ")[0]
        if prediction.label is not None:
            assert head.startswith(prediction.label)
        elif scheme.is_categorical:
            assert head.startswith("no clear emotion")


@given(answered(CATEGORICAL))
def test_the_estimator_predicts_the_decided_labels(case: Any) -> None:
    scheme, _, predictions, predictor = case
    estimator = insula.EmotionClassifier()
    estimator.predictor_, estimator.classes_ = predictor, np.array(scheme.names)
    estimator.multilabel_, estimator._indicator = scheme.kind == "multi", False
    found = estimator.predict([one.text for one in predictions])
    in_order = [tuple(name for name in scheme.names if name in one.labels) for one in predictions]  # of its classes
    assert list(found) == (in_order if scheme.kind == "multi" else [one.label for one in predictions])


def by_score(scheme: LabelScheme, chosen: Any, scores: Any) -> list[str]:
    return [scheme.names[place] for place in sorted(np.flatnonzero(chosen), key=lambda place: -scores[place])]


NODE = shutil.which("node")
DECIDE = Path(insula.__file__).parent / "compression" / "page" / "decide.js"


@pytest.mark.skipif(NODE is None, reason="node is not installed: apt-get install nodejs")
def test_the_browser_decides_as_python_does(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0)
    cases, expected = [], []
    for kind in KINDS:
        scheme = scheme_of(kind)
        for plain in (True, False):
            logits = drawn.normal(scale=2, size=(200, scheme.output_count))
            scaled = Calibration("vector", tuple(drawn.uniform(0.5, 2, scheme.output_count).tolist()), (0.3,))
            rule = DecisionRule(
                calibration=Calibration() if plain else scaled,
                thresholds=() if plain else tuple(drawn.uniform(size=len(scheme.threshold_labels)).tolist()),
                offsets=tuple(drawn.normal(size=4).tolist()) if not plain and kind in ("single", "ordinal") else (),
                abstention=0.6,
                energy=-2.0 if not plain and kind in ("single", "ordinal") else None,
            )
            decisions = rule.decide(scheme, logits)
            expected += [
                {"chosen": by_score(scheme, chosen, scores), "abstained": bool(abstained)}
                for chosen, scores, abstained in zip(
                    decisions.chosen, decisions.scores, decisions.abstained, strict=True
                )
            ]
            cases += [[scheme.to_dict(), rule.to_dict(), row] for row in logits.tolist()]
    shutil.copyfile(DECIDE, tmp_path / "decide.mjs")
    (tmp_path / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    (tmp_path / "run.mjs").write_text(
        'import { readFileSync } from "node:fs";\nimport { decide } from "./decide.mjs";\n'
        'const cases = JSON.parse(readFileSync("cases.json"));\n'
        "const found = cases.map((one) => decide(...one));\n"
        "console.log(JSON.stringify(found.map(({ chosen, abstained }) => ({ chosen, abstained }))));\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [str(NODE), "run.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    assert json.loads(done.stdout) == expected
