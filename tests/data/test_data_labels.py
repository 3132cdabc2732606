"""The right scheme comes out of a label column, and what cannot be a scheme is refused."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.builtin_schemes import BUILTIN_SCHEMES, get_builtin_scheme
from insula.core.errors import DataError
from insula.data.labels.cells import as_list, as_name, as_number, guess_delimiter
from insula.data.labels.infer import infer_labels
from insula.data.labels.known import plan_known_scheme
from insula.data.labels.names import read_label_names
from insula.data.labels.plan import LabelPlan
from insula.data.options import DataOptions


def infer(cells: Sequence[Any], columns: Sequence[str] = ("label",), names: Any = None, **options: Any) -> LabelPlan:
    return infer_labels(cells, columns, DataOptions.model_validate(options), names=names)


def labels(plan: LabelPlan, cell: Any) -> tuple[str, ...] | None:
    return plan.read(cell).labels


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["pos", "neg"], ("neg", "pos")),
        (["positive", "negative"], ("negative", "positive")),
        (["yes", "no"], ("no", "yes")),
        ([True, False], ("false", "true")),
        (["1", "0"], ("0", "1")),
        ([0, 1.0], ("0", "1")),
        ([0, 4], ("0", "4")),
        (["-1", "1"], ("-1", "1")),
        ([1, 2], ("1", "2")),
        ([2, 10], ("2", "10")),
        (["hate", "not-hate"], ("not-hate", "hate")),
        (["irony", "non_irony"], ("non_irony", "irony")),
        (["好评", "差评"], ("差评", "好评")),
        (["ham", "spam"], ("ham", "spam")),
    ],
)
def test_two_classes_are_binary_with_the_positive_one_last(cells: list[Any], order: tuple[str, ...]) -> None:
    for several in (cells, cells[::-1]):
        plan = infer(several * 2)
        assert (plan.scheme.kind, plan.scheme.names) == ("binary", order)
        assert labels(plan, cells[0]) == (as_name(cells[0]),)


def test_three_names_are_single() -> None:
    plan = infer(["joy", " calm ", "fear", None, ""])
    assert (plan.scheme.kind, plan.scheme.names, plan.form) == ("single", ("calm", "fear", "joy"), "name")
    assert plan.scheme.display_name("joy", "zh") == "joy", "among labels that insula does not know"
    assert plan.notes[0] == "The labels come from the label column 'label': single, one of 3 labels: calm, fear, joy."
    assert plan.read("").problem == plan.read(None).problem == "without a label"
    assert plan.read("anger").problem == "with the unknown label 'anger'"


@pytest.mark.parametrize("name", [name for name, s in BUILTIN_SCHEMES.items() if s.kind in ("single", "binary")])
def test_builtin_schemes_are_recognised(name: str) -> None:
    assert infer(list(BUILTIN_SCHEMES[name].names)).scheme is BUILTIN_SCHEMES[name]


def test_builtin_ordinal_is_recognised_and_a_kind_given_wins() -> None:
    names = get_builtin_scheme("sentiment5").names
    assert infer(names).scheme is get_builtin_scheme("sentiment5")
    assert infer(names, kind="single").scheme.kind == "single"


def test_goemotions_with_a_few_labels_missing() -> None:
    names = get_builtin_scheme("goemotions").names
    assert infer([[name] for name in names[:24]]).scheme is get_builtin_scheme("goemotions")
    notes = infer([[name] for name in names[:24]]).notes
    assert "No training row has the label remorse, sadness, surprise, neutral." in notes
    assert len(infer([[name] for name in names[:20]]).scheme.names) == 20
    assert infer(["sadness", "joy", "love", "anger", "fear"]).scheme.name == "label"


@pytest.mark.parametrize(
    "cells",
    [
        [["joy", "fear"], [], ["joy"], ["fear", "anger"]],
        ["['joy', 'fear']", "[]", '["joy"]', "['fear', 'anger']"],
        ["['joy' 'fear']", "[]", "['joy']", "[\"fear\"\n 'anger']"],
        ["{'joy', 'fear'}", "set()", "{'joy'}", "{'fear', 'anger'}"],
        ["('joy', 'fear')", "()", "('joy',)", "('fear', 'anger')"],
        ["joy|fear", "", "joy", "fear | anger"],
        ["joy,fear", " ", "joy", "anger, fear", "anger"],
        ["joy;fear", "", "joy", "anger; fear", "anger"],
    ],
)
def test_lists_and_delimited_text_are_multi(cells: list[Any]) -> None:
    plan = infer(cells)
    assert (plan.scheme.kind, plan.scheme.names) == ("multi", ("anger", "fear", "joy"))
    assert labels(plan, cells[0]) == ("fear", "joy")
    assert labels(plan, cells[1]) == ()
    assert plan.read(None).problem == "without a label"


@pytest.mark.parametrize("cells", [["New York, NY", "Boston, MA", "Austin, TX", "Dallas, TX"], ["a, b", "c"]])
def test_a_comma_in_a_name_is_no_delimiter(cells: list[str]) -> None:
    plan = infer(cells * 3)
    assert plan.scheme.kind != "multi"
    assert labels(plan, cells[0]) == (cells[0],)
    assert "Set `delimiter` to split them" in " ".join(plan.notes)


def test_a_delimiter_given_is_kept_to() -> None:
    plan = infer(["a/b", "c", "a"], delimiter="/")
    assert labels(plan, "b/a") == ("a", "b")
    assert guess_delimiter({"a|b": 1, "b": 1, "a": 1}) == "|"
    assert infer(["a|b", "b", "a"], kind="single").scheme.names == ("a", "a|b", "b")


@pytest.mark.parametrize(
    ("cells", "kind", "names"),
    [
        ([0, 1, 2, 3], "ordinal", ("0", "1", "2", "3")),
        (["1", "2", "3", "4", "5"], "ordinal", ("1", "2", "3", "4", "5")),
        ([10, 9, 8, 2], "ordinal", ("2", "8", "9", "10")),
        ([-1, 0, 1], "single", ("negative", "neutral", "positive")),
        ([0.5, 1, 2], "dimensional", ("label",)),
        (list(range(40)), "dimensional", ("label",)),
    ],
)
def test_numbers(cells: list[Any], kind: str, names: tuple[str, ...]) -> None:
    plan = infer(cells)
    assert (plan.scheme.kind, plan.scheme.names) == (kind, names)
    assert "holds" in plan.notes[0]


def test_decimals_of_parquet_are_numbers() -> None:
    plan = infer([Decimal("0.25"), Decimal("0.75"), Decimal("1.00")], columns=("valence",))
    assert plan.scheme.ranges == {"valence": (0.25, 1.0)}
    assert infer([Decimal("0"), Decimal("1.00")]).scheme.names == ("0", "1")


def test_a_number_beyond_all_measure_is_a_name() -> None:
    assert as_number(10**400) is as_number("1" * 400) is None
    assert as_name(10**400) == "1" + 400 * "0"


def test_scores() -> None:
    plan = infer(["0.25", 0.75, None, 1], columns=("score",))
    assert plan.scheme.ranges == {"score": (0.25, 1.0)}
    assert plan.read("0.5").values == (0.5,)
    assert plan.read("high").problem == "with 'high' in place of a number"
    assert plan.read(float("nan")).problem == "without a label"
    assert infer([0.1, 0.9], columns=("intensity",)).scheme is get_builtin_scheme("intensity")
    assert infer([1, 2, 3], kind="dimensional").scheme.kind == "dimensional"


def test_decimal_commas() -> None:
    plan = infer(["2,25", "3,88", "4", "1,9"], columns=("score",))
    assert plan.scheme.ranges == {"score": (1.9, 4.0)}
    assert plan.read("3,5").values == (3.5,)
    assert "decimal comma" in plan.notes[0]
    plan = infer([("1,5", "3,0"), ("4,5", "2,5")], columns=("valence", "arousal"))
    assert plan.read(("2,5", "1,5")).values == (2.5, 1.5)
    assert infer(["1,0", "1,5", "2,0", "2,5"], columns=("Valence",)).scheme.ranges == {"valence": (1.0, 2.5)}
    # Numbers of labels that recur are labels, as in GoEmotions' own files.
    assert infer(["1,2", "1", "2", "2,3", "3"]).scheme.kind == "multi"


@pytest.mark.parametrize("nothing", ["NaN", "nan", " <NA> ", "#N/A"])
def test_text_that_stands_for_no_label(nothing: str) -> None:
    assert infer(["0", nothing, "1", "2"]).scheme.kind == "ordinal"
    plan = infer(["joy", nothing, "fear"])
    assert plan.scheme.names == ("fear", "joy")
    assert plan.read(nothing).problem == "without a label"
    plan = infer(["joy|fear", nothing, "joy", "fear"])
    assert plan.scheme.names == ("fear", "joy")
    assert plan.read(nothing).problem == "without a label"
    assert (
        infer([("1.5", nothing), ("2", "3.5"), ("3", "4")], columns=("valence", "arousal")).read(("1", nothing)).problem
    )
    assert "none" in infer(["none", "low", "high", "medium"]).scheme.names


def test_scores_of_several_columns() -> None:
    plan = infer([(1.5, 3, 2), (5, 1, 4)], columns=("Dominance", "valence", "arousal"))
    assert plan.scheme is get_builtin_scheme("vad")
    assert plan.read(("1.5", "3", "2")).values == (3.0, 2.0, 1.5)
    assert infer([(1, 9), (9, 1)], columns=("valence", "arousal")).scheme.name == "valence_arousal"


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([(1, 0, 0), (0, 1, 0), (0, 0, 1)], "single"),
        ([(1, 0, 1), (0, 1, 0), (0, 0, 1)], "multi"),
        ([(True, False, False), (False, True, False), (False, False, True)], "single"),
        ([("1", "0", "0"), ("0", "0", "0"), ("0", "1.0", "1")], "multi"),
    ],
)
def test_one_hot_columns(rows: list[tuple[Any, ...]], kind: str) -> None:
    plan = infer(rows, columns=("joy", "fear", "anger"))
    assert (plan.scheme.kind, plan.scheme.names, plan.form) == (kind, ("joy", "fear", "anger"), "flags")
    assert labels(plan, rows[0]) == tuple(n for n, flag in zip(plan.scheme.names, rows[0], strict=True) if float(flag))
    assert plan.read((1, None, 0)).problem == "without a label"


def test_scores_are_no_flags() -> None:
    known = plan_known_scheme(get_builtin_scheme("goemotions"), [(0.3, 2)], ("joy", "fear"), DataOptions())
    for plan in (known, infer([(1, 0), (1, 1), (0, 0)], columns=("joy", "fear"))):
        assert set(labels(plan, ("1.0", True)) or ()) == {"joy", "fear"}
        assert plan.read((0.3, 0)).problem == plan.read((1, "2")).problem == "with a number that is neither 0 nor 1"


def test_two_one_hot_columns_are_binary() -> None:
    plan = infer([(1, 0), (0, 1)], columns=("positive", "negative"))
    assert plan.scheme is get_builtin_scheme("polarity")
    assert labels(plan, (1, 0)) == ("positive",)


def test_scheme_given_takes_names_and_numbers() -> None:
    plan = infer(["0", "1", "5"], scheme="carer")
    assert labels(plan, 0) == ("sadness",)
    assert "0 = sadness, 1 = joy" in " ".join(plan.notes)
    assert labels(infer([1, 2, 5], scheme="sentiment5"), 5) is not None
    assert labels(infer([-1, 0, 1], scheme="sentiment3"), -1) == ("negative",)
    assert labels(infer(["joy", "wrath"], scheme="carer"), "wrath") is None
    with pytest.raises(DataError, match=r"No label in the label column 'label' is one of scheme 'carer'.*Got wrath"):
        infer(["wrath", "wrath"], scheme="carer")
    with pytest.raises(DataError, match=r"is single\. Got kind 'multi'"):
        infer(["joy"], scheme="carer", kind="multi")


def test_known_scheme_finds_the_delimiter() -> None:
    plan = plan_known_scheme(get_builtin_scheme("goemotions"), ["joy;fear", ""], ("label",), DataOptions())
    assert labels(plan, "joy;fear") == ("fear", "joy")
    assert labels(plan, "") == ()
    plan = plan_known_scheme(get_builtin_scheme("carer"), [(1, 0)], ("love", "joy"), DataOptions())
    assert labels(plan, ("1", "0")) == ("love",)
    plan = plan_known_scheme(get_builtin_scheme("vad"), [], ("arousal", "dominance", "valence"), DataOptions())
    assert plan.read((1, 2, 3)).values == (3, 1, 2)
    with pytest.raises(DataError, match="needs one column each for valence, arousal, dominance"):
        plan_known_scheme(get_builtin_scheme("vad"), [], ("valence",), DataOptions())


def test_known_scheme_finds_the_delimiter_between_numbers() -> None:
    goemotions = get_builtin_scheme("goemotions")
    names = {str(number): name for number, name in enumerate(goemotions.names)}
    for known in (names, None):
        plan = plan_known_scheme(goemotions, ["2,27", "2", "0,1,15"], ("label",), DataOptions(), names=known)
        assert labels(plan, "2,27") == ("anger", "neutral")
        assert labels(plan, "0,1,15") == ("admiration", "amusement", "gratitude")
    assert labels(infer(["2,27", "2"], scheme="goemotions"), "27,2") == ("anger", "neutral")


def test_columns_are_dimensions_by_place_where_no_name_says() -> None:
    vad = get_builtin_scheme("vad")
    plan = plan_known_scheme(vad, [], ("valence", "a", "d"), DataOptions())
    assert plan.columns == vad.names == ("valence", "arousal", "dominance")
    assert plan.notes == ("Columns are read as dimensions of the model: a = arousal, d = dominance.",)
    with pytest.raises(DataError, match="Select them with `label`, in this order"):
        plan_known_scheme(vad, [], ("arousal", "v", "d"), DataOptions())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("joy\nfear\n", {"0": "joy", "1": "fear"}),
        ("1\tjoy\n2\tfear\n", {"1": "joy", "2": "fear"}),
        ('["joy", "fear"]', {"0": "joy", "1": "fear"}),
        ('{"3": "joy",\n "4": "fear"}', {"3": "joy", "4": "fear"}),
    ],
)
def test_label_names_file(tmp_path: Path, content: str, expected: dict[str, str]) -> None:
    (tmp_path / "names").write_text(content)
    assert read_label_names(tmp_path / "names") == expected


@pytest.mark.parametrize("content", ["joy\njoy\n", "1 joy\nfear\n", "[joy]", "[]"])
def test_label_names_file_that_is_wrong(tmp_path: Path, content: str) -> None:
    (tmp_path / "names").write_text(content)
    with pytest.raises(DataError, match="label_names file"):
        read_label_names(tmp_path / "names")


def test_numbered_labels_with_names() -> None:
    names = {"0": "sadness", "1": "joy", "2": "love"}
    plan = infer([0, "1", 1], names=names)
    assert plan.scheme.names == ("sadness", "joy", "love")
    assert labels(plan, 1) == ("joy",)
    plan = infer(["0,2", "1", "0", "2,1"], names=names)
    assert plan.scheme.kind == "multi"
    assert set(labels(plan, "2,0") or ()) == {"sadness", "love"}
    plan = infer([[0, 2], [1]], names=names)
    assert labels(plan, [1]) == ("joy",)
    assert infer(["0", "1", "2"], names={"0": "low", "1": "mid", "2": "top"}, kind="ordinal").scheme.names == (
        "low", "mid", "top",
    )  # fmt: skip
    with pytest.raises(
        DataError, match="The label '7' of 'label' has no name in the `label_names` file, which names 0, 1, 2"
    ):
        infer([0, 7], names=names)


@pytest.mark.parametrize(
    ("cells", "options", "message"),
    [
        (["joy"] * 5, {}, "at least two classes. Got only 'joy'"),
        ([1] * 5, {}, "at least two classes. Got only 1"),
        ([None, "", "  "], {}, "The label column 'label' must hold a label in at least one row. All 3 rows are empty"),
        ([f"a text {n}" for n in range(99)], {}, "99 different values in 99 rows, which looks like free text"),
        (["a", "b", "c"], {"kind": "binary"}, "needs two labels in 'label'. Got 3: a, b, c"),
        ([1, 2, 3], {"kind": "binary"}, "needs two labels"),
        (["a", "b", "c"], {"kind": "ordinal"}, "order of the labels in 'label' is unknown"),
        (["a", "b", "c"], {"kind": "dimensional"}, "Scores must be numbers. Got 'a'"),
        ([["a"], ["a", "b"]], {"kind": "single"}, "needs exactly one label per row"),
        ([{"joy": 1}, {"joy": 0}] * 5, {}, r"Got an object: \"{'joy': 1}\"\. Turn each of its keys into a column"),
        ([[{"name": "joy"}], [{"name": "fear"}]] * 5, {}, "must hold names, numbers or lists of them"),
        ([0.5, 0.5], {"kind": "dimensional"}, "must differ between rows. Got 0.5 in every row"),
    ],
)
def test_what_is_no_scheme(cells: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        infer(cells, **options)


def test_several_columns_that_contradict() -> None:
    with pytest.raises(DataError, match=r"Got 'x' in 'b'"):
        infer([(1, "x")], columns=("a", "b"))
    with pytest.raises(DataError, match=r"with scores need the kind 'dimensional'\. Got 'multi'"):
        infer([(0.5, 1)], columns=("a", "b"), kind="multi")
    with pytest.raises(DataError, match="some rows have none or several"):
        infer([(1, 1), (0, 1)], columns=("a", "b"), kind="single")


def test_notes_warn() -> None:
    notes = " ".join(infer(["joy", "joy", "Joy", "fear", "fear"]).notes)
    assert "1 label has one example only: Joy." in notes
    assert "Labels that differ only in case are different labels: Joy and joy." in notes


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=8) | st.integers(-3, 3) | st.none() | st.floats(), max_size=12), st.booleans())
def test_inference_answers_or_refuses_in_a_sentence(cells: list[Any], shuffled: bool) -> None:
    try:
        plan = infer(cells)
    except DataError:
        with pytest.raises(DataError, match=r"[.?]$"):
            infer(cells[::-1])
        return
    assert infer(cells[::-1]).scheme == plan.scheme
    for cell in cells:
        reading = plan.read(cell)
        assert (reading.problem is None) == (reading.labels is not None or reading.values is not None)


def test_cells() -> None:
    assert as_list("[not a list") is None
    assert as_list("[x y]") is None
    assert as_list(["a", None, "a", 2.0]) == ("a", "2")
    assert as_list("[2 27]") == as_list("[2. 27.]") == ("2", "27")
    assert as_list("['very happy' \"it's fine\"]") == ("very happy", "it's fine")
    assert as_list("(unsure)") is as_list("{joy}") is as_list("{'joy': 1}") is as_list("(1)") is None
