"""`compare`: the same rows for both, none that either was trained on, and schemes that differ are refused."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import insula
from insula.api import comparison
from insula.core.errors import DataError, LeakError, OutputError
from insula.core.example import Example
from insula.core.targets import build_gold_matrix
from insula.data.formats.writers import open_writer
from insula.data.load import load_dataset
from insula.data.options import DataOptions
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder

RECIPE = {"model": {"name": "linear", "min_df": 1, "strengths": [1.0]}, "evaluation": {"resamples": 100}}


def write(path: Path, examples: list[Example]) -> Path:
    with open_writer(path) as writer:
        writer.write(
            [{"text": one.text, "label": "|".join(one.labels or ()), "forum": one.group or ""} for one in examples]
        )
    return path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, toy_dataset: Callable[..., Any]) -> tuple[Path, Path]:
    """A weak run, trained on half-wrong labels, and a good one, of the same source but for that."""
    folder = tmp_path_factory.mktemp("pair")
    rows = toy_dataset("single", train=240, validation=0, test=0).split("train")
    turned = {"negative": "neutral", "neutral": "positive", "positive": "negative"}
    weak = [
        Example(text=one.text, labels=(turned[one.labels[0]],) if i % 5 < 2 else one.labels)
        for i, one in enumerate(rows)
    ]
    runs = []
    for name, examples in (("weak", weak), ("good", list(rows))):
        source = write(folder / f"{name}.csv", examples)
        runs.append(insula.train(source, recipe=RECIPE, label="label", output=folder / "runs" / name).path)
    return runs[0], runs[1]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, toy_dataset: Callable[..., Any]) -> Path:
    """Rows that neither run has seen."""
    rows = toy_dataset("single", train=0, validation=0, test=90, seed=7).split("test")
    return write(tmp_path_factory.mktemp("fresh") / "fresh.csv", list(rows))


def test_the_better_model_is_found(pair: tuple[Path, Path], fresh: Path) -> None:
    found = insula.compare(*pair, data=fresh, resamples=200).result
    assert found["headline"] == "macro_f1"
    assert found["metrics"]["macro_f1"]["difference"]["low"] > 0
    assert set(found["by_name"]) == {"negative", "neutral", "positive"}
    assert found["mcnemar"]["only_b"] > found["mcnemar"]["only_a"]
    back = insula.compare(pair[1], pair[0], data=fresh, resamples=200).result
    assert back["metrics"]["accuracy"]["difference"]["value"] == -found["metrics"]["accuracy"]["difference"]["value"]


def test_examples_are_right_on_one_side_only_surest_first(pair: tuple[Path, Path], fresh: Path) -> None:
    examples = insula.compare(*pair, data=fresh, resamples=100).result["examples"]
    assert examples["only_b"]
    for side, right, wrong in (("only_a", "a", "b"), ("only_b", "b", "a")):
        assert all(row[right] == row["gold"] != row[wrong] for row in examples[side])
        sure = [row["confidence"] for row in examples[side]]
        assert sure == sorted(sure, reverse=True)


def test_default_rows_are_the_test_rows_of_the_first_run(pair: tuple[Path, Path]) -> None:
    weak, good = pair
    data = json.loads((weak / "run.json").read_text(encoding="utf-8"))["source"]
    recipe = insula.Recipe.model_validate(json.loads((weak / "metrics.json").read_text(encoding="utf-8"))["recipe"])
    rows = load_dataset(data, recipe.data, seed=recipe.seed).split("test")
    found = insula.compare(weak, good, resamples=100).result
    assert found["data"]["rows"] + found["data"]["left_out"] == len(rows)
    predictor = Predictor.load(weak)
    gold = build_gold_matrix(predictor.scheme, rows)
    accuracy = (predictor.decide([one.text for one in rows]).chosen == (gold > 0)).all(axis=1).mean()
    if not found["data"]["left_out"]:
        assert found["metrics"]["accuracy"]["a"] == pytest.approx(accuracy)


def test_rows_that_either_was_trained_on_are_left_out(
    tmp_path: Path, pair: tuple[Path, Path], toy_dataset: Callable[..., Any]
) -> None:
    seen = toy_dataset("single", train=240, validation=0, test=0).split("train")
    unseen = toy_dataset("single", train=0, validation=0, test=60, seed=7).split("test")
    known = [Predictor.load(run) for run in pair]
    assert len(known) == 2
    mixed = write(tmp_path / "mixed.csv", [*seen[:40], *unseen])
    found = insula.compare(*pair, data=mixed, resamples=100).result["data"]
    assert found["rows"] + found["left_out"] == 100
    assert found["left_out"] >= 25
    assert "left out" in found["notes"][0]
    from insula.models.provenance import find_seen_rows

    texts = [one.text for one in seen]
    both = np.any([find_seen_rows(run / "model", texts) for run in pair], axis=0)
    only_seen = write(tmp_path / "seen.csv", [one for one, known in zip(seen, both, strict=True) if known])
    with pytest.raises(LeakError, match="needs rows that are not in the training data"):
        insula.compare(*pair, data=only_seen)


@pytest.fixture(scope="module")
def forums(tmp_path_factory: pytest.TempPathFactory, toy_dataset: Callable[..., Any]) -> tuple[Path, Path, Path]:
    """Rows of two forums, and two runs on them: one that knows of no groups, one that does not part threads."""
    folder = tmp_path_factory.mktemp("forums")
    rows = toy_dataset("single", train=240, validation=0, test=0, seed=3).split("train")
    with open_writer(folder / "rows.csv") as writer:
        writer.write(
            [
                {
                    "text": one.text,
                    "label": one.labels[0],
                    "forum": "left" if i % 2 else "right",
                    "thread": f"t{i // 2}",
                }
                for i, one in enumerate(rows)
            ]
        )
    halves = {**RECIPE, "data": {"test_fraction": 0.5}}
    plain = insula.train(folder / "rows.csv", recipe=halves, output=folder / "plain")
    by_thread = {"data.group": "thread"}
    grouped = insula.train(folder / "rows.csv", recipe=halves, overrides=by_thread, output=folder / "grouped")
    return folder / "rows.csv", plain.path, grouped.path


def _groups(found: dict[str, Any]) -> dict[str, int]:
    return {part["name"]: part["rows"] for part in found["slices"]["group"]}


def test_groups_follow_a_named_column_and_keep_the_split(forums: tuple[Path, Path, Path]) -> None:
    rows, plain, grouped = forums
    told = {line["text"]: line["forum"] for line in csv.DictReader(rows.read_text(encoding="utf-8").splitlines())}
    for run in (plain, grouped):  # one split without groups, one by threads
        found = insula.compare(run, run, group="forum", resamples=100).result
        recipe = tomllib.loads((run / "recipe.toml").read_text(encoding="utf-8"))
        test = load_dataset(rows, DataOptions(**recipe["data"]), seed=0).split("test")
        assert _groups(found) == Counter(told[one.text] for one in test)
    with pytest.raises(DataError, match=r"group column must be one of .*Got 'forums'"):
        insula.compare(plain, plain, group="forums")


def test_groups_follow_what_any_run_was_trained_with(
    forums: tuple[Path, Path, Path], tmp_path: Path, toy_dataset: Callable[..., Any]
) -> None:
    _, plain, grouped = forums
    rows = toy_dataset("single", train=0, validation=0, test=80, seed=9).split("test")
    for name, more in (("with", {"thread": "long"}), ("without", {})):
        with open_writer(tmp_path / f"{name}.csv") as writer:
            writer.write([{"text": one.text, "label": one.labels[0], **more} for one in rows])
    for a, b in ((plain, grouped), (grouped, plain)):
        found = insula.compare(a, b, data=tmp_path / "with.csv", resamples=100).result
        assert _groups(found) == {"long": found["data"]["rows"]}
        assert _groups(insula.compare(a, b, data=tmp_path / "without.csv", resamples=100).result) == {}
    assert _groups(insula.compare(plain, plain, data=tmp_path / "with.csv", resamples=100).result) == {}
    own = comparison._load_recorded_test_rows(open_folder(plain / "model"), None, ["nowhere", "forum"])[1]
    assert {row.group for row in own} == {"left", "right"}


def test_schemes_that_differ_are_refused(pair: tuple[Path, Path], trained_run: Callable[..., Any], fresh: Path) -> None:
    with pytest.raises(DataError, match=r"the same label scheme. Got single .* and multi"):
        insula.compare(pair[0], trained_run("linear", "multi").path, data=fresh)


def test_values_learnt_from_rows_of_another_range_are_compared(tmp_path: Path) -> None:
    def rows(name: str, most: float) -> Path:
        values = [min(most, 1 + row % 40 / 10) for row in range(60)]
        with open_writer(tmp_path / f"{name}.csv") as writer:
            writer.write(
                [{"text": f"{name} {row} is {'up' * int(value)}", "warmth": value} for row, value in enumerate(values)]
            )
        return tmp_path / f"{name}.csv"

    runs = [
        insula.train(rows(name, most), recipe=RECIPE, label="warmth", output=tmp_path / name).path
        for name, most in (("wide", 5.0), ("narrow", 3.9))
    ]
    found = insula.compare(*runs, data=rows("fresh", 5.0), resamples=100).result
    assert found["rows"] == 60
    assert set(found["metrics"]) == {"pearson", "ccc", "mae"}


def test_runs_of_seeds_with_own_splits_say_why_no_row_is_left(tmp_path: Path, pair: Any) -> None:
    source = json.loads((pair[1] / "run.json").read_text(encoding="utf-8"))["source"]
    recipe = {**RECIPE, "evaluation": {"resamples": 100, "baselines": []}}
    runs = [
        insula.train(source, recipe={**recipe, "seed": seed}, label="label", output=tmp_path / f"{seed}").path
        for seed in range(4)
    ]
    with pytest.raises(LeakError, match="in the training data of a model"):
        insula.compare(runs, runs[0])


def test_several_seeds_are_averaged_on_the_same_rows(pair: tuple[Path, Path], fresh: Path) -> None:
    found = insula.compare([pair[0], pair[1]], [pair[1]], data=fresh, resamples=100).result
    alone = insula.compare(*pair, data=fresh, resamples=100).result["metrics"]["macro_f1"]
    assert found["metrics"]["macro_f1"]["a"] == pytest.approx((alone["a"] + alone["b"]) / 2)
    assert found["mcnemar"] is None
    assert [model["name"] for model in found["a"]["models"]] == ["weak", "good"]


def test_a_model_without_a_source_asks_for_rows(trained_run: Callable[..., Any]) -> None:
    run = trained_run("linear", "single").path  # trained from data in memory
    with pytest.raises(DataError, match="--data"):
        insula.compare(run, run)


def test_results_are_written_and_the_page_loads_nothing(tmp_path: Path, pair: tuple[Path, Path], fresh: Path) -> None:
    run = insula.compare(*pair, data=fresh, output=tmp_path / "out", resamples=100, command="insula compare <a> b")
    assert run.path == tmp_path / "out"
    assert json.loads((tmp_path / "out/compare.json").read_text(encoding="utf-8")) == run.result
    page = (tmp_path / "out/compare.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "insula compare &lt;a&gt; b" in page
    for words in ("B is better", "By label", "Only B is correct", "negative"):
        assert words in page
    with pytest.raises(OutputError, match="own results would be replaced"):
        insula.compare(*pair, data=fresh, output=pair[0])


@pytest.mark.parametrize("kind", ["multi", "binary", "ordinal", "dimensional"])
def test_every_kind_is_compared_and_shown(
    kind: Any, tmp_path: Path, trained_run: Callable[..., Any], toy_dataset: Callable[..., Any]
) -> None:
    run = trained_run("linear", kind).path
    names = toy_dataset(kind).scheme.names
    with open_writer(tmp_path / "rows.csv") as writer:
        writer.write(
            [
                {"text": one.text}
                | (
                    dict(zip(names, one.values, strict=True))
                    if kind == "dimensional"
                    else {"label": "|".join(one.labels)}
                )
                for one in toy_dataset(kind).split("test")
            ]
        )
    columns = list(names) if kind == "dimensional" else "label"
    found = insula.compare(
        run, run, data=tmp_path / "rows.csv", label=columns, output=tmp_path / "out", resamples=100
    ).result
    main = found["metrics"][found["headline"]]
    difference = main["difference"]
    assert difference["value"] == 0
    assert difference["low"] <= 0 <= difference["high"]
    assert main["a"] > 0.9
    assert "cannot tell which is better" in (tmp_path / "out/compare.html").read_text(encoding="utf-8")
