"""Drift between texts: false alarms, changes that are found, quality estimated without labels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import toy_data
from insula.api.drift import measure_drift
from insula.cli.app import app
from insula.core.decision import Decisions
from insula.core.errors import DataError
from insula.core.scheme import LabelScheme
from insula.evaluation.drift import drift as module
from insula.evaluation.drift.estimate import estimate_quality
from insula.evaluation.drift.reference import FILE, DriftReference, TextCounts
from insula.models.folder import MANIFEST, open_folder, seal
from insula.models.locate import STARTER_FOLDER

SINGLE = LabelScheme("three", "single", ("a", "b", "c"))
MULTI = LabelScheme("three", "multi", ("a", "b", "c"))


def decided(
    rng: np.random.Generator, rows: int, shares: tuple[float, ...], *, scheme: LabelScheme = SINGLE
) -> Decisions:
    """Return decisions whose labels have these shares."""
    if scheme.kind == "multi":
        chosen = rng.random((rows, 3)) < np.array(shares)
        scores = np.where(chosen, 0.8, 0.2)
    else:
        chosen = np.eye(3, dtype=bool)[rng.choice(3, rows, p=shares)]
        scores = np.where(chosen, 0.6, 0.2)
    return Decisions(scores, chosen, rng.beta(5, 2, rows), np.zeros(rows, dtype=bool))


def texts(rng: np.random.Generator, rows: int, words: list[str]) -> list[str]:
    """Return texts of some words."""
    return [" ".join(rng.choice(words, rng.integers(3, 12))) for _ in range(rows)]


@pytest.mark.parametrize("scheme", [SINGLE, MULTI], ids=lambda scheme: scheme.kind)
def test_texts_of_one_kind_have_not_drifted(scheme: LabelScheme) -> None:
    rng = np.random.default_rng(0)
    words = toy_data.words()[:30]
    alarms = 0
    for _ in range(60):
        sides = [(texts(rng, 120, words), decided(rng, 120, (0.5, 0.3, 0.2), scheme=scheme)) for _ in range(2)]
        alarms += module.measure_drift(scheme, *sides, min_size=0.0).drifted
    assert alarms <= 3  # 0.6 are expected at most


@pytest.mark.parametrize("scheme", [SINGLE, MULTI], ids=lambda scheme: scheme.kind)
def test_each_change_is_found_where_it_is(scheme: LabelScheme) -> None:
    rng = np.random.default_rng(0)
    words = ["day", "train", "morning", "street", "letter", "answer", "window"]
    reference = (texts(rng, 600, words), decided(rng, 600, (0.5, 0.3, 0.2), scheme=scheme))
    same = (texts(rng, 600, words), decided(rng, 600, (0.5, 0.3, 0.2), scheme=scheme))

    def found(**changed: Any) -> set[str]:
        result = module.measure_drift(
            scheme, reference, (changed.get("texts", same[0]), changed.get("decisions", same[1]))
        )
        return {one.aspect for one in result.aspects if one.drifted}

    assert found() == set()
    assert found(decisions=decided(rng, 600, (0.2, 0.3, 0.5), scheme=scheme)) == {"labels"}
    less_sure = Decisions(same[1].scores, same[1].chosen, rng.beta(2, 5, 600), same[1].abstained)
    assert found(decisions=less_sure) == {"confidence"}
    assert found(texts=[f"{text} {text}" for text in same[0]]) == {"length"}
    assert "language" in found(texts=["今天早上我们去了火车站"] * 600)
    assert found(texts=texts(rng, 600, [word[::-1] for word in words])) >= {"words"}


def test_the_embedding_drifts_where_nothing_else_does() -> None:
    rng = np.random.default_rng(0)
    same = [(["a day"] * 400, decided(rng, 400, (0.5, 0.3, 0.2))) for _ in range(2)]
    spread = rng.random((64, 64))  # features depend on each other
    alarms = 0
    for _ in range(60):
        quiet = (rng.normal(size=(400, 64)) @ spread, rng.normal(size=(400, 64)) @ spread)
        found = module.measure_drift(SINGLE, *same, features=quiet, min_size=0.0)
        alarms += found.aspects[-1].drifted
    assert alarms <= 3
    moved = quiet[1] + 0.5 * quiet[1].std(axis=0)
    found = module.measure_drift(SINGLE, *same, features=(quiet[0], moved))
    assert [one.aspect for one in found.aspects if one.drifted] == ["embedding"]


@pytest.mark.parametrize(("recipe", "has_embedding"), [("static", True), ("encoder", True), ("linear", False)])
def test_models_with_dense_features_have_an_embedding(
    trained_run: Callable[..., Any], recipe: str, has_embedding: bool
) -> None:
    rows = [example.text for example in toy_data.toy_dataset("single", train=200).splits["train"]]
    found = measure_drift(rows[:100], rows[100:], trained_run(recipe, "single").path)
    assert ("embedding" in {one.aspect for one in found.aspects}) == has_embedding
    assert not found.drifted
    assert json.loads(json.dumps(found.to_dict()))["aspects"]


@pytest.mark.parametrize(
    "scheme", [SINGLE, pytest.param(MULTI, marks=pytest.mark.slow)], ids=lambda scheme: scheme.kind
)
def test_a_stored_reference_finds_the_same(scheme: LabelScheme, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = toy_data.words()[:30]
    spread = rng.random((24, 24))

    def draw(rows: int, some: list[str] = words, moved: float = 0.0) -> Any:
        features = rng.normal(moved, size=(rows, 24)) @ spread
        return texts(rng, rows, some), decided(rng, rows, (0.5, 0.3, 0.2), scheme=scheme), features

    before = draw(800)
    built = DriftReference.build(scheme, *before)
    assert built is not None
    built.write(tmp_path)
    reference = DriftReference.read(tmp_path)
    assert reference is not None
    assert reference.digest == built.digest
    assert sum(reference.measure_drift(scheme, *draw(200), min_size=0.0).drifted for _ in range(40)) <= 3
    for now in (draw(400), draw(400, [word[::-1] for word in words]), draw(400, moved=0.5)):
        exact = module.measure_drift(scheme, before[:2], now[:2], features=(before[2], now[2]))
        stored = reference.measure_drift(scheme, *now)
        assert {one.aspect for one in stored.aspects if one.drifted} == {
            one.aspect for one in exact.aspects if one.drifted
        }
        sizes = {one.aspect: one.size for one in exact.aspects}
        for one in stored.aspects:
            if one.aspect != "embedding":  # its components are fitted to another half
                assert one.size == pytest.approx(sizes[one.aspect], abs=0.03), one.aspect
        assert stored.estimated == exact.estimated
        assert stored.estimated_reference == pytest.approx(exact.estimated_reference)


def test_counts_of_batches_add_up() -> None:
    rng = np.random.default_rng(0)
    said, decisions = texts(rng, 300, toy_data.words()[:30]), decided(rng, 300, (0.5, 0.3, 0.2))
    reference = DriftReference.build(SINGLE, said, decisions)
    assert reference is not None
    observed = reference.observe(SINGLE, said, decisions)
    whole = observed.count(range(300))
    added = observed.count(range(100)).add(observed.count(range(100, 300)))
    assert added.sums == pytest.approx(whole.sums)
    assert (added.rows, added.labels, added.languages, added.bins) == (300, whole.labels, whole.languages, whole.bins)
    assert TextCounts.from_dict(json.loads(json.dumps(whole.to_dict()))) == whole
    assert whole.bins["length"] == reference.counts.bins["length"]
    assert DriftReference.build(SINGLE, said[:49], decisions.of_rows(range(49))) is None


def test_a_stored_reference_has_no_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    said = [f"common words and rareword{number}" for number in range(100)]
    reference = DriftReference.build(SINGLE, said, decided(rng, 100, (0.5, 0.3, 0.2)))
    assert reference is not None
    assert len(reference.known) == 3  # what only one text says is not even there as a hash
    reference.write(tmp_path)
    content = (tmp_path / FILE).read_bytes()
    assert not any(word in content for word in (b"common", b"rareword"))


def test_a_trained_model_watches_drift_by_itself(trained_run: Callable[..., Any], tmp_path: Path) -> None:
    run = trained_run("linear", "single")
    assert FILE in json.loads((run.model / "manifest.json").read_text())["files"]
    rows = [example.text for example in toy_data.toy_dataset("single", train=200).splits["train"]]
    assert not measure_drift(None, rows, run.path).drifted
    (tmp_path / "now.txt").write_text("\n".join(f"{row} lovely delighted 开心" for row in rows), encoding="utf-8")
    done = CliRunner().invoke(app, ["drift", str(tmp_path / "now.txt"), "-m", str(run.path)])
    assert done.exit_code == 3
    assert "DRIFT  labels" in done.stdout


def test_the_starter_has_a_reference(trained_run: Callable[..., Any], tmp_path: Path) -> None:
    starter = DriftReference.read(STARTER_FOLDER)
    assert starter is not None
    assert starter.counts.languages.most_common(1)[0][0] == "en"
    (tmp_path / "now.txt").write_text("\n".join(["大家早上好"] * 60), encoding="utf-8")
    done = CliRunner().invoke(app, ["drift", str(tmp_path / "now.txt")])
    assert done.exit_code == 3
    assert "DRIFT  language" in done.stdout
    folder = shutil.copytree(trained_run("linear", "single").model, tmp_path / "model")
    (folder / FILE).unlink()
    entry = open_folder(trained_run("linear", "single").model)
    (folder / MANIFEST).unlink()
    seal(folder, family=entry.family, backend=entry.backend)
    missing = CliRunner().invoke(app, ["drift", str(tmp_path / "now.txt"), "-m", str(folder)])
    assert missing.exit_code == 1
    assert "no reference for drift" in missing.output


def test_significance_alone_is_no_drift() -> None:
    rng = np.random.default_rng(0)
    sides = [(["a day"] * 40_000, decided(rng, 40_000, shares)) for shares in ((0.5, 0.3, 0.2), (0.47, 0.33, 0.2))]
    labels = module.measure_drift(SINGLE, *sides).aspects[0]
    assert labels.p_corrected < 1e-10
    assert labels.size < 0.05
    assert not labels.drifted


def test_holm_correction() -> None:
    assert module._adjust_p_values([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])


@pytest.mark.parametrize("scheme", [SINGLE, MULTI], ids=lambda scheme: scheme.kind)
def test_estimate_agrees_with_the_truth_of_calibrated_scores(scheme: LabelScheme) -> None:
    rng = np.random.default_rng(0)
    rows = 40_000
    if scheme.kind == "multi":
        scores = rng.beta(1, 3, (rows, 3))
        gold = rng.random((rows, 3)) < scores
        chosen = scores >= 0.4
        confidence = np.where(chosen, scores, 1 - scores).prod(axis=1)
    else:
        scores = rng.dirichlet((2.0, 1.0, 0.5), rows)
        gold = np.eye(3, dtype=bool)[(scores.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1)]
        chosen = np.eye(3, dtype=bool)[scores.argmax(axis=1)]
        confidence = scores.max(axis=1)
    found = estimate_quality(scheme, Decisions(scores, chosen, confidence, np.zeros(rows, dtype=bool)))
    assert found is not None
    f1 = 2 * (chosen & gold).sum(axis=0) / (chosen.sum(axis=0) + gold.sum(axis=0))
    assert list(found.f1.values()) == pytest.approx(f1, abs=0.02)
    assert found.macro_f1 == pytest.approx(f1.mean(), abs=0.01)
    assert found.accuracy == pytest.approx((chosen == gold).all(axis=1).mean(), abs=0.01)


@pytest.mark.parametrize("kind", ["binary", "single", "multi", "ordinal", "dimensional"])
def test_every_kind_of_scheme_is_measured(trained_run: Callable[..., Any], kind: Any) -> None:
    rows = [example.text for example in toy_data.toy_dataset(kind, train=200).splits["train"]]
    found = measure_drift(rows[:100], rows[100:], trained_run("linear", kind).path)
    assert not found.drifted
    assert (found.estimated is None) == (kind == "dimensional")
    if found.estimated is not None:
        assert 0.5 < found.estimated.macro_f1 <= 1.0
    assert json.loads(json.dumps(found.to_dict()))["rows"] == 100


def test_command_says_what_drifted(trained_run: Callable[..., Any], tmp_path: Path) -> None:
    rows = [example.text for example in toy_data.toy_dataset("single", train=200).splits["train"]]
    (tmp_path / "test.txt").write_text("\n".join(rows[:100]), encoding="utf-8")
    (tmp_path / "now.txt").write_text("\n".join(f"{row} lovely delighted 开心" for row in rows[100:]), encoding="utf-8")
    model = ["-m", str(trained_run("linear", "single").path)]
    given = [str(tmp_path / "now.txt"), "--reference", str(tmp_path / "test.txt"), *model]
    done = CliRunner().invoke(app, ["drift", *given])
    assert done.exit_code == 3
    assert "DRIFT  labels" in done.stdout
    assert "estimated without labels: accuracy" in done.stdout
    assert json.loads(CliRunner().invoke(app, ["drift", *given, "--json"]).stdout)["drifted"]
    same = CliRunner().invoke(app, ["drift", given[2], *given[1:]])
    assert same.exit_code == 0, same.output


def test_rows_that_are_not_read_are_told(trained_run: Callable[..., Any], tmp_path: Path) -> None:
    rows = [example.text for example in toy_data.toy_dataset("single", train=120).splits["train"]]
    lines = [json.dumps({"text": row}) for row in rows]
    (tmp_path / "now.jsonl").write_text("\n".join([*lines, "broken", '{"text": ""}']), encoding="utf-8")
    given = [str(tmp_path / "now.jsonl"), "--reference", str(tmp_path / "now.jsonl")]
    done = CliRunner().invoke(app, ["drift", *given, "-m", str(trained_run("linear", "single").path)])
    assert done.exit_code == 0, done.output
    assert done.stderr.count("2 rows of ") == 2
    assert "line 121" in done.stderr


def test_too_few_texts_are_told(trained_run: Callable[..., Any]) -> None:
    with pytest.raises(DataError, match="at least 50 current texts"):
        measure_drift(["a day"] * 60, ["a day"] * 40, trained_run("linear", "single").path)
