"""One model folder, one answer: in Python, on the command line, file to file, by the estimator, saved and loaded."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import insula
from insula.cli.app import app
from insula.core.prediction import Prediction
from insula.data.formats.writers import open_writer
from waiting import DEADLINE

TEXTS = [
    "Two hours on hold and nobody called back.", "lovely wonderful day", "AWFUL!!! horrid &amp; angry",
    "今天 开心 美好", "the 糟糕 morning 😡", "ordinary usual plain", "http://example.org @someone sooooo happy", "x",
    "lovely " * 300,
]  # fmt: skip


def from_command_line(*arguments: str | Path, stdin: str | None = None) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)], input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def answers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in ("labels", "label", "scores", "confidence", "abstained")} for row in rows]


@pytest.mark.parametrize(
    ("family", "kind"),
    [("linear", "binary"), ("linear", "single"), ("linear", "multi"), ("linear", "dimensional"), ("encoder", "multi")],
)
def test_python_and_command_line_agree(
    tmp_path: Path, monkeypatch: Any, trained_run: Callable[..., Any], family: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    run = trained_run(family, kind).path
    expected = answers([one.to_dict() for one in insula.load_model(run).predict(TEXTS)])
    assert answers([one.to_dict() for one in insula.predict(TEXTS, run)]) == expected
    assert answers(from_command_line(*TEXTS, "--json", "-m", run)) == expected
    assert answers(from_command_line("--json", "-m", run / "model", stdin="\n".join(TEXTS) + "\n")) == expected
    with open_writer("in.parquet") as writer:
        writer.write([{"text": text} for text in TEXTS])
    from_command_line("-i", "in.parquet", "-o", "out.jsonl", "-m", run)
    lines = Path("out.jsonl").read_text(encoding="utf-8").splitlines()
    assert answers([json.loads(line) for line in lines]) == expected
    moved = shutil.copytree(run / "model", tmp_path / "elsewhere")
    assert answers([one.to_dict() for one in insula.predict(TEXTS, moved)]) == expected


def close(one: list[Prediction], other: list[Prediction]) -> bool:
    return all(
        a.label == b.label and a.labels == b.labels and a.scores == pytest.approx(b.scores, abs=1e-5)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("family", ["linear", "encoder"])
def test_answers_do_not_depend_on_company(trained_run: Callable[..., Any], family: str) -> None:
    model = insula.load_model(trained_run(family, "multi").path)
    together = model.predict(TEXTS)
    assert close(together, [model.predict([text])[0] for text in TEXTS])
    assert close(together, model.predict(TEXTS[::-1])[::-1])


def test_the_estimator_saves_what_every_other_way_reads(
    tmp_path: Path, monkeypatch: Any, toy_dataset: Callable[..., Any]
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = toy_dataset("single").split("train")
    texts, labels = [one.text for one in examples], [one.labels[0] for one in examples]
    estimator = insula.EmotionClassifier(model="linear").fit(texts, labels)
    estimator.save("my-model")
    loaded = insula.load_model("my-model").predict(TEXTS)
    assert [one.label for one in loaded] == list(estimator.predict(TEXTS))
    proba = estimator.predict_proba(TEXTS)
    assert proba.shape == (len(TEXTS), 3)
    names = list(estimator.classes_)
    assert proba.tolist() == [pytest.approx([one.scores[name] for name in names]) for one in loaded]
    told = from_command_line(*TEXTS, "--json", "-m", "my-model")
    assert answers(told) == answers([one.to_dict() for one in loaded])


def test_a_single_text_is_a_list_of_one(run: Path) -> None:
    assert insula.predict("lovely wonderful day", run) == insula.predict(["lovely wonderful day"], run)


def test_predicting_needs_neither_torch_nor_sklearn(run: Path) -> None:
    code = (
        f"import insula, sys; insula.predict('hello', {str(run)!r}); print({{'torch', 'sklearn'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stdout.strip() == "set()"
