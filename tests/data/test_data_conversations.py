"""Earlier turns in cells and in rows: read as they were written, kept with their row, counted where they cannot be."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.errors import DataError
from insula.core.example import Example
from insula.core.model_input import ModelInput, Turn
from insula.data.conversations.dialogues import Dialogues, build_order_keys
from insula.data.conversations.turn_cells import BROKEN, MAX_TURNS, NO_TEXT, NOT_A_LIST, read_turns
from insula.data.describe import describe
from insula.data.formats.writers import open_writer
from insula.data.load import load_dataset, read_examples
from insula.data.options import DataOptions
from insula.data.splits.leak import Fingerprint, remove_leaks
from insula.data.unsplit import read_unsplit

CARER = get_builtin_scheme("carer")
LABELS = ("joy", "fear", "anger")

said = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()))
written_turns = st.lists(st.tuples(said, st.none() | said.map(str.strip)), max_size=5)


def write(path: Path, content: list[dict[str, Any]]) -> Path:
    with open_writer(path) as writer:
        writer.write(content)
    return path


def read(path: Path, **options: Any) -> list[Example]:
    return read_examples(path, DataOptions(**options), CARER)[0]


def turns(*several: str) -> tuple[Turn, ...]:
    return tuple(map(Turn, several))


@settings(max_examples=60)
@given(written_turns)
def test_turns_come_back_as_they_were_written(several: list[tuple[str, str | None]]) -> None:
    expected = tuple(Turn(text, speaker) for text, speaker in several)
    entries = [{"text": text, "speaker": speaker} for text, speaker in several]
    assert read_turns([entries]).turns == expected
    assert read_turns([json.dumps(entries)]).turns == expected
    assert read_turns([json.dumps(entries, ensure_ascii=False, indent=2)]).turns == expected
    texts = [text for text, _ in several]
    assert read_turns([texts]).turns == turns(*texts)
    assert read_turns([json.dumps(texts)]).turns == turns(*texts)
    if len(texts) > 1:
        assert read_turns(texts).turns == turns(*texts)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([None], ()),
        (["  "], ()),
        ([[]], ()),
        (["[]"], ()),
        (["How was it?"], ("How was it?",)),
        (["[sighs] Fine."], ("[sighs] Fine.",)),
        (["[sighs]"], ("[sighs]",)),
        (["['How was it?', \"It's fine.\"]"], ("How was it?", "It's fine.")),
        ([42.0], ("42",)),
        ([["How was it?", "", None, "Fine."]], ("How was it?", "Fine.")),
        ([[{"role": "user", "content": "How was it?"}, {"utterance": "Fine."}]], ("How was it?", "Fine.")),
        (["How was it?", None, "Fine."], ("How was it?", "Fine.")),
    ],
)
def test_cells(cells: list[Any], expected: tuple[str, ...]) -> None:
    found = read_turns(cells)
    assert (tuple(turn.text for turn in found.turns), found.problem) == (expected, None)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([{"text": "How was it?"}], NOT_A_LIST),
        ([b"How was it?"], NOT_A_LIST),
        (['[{"text": "How was'], BROKEN),
        (['["How was it?", '], BROKEN),
        ([[{"speaker": "A"}]], NO_TEXT),
        ([[["How", "was", "it?"]]], NO_TEXT),
        (['[{"text": {"de": "Wie war es?"}}]'], NO_TEXT),
        (["How was it?", ["Fine."]], "with a list, an object or bytes in place of an earlier turn"),
    ],
)
def test_cells_that_cannot_be_read(cells: list[Any], problem: str) -> None:
    assert read_turns(cells) == ((), problem)


@settings(max_examples=40)
@given(st.permutations(list(range(12))), st.sampled_from([1, 0.5, "{}", "u{}", "0:{}:00"]))
def test_dialogues_are_put_in_order_by_their_turns(order: list[int], form: Any) -> None:
    dialogues = Dialogues()
    for number in order:
        cell = form.format(number) if isinstance(form, str) else form * number
        dialogues.add("one", Turn(str(number)), cell)
    earlier, long = dialogues.collect_earlier_turns()
    assert long == 0
    assert [[turn.text for turn in found] for found in earlier] == [list(map(str, range(number))) for number in order]


def test_without_a_turn_column_rows_keep_their_order() -> None:
    dialogues = Dialogues()
    for dialogue, text in (("a", "1"), ("b", "2"), (None, "3"), ("a", "4"), (None, "5"), ("b", "6")):
        dialogues.add(dialogue, Turn(text))
    assert dialogues.collect_earlier_turns()[0] == [(), (), (), turns("1"), (), turns("2")]


def test_a_mark_of_thousands_of_digits_has_its_place() -> None:
    digits = "1" * 10_000
    keys = build_order_keys(["u" + digits, "u2", "u" + "9" * 9_999])
    assert sorted(range(3), key=keys.__getitem__) == [1, 2, 0]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.parquet", "a.arrow"])
def test_json_turns_in_every_format(tmp_path: Path, name: str) -> None:
    history = [{"speaker": "Joey", "text": "How was it?"}, {"speaker": "Ross", "text": "Ask, me 他说“好”"}]
    rows = [
        {"text": "Fine!", "label": "joy", "history": history, "who": "Ross", "of": "the food"},
        {"text": "So?", "label": "fear", "history": [], "who": "", "of": None},
    ]
    if name.endswith(("csv", "tsv")):
        rows = [{**row, "history": json.dumps(row["history"], ensure_ascii=False)} for row in rows]
    path = write(tmp_path / name, rows)
    first, second = read(path, context="history", speaker="who", target="of")
    assert first.input == ModelInput(
        "Fine!",
        turns=(Turn("How was it?", "Joey"), Turn("Ask, me 他说“好”", "Ross")),
        speaker="Ross",
        target="the food",
    )
    assert second.input == ModelInput("So?")
    assert read(path)[0].input == ModelInput("Fine!")


def test_arrow_lists_of_texts_and_of_structs(tmp_path: Path) -> None:
    kind = pa.list_(pa.struct([("text", pa.large_string()), ("speaker", pa.string())]))
    table = pa.table({
        "text": ["a", "b"],
        "label": ["joy", "fear"],
        "texts": pa.array([["x", "y"], None], pa.large_list(pa.string())),
        "structs": pa.array([[{"text": "x", "speaker": None}], []], kind),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    assert [row.turns for row in read(tmp_path / "a.parquet", context="texts")] == [turns("x", "y"), ()]
    assert [row.turns for row in read(tmp_path / "a.parquet", context="structs")] == [turns("x"), ()]


def test_several_columns_are_turns_oldest_first(tmp_path: Path) -> None:
    rows = [{"turn1": "Hi", "turn2": "Hello", "turn3": "Go away", "label": "anger"}]
    (example,) = read(write(tmp_path / "a.csv", rows), text="turn3", context=("turn1", "turn2"))
    assert (example.text, example.turns) == ("Go away", turns("Hi", "Hello"))


def dialogue_rows() -> list[dict[str, Any]]:
    return [
        {"d": "1", "n": 10, "who": "B", "text": "Great!", "label": "joy"},
        {"d": "1", "n": 2, "who": "A", "text": "How was it?", "label": "nobody knows"},
        {"d": "2", "n": 1, "who": "C", "text": "Run!", "label": "fear"},
        {"d": "1", "n": 3, "who": "A", "text": "", "label": "joy"},
        {"d": "1", "n": 11, "who": "A", "text": "Good.", "label": "joy"},
        {"d": "", "n": "", "who": "D", "text": "Alone.", "label": "anger"},
        {"d": "2", "n": None, "who": "C", "text": "Faster!", "label": "fear"},
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_rows_of_a_dialogue_are_context_of_later_ones(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, dialogue_rows())
    examples, notes = read_examples(path, DataOptions(dialogue="d", turn="n", speaker="who"), CARER)
    assert {row.text: row.turns for row in examples} == {
        "Great!": (Turn("How was it?", "A"),),  # whose label is no label
        "Run!": (),
        "Good.": (Turn("How was it?", "A"), Turn("Great!", "B")),  # the empty text is none
        "Alone.": (),
    }
    assert "a: of 4 rows, 2 have earlier turns, 1.5 on average." in notes
    dropped = next(note for note in notes if "dropped" in note)
    assert dropped.startswith("3 rows of a dropped: ")
    for reason in ("1 with empty text", "1 without a value in the turn column", "1 with the unknown label 'nobody"):
        assert reason in dropped
    assert any("dialogue column 'd', turn column 'n', speaker column 'who'" in note for note in notes)


def test_dialogues_end_with_their_file(tmp_path: Path) -> None:
    rows = [{"d": "1", "text": f"text {n}", "label": LABELS[n % 3]} for n in range(4)]
    examples = read_examples(
        [write(tmp_path / "a.csv", rows[:2]), write(tmp_path / "b.csv", rows[2:])], DataOptions(dialogue="d"), CARER
    )[0]
    assert [len(example.turns) for example in examples] == [0, 1, 0, 1]


def test_unreadable_turns_drop_their_row_and_are_counted(tmp_path: Path) -> None:
    rows = [{"text": "a", "label": "joy", "h": '[{"speaker": "A"}]'}, {"text": "b", "label": "joy", "h": "Hi"}]
    examples, notes = read_examples(write(tmp_path / "a.csv", rows), DataOptions(context="h"), CARER)
    assert [example.text for example in examples] == ["b"]
    assert f"1 row of a dropped: 1 {NO_TEXT}." in notes


def test_long_turns_and_long_dialogues_are_cut_and_counted(tmp_path: Path) -> None:
    history = ["x" * 50] * (MAX_TURNS + 1)
    (example,), notes = read_examples(
        write(tmp_path / "a.jsonl", [{"text": "a", "label": "joy", "h": history}]),
        DataOptions(context="h", max_text_length=20),
        CARER,
    )
    assert example.turns == turns("x" * 20) * MAX_TURNS
    assert any("1 row of" in note and f"had more than {MAX_TURNS} earlier turns" in note for note in notes)
    rows = [{"text": f"text {n}", "label": "joy", "d": 1} for n in range(MAX_TURNS + 3)]
    examples, notes = read_examples(write(tmp_path / "b.jsonl", rows), DataOptions(dialogue="d"), CARER)
    assert [turn.text for turn in examples[-1].turns] == [f"text {n}" for n in range(2, MAX_TURNS + 2)]
    assert any("2 rows of" in note and "earlier turns; the last" in note for note in notes)


def test_a_turns_column_cannot_be_combined_with_a_dialogue() -> None:
    with pytest.raises(ValueError, match=r"cannot be combined: earlier turns.*Got both \('a' and 'b'\)"):
        DataOptions(context="a", dialogue="b")
    with pytest.raises(ValueError, match="Got 'n' without `dialogue`"):
        DataOptions(turn="n")
    with pytest.raises(DataError, match=r"^The options of the data are not valid: `context` and `dialogue` cannot"):
        DataOptions.checked(context="a", dialogue="b")
    recorded = DataOptions(dialogue="d", turn="n", speaker="who")
    assert recorded.with_columns(context="a") == DataOptions(context="a", speaker="who")
    assert DataOptions(context="a").with_columns(dialogue="d", turn="n") == DataOptions(dialogue="d", turn="n")
    assert recorded.with_columns(turn="m") == DataOptions(dialogue="d", turn="m", speaker="who")
    assert DataOptions.model_validate_json(DataOptions(context=("a", "b")).model_dump_json()).context == ("a", "b")


def test_a_missing_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", dialogue_rows())
    with pytest.raises(DataError, match=r"dialogue column must be one of .*Got 'dd'.*mean 'd'"):
        read(path, dialogue="dd")
    with pytest.raises(DataError, match=r"context column must be one of .*Got 'history'"):
        read(path, context="history")


def test_usual_column_names_change_nothing_unless_named(tmp_path: Path) -> None:
    names = ("context", "turns", "dialogue", "turn", "speaker", "target")
    rows = [{"text": f"text {n}", "label": "joy", **dict.fromkeys(names, "x")} for n in range(3)]
    assert [row.input for row in read(write(tmp_path / "a.csv", rows))] == [ModelInput(f"text {n}") for n in range(3)]


WORDS = ("river", "mountain", "table", "window", "garden", "bottle", "pencil", "engine", "castle", "forest", "island")


def many_dialogues(count: int = 40) -> list[dict[str, Any]]:
    rows = []
    for dialogue in range(count):
        for turn in range(4):
            text = (
                "Yes, I did."
                if turn == 2
                else " ".join(WORDS[(dialogue + k * turn + k) % 11] + str(dialogue * 7 + turn) for k in range(5))
            )
            rows.append({"d": f"d{dialogue}", "text": text, "label": LABELS[(dialogue + turn) % 3]})
    return rows


def test_a_split_keeps_dialogues_whole_and_apart(tmp_path: Path) -> None:
    data = load_dataset(write(tmp_path / "a.csv", many_dialogues()), DataOptions(dialogue="d"))
    assert "A split keeps the rows of one dialogue (column 'd') on one side." in data.notes
    sides: dict[str | None, set[str]] = {}
    for split, rows in data.splits.items():
        for row in rows:
            sides.setdefault(row.group, set()).add(split)
    assert len(sides) == 40
    assert all(len(side) == 1 for side in sides.values())
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 128, "validation": 16, "test": 16}
    assert all(len(example.turns) == n % 4 for n, example in enumerate(data.split("test")))


def test_another_group_goes_before_the_dialogue(tmp_path: Path) -> None:
    rows = [{**row, "author": f"author {n % 30}"} for n, row in enumerate(many_dialogues())]
    data = load_dataset(write(tmp_path / "a.csv", rows), DataOptions(dialogue="d", group="author"))
    assert {example.group for example in data.split("train")} <= {f"author {n}" for n in range(30)}


def example(text: str, *before: str) -> Example:
    return Example(text=text, turns=turns(*before), labels=("joy",))


def test_a_dialogue_row_is_compared_with_the_turn_before() -> None:
    splits = {
        "train": [example("Yes!", "Did you win?"), example("Yes.", "Did you lose?"), example("Hey.")],
        "test": [example("yes", "did you LOSE"), example("Hey", "So.")],
    }
    kept, overlaps, _ = remove_leaks(splits)
    assert [(row.text, row.turns[-1:]) for row in kept["train"]] == [("Yes!", turns("Did you win?")), ("Hey.", ())]
    assert len(overlaps["test"]) == 1
    known = Fingerprint.of(splits["train"])
    assert known.find_seen(splits["test"]).tolist() == [True, False]
    assert known.find_seen(row.input for row in splits["test"]).tolist() == [True, False]
    # Where one side knows nothing of dialogues, the texts alone are compared.
    assert known.find_seen(["yes", "hey", "no"]).tolist() == [True, True, False]
    lone = Fingerprint.of([example("Yes."), example("No.")])
    assert lone.find_seen(splits["test"]).tolist() == [True, False]
    assert Fingerprint(known.to_array()) == known


def test_a_description_says_what_is_around_the_texts(tmp_path: Path) -> None:
    rows = [{**row, "who": "AB"[n % 2], "of": "food" if n % 4 == 0 else ""} for n, row in enumerate(many_dialogues())]
    path = write(tmp_path / "a.csv", rows)
    found = describe(load_dataset(path, DataOptions(dialogue="d", speaker="who", target="of")))
    assert found.context == {
        "share": 0.75, "mean_turns": 2.0, "most_turns": 3, "speakers": 2, "targets": 1, "target_share": 0.25,
    }  # fmt: skip
    assert any(
        "75.0 % of rows with earlier turns (2.0 on average, at most 3), 2 speakers, 1 target (25.0 % of rows)" in line
        for line in found.format_lines()
    )
    assert (found.exact_duplicates, found.conflicts) == (0, 0)  # "Yes, I did." follows another turn each time
    alone = describe(load_dataset(path))
    assert (alone.context, alone.exact_duplicates, alone.conflicts) == ({}, 39, 1)
    assert not any(line.startswith("  context") for line in alone.format_lines())


def test_unlabelled_dialogues_are_described_with_their_turns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [{"d": 1, "text": f"text {n}"} for n in range(3)])
    data = read_unsplit(path, DataOptions(dialogue="d"))
    assert [len(row.turns) for row in data.split("all")] == [0, 1, 2]


def test_csv_as_a_spreadsheet_writes_it(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label", "history"])
        writer.writerow(["Fine", "joy", json.dumps([{"speaker": "A", "text": 'He said "no"\nand left'}])])
    assert read(tmp_path / "a.csv", context="history")[0].turns == (Turn('He said "no"\nand left', "A"),)
