"""What the committed result files must hold, whoever measured them."""

from __future__ import annotations

import pytest

import tables
from result_files import Entry, Results, read_results

CELLS = read_results().quality


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell["command"].split()[-1])
def test_a_cell_says_where_it_comes_from(cell: Entry) -> None:
    for key in ("set", "model", "seed", "rows", "metrics", "command", "commit", "versions", "flags", "date"):
        assert cell[key] is not None, key
    assert all(one["value"] is None or -1 <= one["value"] <= 1e6 for one in cell["metrics"].values())


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.get("facts", {}).get("engine") == "twin"],
                         ids=lambda cell: cell["command"].split()[-1])  # fmt: skip
def test_the_twin_answers_as_keras_does(cell: Entry) -> None:
    assert cell["facts"]["largest_difference_to_keras"] <= 1e-5


def test_means_are_held_against_the_bar() -> None:
    def cell(model: str, seed: int, accuracy: float) -> Entry:
        metrics = {"macro_f1": {"value": 0.8}, "accuracy": {"value": accuracy}}
        return {"set": "sst2", "model": model, "seed": seed, "metrics": metrics}

    cells = [cell("a", 0, 0.88), cell("a", 1, 0.90), cell("b", 0, 0.5), cell("c", 0, 0.92)]
    table = tables.TABLES["means"](Results([*cells, {**cell("a", 0, 0.1), "set": "tweets"}]))
    assert "| accuracy | `a` | 2 seeds | 0.890 | 0.880 to 0.900 | – | 0.885 | 0.91 | bar |" in table
    assert "| accuracy | `b` | 1 seed | 0.500 | – | – | 0.885 | 0.91 | no |" in table
    assert "| accuracy | `c` | 1 seed | 0.920 | – | – | 0.885 | 0.91 | stretch |" in table
    assert table.count("SST-2") == 3


def test_means_leave_overlapping_rows_out_as_well() -> None:
    overlaps = ({"rows": 2, "macro_f1": {"value": 0.70}}, {"rows": 2, "macro_f1": {"value": 0.72}})
    cells = [
        {
            "set": "smp2020_usual",
            "model": "a",
            "seed": seed,
            "metrics": {"macro_f1": {"value": 0.74}},
            "overlap": overlap,
        }
        for seed, overlap in enumerate(overlaps)
    ]
    assert "| 0.740 | 0.740 to 0.740 | 0.710 | 0.72 |" in tables.TABLES["means"](Results(cells))


def test_a_peer_is_marked_with_its_engine() -> None:
    where = {"command": "c x", "commit": "0" * 40, "date": "d", "versions": {}, "processor": "p", "flags": []}
    cell = {
        "set": "sst2", "model": "reference", "peer": "reference", "recipe": None, "seed": 0, "rows": {"test": 1},
        "metrics": {"macro_f1": {"value": 0.8}}, "facts": {"engine": "twin"}, **where,
    }  # fmt: skip
    assert "| peer, engine twin |" in tables.TABLES["quality"](Results([cell]))
