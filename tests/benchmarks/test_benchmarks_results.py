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


def test_means_are_compared_with_their_targets() -> None:
    def cell(model: str, seed: int, accuracy: float) -> Entry:
        metrics = {"macro_f1": {"value": 0.8}, "accuracy": {"value": accuracy}}
        return {"set": "sst2", "model": model, "seed": seed, "metrics": metrics}

    cells = [cell("a", 0, 0.88), cell("a", 1, 0.90), cell("b", 0, 0.5), cell("c", 0, 0.92)]
    table = tables.TABLES["means"](Results([*cells, {**cell("a", 0, 0.1), "set": "tweets"}]))
    assert "### SST-2, English, 2 labels\n\nTargets: accuracy 0.885, then 0.91.\n" in table
    assert "| `a` | accuracy | 2 seeds | 0.890 | 0.880 to 0.900 | – | first target |" in table
    assert "| `b` | accuracy | 1 seed | 0.500 | – | – | no |" in table
    assert "| `c` | accuracy | 1 seed | 0.920 | – | – | both targets |" in table
    assert table.count("###") == 1


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
    assert "| 0.740 | 0.740 to 0.740 | 0.710 | first target |" in tables.TABLES["means"](Results(cells))


def test_an_outside_system_is_marked_with_its_engine() -> None:
    where = {"command": "c x", "commit": "0" * 40, "date": "d", "versions": {}, "processor": "p", "flags": []}
    cell = {
        "set": "sst2", "model": "reference", "peer": "reference", "recipe": None, "seed": 0, "rows": {"test": 1},
        "metrics": {"macro_f1": {"value": 0.8}}, "facts": {"engine": "twin"}, **where,
    }  # fmt: skip
    assert "| outside, twin |" in tables.TABLES["quality"](Results([cell]))


def test_runs_name_their_versions_by_number() -> None:
    where = {"command": "c x", "commit": "0" * 40, "date": "d", "processor": "p", "flags": ["avx2"]}
    cells = [
        {"set": "sst2", "model": "a", "seed": seed, "versions": {"torch": torch}, **where}
        for seed, torch in enumerate(("1", "2", "1"))
    ]
    runs = tables.TABLES["provenance"](Results(cells))
    assert [line.split(" | ")[-1] for line in runs.splitlines() if "`x`" in line] == ["1 |", "2 |", "1 |"]
    assert tables.TABLES["versions"](Results(cells)).strip().splitlines()[2:] == ["| 1 | torch 1 |", "| 2 | torch 2 |"]
    assert "| p | avx2 |" in tables.TABLES["processors"](Results(cells))


def test_times_of_several_runs_are_a_range() -> None:
    cells = [
        {
            "set": "sst2", "model": "a", "seed": seed, "rows": {"train": 10}, "train_seconds": seconds,
            "rows_per_second": 7.0, "parameters": None, "processor": "p",
        }
        for seed, seconds in enumerate((30.0, 20.0))
    ]  # fmt: skip
    assert "| `a` | – | 10 | 20 to 30 s | 7 rows/s | – | p |" in tables.TABLES["time"](Results(cells))


def test_no_attack_makes_the_service_half_as_large_again() -> None:
    found = read_results().malice
    assert found is not None
    assert {name: one["ratio"] for name, one in found["attacks"].items() if one["ratio"] >= 1.5} == {}
    assert all(one["answers_afterwards"] == 200 for one in found["attacks"].values())
    assert [name for name, one in found["attacks"].items() if "500" in one["end"].split()] == []
    assert found["stop"]["status"] == 0
    assert found["stop"]["seconds"] < found["stop"]["drain_seconds"] + 5
