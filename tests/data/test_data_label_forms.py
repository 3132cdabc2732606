"""Label cells as other programs write them: position vectors, separators, objects, missing values, codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.errors import DataError
from insula.core.scheme import LabelScheme
from insula.data.labels.infer import infer_labels
from insula.data.labels.known import plan_known_scheme
from insula.data.labels.plan import LabelPlan
from insula.data.load import load_dataset
from insula.data.options import DataOptions

VECTORS = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]]


def infer(cells: Sequence[Any], names: Any = None, **options: Any) -> LabelPlan:
    return infer_labels(cells, ("label",), DataOptions.model_validate(options), names=names)


@pytest.mark.parametrize(
    "write",
    [
        list,
        str,
        lambda vector: [float(flag) for flag in vector],
        lambda vector: [bool(flag) for flag in vector],
        lambda vector: str([bool(flag) for flag in vector]),
        lambda vector: str([bool(flag) for flag in vector]).lower(),
        lambda vector: str(np.array(vector)),
        lambda vector: str(np.array(vector, dtype=float)),
        lambda vector: str(np.array(vector, dtype=bool)),
        lambda vector: str(tuple(vector)),
        lambda vector: "|".join(map(str, vector)),
        lambda vector: ",".join(map(str, vector)),
        lambda vector: ";".join(map(str, vector)),
        lambda vector: " ".join(map(str, vector)),
    ],
)
def test_lists_of_0_and_1_are_positions(write: Any) -> None:
    plan = infer([*map(write, VECTORS), None])
    assert (plan.scheme.kind, plan.scheme.names) == ("multi", ("0", "1", "2"))
    assert [plan.read(write(vector)).labels for vector in VECTORS] == [("0",), ("1",), ("2",), ("0", "2")]
    assert plan.read(None).problem == "without a label"
    assert plan.read(write([1, 0])).problem
    assert "one label per position; name them with `label_names`" in " ".join(plan.notes)


def test_positions_are_one_label_if_each_row_has_one() -> None:
    plan = infer(VECTORS[:3], names={"0": "joy", "1": "fear", "2": "calm"})
    assert (plan.scheme.kind, set(plan.scheme.names)) == ("single", {"joy", "fear", "calm"})
    assert plan.read([0, 0, 1]).labels == ("calm",)
    assert infer([[0, 1], [1, 0]]).scheme.kind == "binary"
    with pytest.raises(DataError, match=r"must name the 3 positions of the lists in 'label'\. Got 2"):
        infer(VECTORS, names={"0": "joy", "1": "fear"})


def test_lists_of_different_lengths_name_labels_or_are_rejected() -> None:
    assert infer([[0], [1], [0, 1]]).scheme.names == ("0", "1")
    with pytest.raises(DataError, match=r"must have the same length\. Got lists of length 2, 3"):
        infer([[1, 0, 0], [0, 1]])


def test_positions_have_the_order_of_a_known_scheme() -> None:
    scheme = LabelScheme("moods", "multi", ("joy", "fear", "calm"))
    plan = plan_known_scheme(scheme, [None, "[0, 1, 1]", "[1, 0, 0]"], ("label",), DataOptions())
    assert plan.read("[0, 1, 1]").labels == ("fear", "calm")
    with pytest.raises(DataError, match=r"3 positions, one for each label\. Got lists of length 4"):
        plan_known_scheme(scheme, [[0, 1, 1, 0]], ("label",), DataOptions())
    goemotions = get_builtin_scheme("goemotions")
    assert plan_known_scheme(goemotions, [[0, 1], [1]], ("label",), DataOptions()).read([0, 1]).labels == (
        "admiration",
        "amusement",
    )


def test_a_list_of_scores_is_rejected() -> None:
    with pytest.raises(DataError, match=r"Got a list of scores: '\[0\.2, 0\.8\]'\. Write each position into a column"):
        infer([[0.2, 0.8], [0.7, 0.3]])


@pytest.mark.parametrize(
    ("cells", "columns"),
    [
        ([["joy", "fear"], ["joy"], ["joy", "calm"]], ("label",)),
        (["joy|fear", "joy", "joy|calm|fear"], ("label",)),
        ([[1, 1, 0], [1, 0, 0], [1, 0, 1]], ("label",)),
        ([(1, 1, 0), (1, 0, 0), (1, 0, 1)], ("joy", "fear", "calm")),
    ],
)
def test_a_label_of_every_row_is_reported(cells: list[Any], columns: tuple[str, ...]) -> None:
    notes = infer_labels(cells, columns, DataOptions()).notes
    assert any(note.startswith("Every training row has the label ") for note in notes)


@pytest.mark.parametrize("cells", [[["a", "b"]] * 3, ["a|b", "b|a", "a|b"], [[1, 1, 1]] * 3])
def test_labels_that_never_differ_are_rejected(cells: list[Any]) -> None:
    with pytest.raises(DataError, match=r"must hold labels that differ between rows\. Got .* nothing to learn"):
        infer(cells)


@pytest.mark.parametrize("mark", ["|", ";", ",", "#", "、", "，", "；", "/", " "])
def test_a_separator_is_found_if_its_pieces_recur(mark: str) -> None:
    cells = ["joy", f"fear{mark}calm", f"joy{mark}calm", "calm", "fear", f"fear{mark}joy"]
    plan = infer(cells)
    assert (plan.scheme.kind, plan.scheme.names) == ("multi", ("calm", "fear", "joy"))
    assert plan.read(cells[1]).labels == ("calm", "fear")


@pytest.mark.parametrize("mark", ["#", "、", "，", "；"])
def test_a_label_that_is_never_alone_is_split_off(mark: str) -> None:
    plan = infer(["joy", f"sadness{mark}surprise", f"anger{mark}surprise", "sadness", f"anger{mark}surprise"])
    assert plan.scheme.names == ("anger", "joy", "sadness", "surprise")


@pytest.mark.parametrize(
    "names",
    [
        ("very good", "good", "bad", "very bad"),
        ("not angry", "angry", "not afraid", "afraid"),
        ("anger/disgust", "joy/love", "fear/worry"),
        ("4/5", "3/5", "1/5"),
        ("#happy", "#sad", "#calm"),
        ("New York, NY", "Boston, MA", "Austin, TX"),
    ],
)
def test_names_that_contain_a_mark_stay_whole(names: tuple[str, ...]) -> None:
    assert set(infer(names * 3).scheme.names) == set(names)


def test_labels_that_may_be_several_are_reported() -> None:
    notes = " ".join(infer(["joy", "sad surprise", "angry surprise", "sad", "angry"] * 3).notes)
    assert "contain ' ' and were not split" in notes
    assert "not split" not in " ".join(infer(["very good", "quite bad", "so so"] * 3).notes)
    assert "contain '，'" in " ".join(infer(["a、b", "a", "b", "c，d"] * 3).notes), "a second separator"


@pytest.mark.parametrize(
    "choices",
    [{"choices": ["anger", "surprise"]}, '{"choices": ["anger", "surprise"]}', "{'choices': ['anger', 'surprise']}"],
)
def test_choices_of_label_studio_are_labels(choices: Any) -> None:
    plan = infer(["joy", choices, "anger"])
    assert (plan.scheme.kind, plan.scheme.names) == ("multi", ("anger", "joy", "surprise"))
    assert plan.read(choices).labels == ("anger", "surprise")


@pytest.mark.parametrize("cell", ['{"joy": 1, "fear": 0}', "{'joy': 1}", '[{"start": 0, "labels": ["joy"]}]'])
def test_text_that_spells_an_object_is_rejected(cell: str) -> None:
    with pytest.raises(DataError, match=r"must hold names, numbers or lists of them\. Got an object"):
        infer(["joy", "fear", cell])
    assert "{joy}" in infer(["joy", "fear", "{joy}"]).scheme.names


@pytest.mark.parametrize("word", ["NULL", "null", "None", "N/A", "n/a", "NA", "\\N", "NaN"])
def test_words_for_nothing_are_missing_labels(word: str) -> None:
    for cells in (["joy", word, "fear", word], ["joy|fear", word, "joy", "fear", word], [1, 2, word, 3, word]):
        plan = infer(cells)
        assert word not in plan.scheme.names
        assert plan.read(word).problem == "without a label"
        assert any(note == f"2 label cells with {word!r} read as missing." for note in plan.notes)


def test_none_is_a_label_among_its_like() -> None:
    assert "none" in infer(["none", "mild", "severe"]).scheme.names
    plan = infer(["None", "Mild", "Severe", "Mild"])
    assert plan.scheme.names == ("Mild", "None", "Severe")
    assert plan.read("None").labels == ("None",)
    assert "The label 'None' of 1 row is read as a label" in " ".join(plan.notes)
    known = LabelScheme("stance", "single", ("NA", "for", "against"))
    assert plan_known_scheme(known, ["NA", "for"], ("label",), DataOptions()).read("NA").labels == ("NA",)


@pytest.mark.parametrize(
    ("numbers", "kind", "hint"),
    [
        ([102, 104, 116], "single", "codes of classes. If they are steps of a scale, set `kind` to ordinal"),
        ([1, 3, 27, 400], "single", "whole numbers with gaps (1, 3, 27, 400)"),
        ([0, 25, 50, 75, 100], "ordinal", "If they are codes of classes, set `kind` to single"),
        ([1, 2, 4, 5], "ordinal", "set `kind` to single"),
        (list(range(30)), "dimensional", "set `kind` to single"),
    ],
)
def test_gaps_between_numbers_speak_for_codes(numbers: list[int], kind: str, hint: str) -> None:
    plan = infer(numbers)
    assert plan.scheme.kind == kind
    assert hint in plan.notes[0]
    assert infer(numbers, kind="single").scheme.names == tuple(map(str, numbers))


def test_weights_may_have_decimal_commas(tmp_path: Path) -> None:
    lines = [f"text {n};{'joy' if n % 2 else 'fear'};0,{n % 9 + 1}" for n in range(40)]
    (tmp_path / "a.csv").write_text("\n".join(["text;label;weight", *lines]), encoding="utf-8")
    dataset = load_dataset(tmp_path / "a.csv")
    weights = sorted({example.weight for rows in dataset.splits.values() for example in rows})
    assert weights == [n / 10 for n in range(1, 10)]
