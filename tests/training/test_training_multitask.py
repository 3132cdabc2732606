"""Several sets with different labels share one network; the model folder is an ordinary one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

import toy_data
from insula.api.training import train
from insula.core.errors import DataError, RecipeError
from insula.core.example import Example
from insula.data.dataset import Dataset
from insula.inference.predictor import Predictor
from insula.models.provenance import find_seen_rows
from insula.training.neural.task_batches import TaskBatches, count_rows_per_epoch
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run
from insula.training.transfer.auxiliary import add_auxiliary_sets

RecipeOf = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.usefixtures("without_export")


def _write(data: Dataset, folder: Path) -> Path:
    folder.mkdir()
    for split, examples in data.splits.items():
        rows = [json.dumps({"text": e.text, "label": list(e.labels or ())}, ensure_ascii=False) for e in examples]
        (folder / f"{split}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def _recipe(tiny_recipe: RecipeOf, **more: Any) -> Any:
    return load_recipe(tiny_recipe("encoder", {"train.patience": 50, "evaluation.baselines": [], **more}))


def test_a_small_set_learns_from_a_large_one_with_other_labels(tmp_path: Path, tiny_recipe: RecipeOf) -> None:
    main = toy_data.toy_dataset("single", train=15, validation=30, test=60, seed=3)
    also = toy_data.toy_dataset("multi", train=300, validation=0, test=0, seed=8)
    recipe = _recipe(tiny_recipe, **{"train.epochs": 10})
    alone = train_run(main, recipe, tmp_path / "alone")
    both = train_run(
        Dataset(main.name, main.scheme, main.splits, also=(also,)),
        load_recipe(recipe, {"auxiliary.alpha": 1.0}),
        tmp_path / "both",
    )
    reached = [run.metrics["test"]["metrics"]["macro_f1"]["value"] for run in (alone, both)]
    assert reached[1] > reached[0] + 0.15
    shapes = [{name: value.shape for name, value in load_file(run.model / "model.safetensors").items()}
              for run in (alone, both)]  # fmt: skip
    assert shapes[0] == shapes[1]  # nothing of the other set's head is left
    assert Predictor.load(both.path).scheme == main.scheme
    texts = [example.text for example in also.split("train")]
    assert find_seen_rows(both.model, texts).all()
    assert not find_seen_rows(alone.model, texts).any()


@pytest.mark.parametrize("kind", ["binary"])
def test_auxiliary_sets_of_any_kind_work_with_a_teacher(tmp_path: Path, tiny_recipe: RecipeOf, kind: Any) -> None:
    data = toy_data.toy_dataset(kind, train=60, validation=20, test=20, seed=3)
    linear = load_recipe({"model": {"name": "linear"}, "evaluation": {"baselines": []}})
    teacher = train_run(data, linear, tmp_path / "teacher").path
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(f"lovely {word} today" for word in toy_data.FILLERS[:20]), encoding="utf-8")
    others = [
        toy_data.toy_dataset(other, train=40, validation=0, test=0, seed=9) for other in ("ordinal", "dimensional")
    ]
    recipe = _recipe(
        tiny_recipe,
        **{"train.epochs": 12, "distil.teachers": [str(teacher)], "distil.unlabelled": [str(texts)]},
    )
    run = train_run(Dataset(data.name, data.scheme, data.splits, also=others), recipe, tmp_path / "run")
    assert run.metrics["test"]["metrics"][run.metrics["test"]["headline"]]["value"] > 0.6
    assert all(np.isfinite(row["loss"]) for row in run.metrics["history"] if "loss" in row)


def test_each_batch_has_one_task_in_the_requested_shares() -> None:
    shuffled = np.random.default_rng(1).permutation(374)  # rows of a task need not be neighbours
    task = np.empty(374, dtype=np.intp)
    task[shuffled] = np.repeat([0, 1, 2], [64, 300, 10])
    lengths = list(np.random.default_rng(0).integers(3, 30, size=374))
    batches = TaskBatches(lengths, task, [64, 128, 40], 16, seed=0)
    seen = []
    for epoch in range(3):
        batches.set_epoch(epoch)
        given = list(batches)
        assert len(given) == len(batches) == 4 + 8 + 3
        rows = [row for batch in given for row in batch]
        tasks = [task[batch] for batch in given]
        assert all(len(set(one)) == 1 for one in tasks)
        assert Counter(int(one[0]) for one in tasks) == {0: 4, 1: 8, 2: 3}
        counts = Counter(rows)
        assert all(counts[row] == 1 for row in shuffled[:64])
        assert max(counts[row] for row in shuffled[64:364]) == 1
        assert {counts[row] for row in shuffled[364:]} == {3}
        assert [int(one[0]) for one in tasks] != sorted(int(one[0]) for one in tasks)
        seen.append(given)
        batches.set_epoch(epoch)
        assert list(batches) == given
    assert seen[0] != seen[1]


def test_uneven_processes_use_all_rows() -> None:
    task = np.repeat([0, 1], [64, 300])
    shares = [list(TaskBatches([5] * 364, task, [64, 128], 16, seed=0, process=one, processes=3)) for one in range(3)]
    assert {len(share) for share in shares} == {5 + 9}  # 5 rows a process are 15 an update
    seen = Counter(row for share in shares for batch in share for row in batch)
    assert set(range(64)) <= set(seen)
    assert sum(count for row, count in seen.items() if row >= 64) >= 128


def test_epoch_rows_follow_the_size_of_the_set() -> None:
    assert count_rows_per_epoch(100, [10_000, 1], 1.0) == [100, 10_000, 1]
    assert count_rows_per_epoch(100, [10_000, 1], 0.0) == [100, 100, 100]
    assert count_rows_per_epoch(100, [10_000, 1], 0.5) == [100, 1000, 10]


def test_evaluation_rows_are_removed_from_auxiliary_sets(tmp_path: Path, tiny_recipe: RecipeOf, recorder: Any) -> None:
    main = toy_data.toy_dataset("single", train=20, validation=10, test=10, seed=3)
    other = toy_data.toy_dataset("multi", train=30, validation=10, test=10, seed=8)
    leaked = [Example(text=f"{e.text.upper()}!", labels=("positive",)) for e in main.split("test")[:4]]
    splits = {**other.splits, "train": [*other.split("train"), *leaked]}
    source = _write(Dataset("other", other.scheme, splits), tmp_path / "other")
    recipe = _recipe(tiny_recipe, **{"auxiliary.sources": [str(source)]})
    found = add_auxiliary_sets(main, recipe, recorder).also
    texts = {example.text for example in found[0].split("train")}
    assert texts == {e.text for split in ("train", "validation") for e in other.split(split)}
    assert any("40 rows, 3 labels; 4 removed" in sentence for sentence in recorder.said)
    only = _write(Dataset("only", other.scheme, {"train": leaked}), tmp_path / "only")
    with pytest.raises(DataError):
        add_auxiliary_sets(main, _recipe(tiny_recipe, **{"auxiliary.sources": [str(only)]}), recorder)


def test_the_recipe_names_auxiliary_sets(
    tmp_path: Path, tiny_recipe: RecipeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = toy_data.toy_dataset("single", train=20, validation=10, test=10, seed=3)
    _write(toy_data.toy_dataset("multi", train=30, validation=10, test=10, seed=8), tmp_path / "other")
    monkeypatch.chdir(tmp_path)
    recipe = _recipe(tiny_recipe, **{"train.epochs": 1, "auxiliary.sources": ["other"]})
    run = train(main, recipe=recipe, output=tmp_path / "run")
    assert run.metrics["recipe"]["auxiliary"]["sources"] == [str(tmp_path / "other")]
    assert any("Auxiliary set other: 40 rows, 3 labels" in note for note in run.metrics["data"]["notes"])
    with pytest.raises(RecipeError, match=r"auxiliary\.sources needs a neural model"):
        load_recipe({"model": {"name": "linear"}, "auxiliary": {"sources": ["other"]}})
