"""Cells have names of their own, levers are pairs that differ in what they say they do."""

from __future__ import annotations

from bars import BARS
from cells import ALL, CELLS, LEVERS
from outside import PEERS
from sets import SETS
from table_text import TITLES


def test_every_cell_is_of_a_known_set_under_its_own_name() -> None:
    assert {cell.data for cell in ALL.values()} <= set(SETS)
    assert all(name == cell.name for name, cell in ALL.items())
    assert set(SETS) == set(TITLES)
    assert set(BARS) <= set(SETS)


def test_every_peer_has_its_requirements_and_its_script() -> None:
    for peer in {cell.peer for cell in ALL.values()} - {None, "majority"}:
        assert (PEERS / str(peer) / "requirements.txt").read_text(encoding="utf-8").strip(), peer
        assert (PEERS / str(peer) / "run.py").exists(), peer


def test_requirements_of_peers_are_pinned() -> None:
    for file in PEERS.glob("*/requirements.txt"):
        assert all("==" in line for line in file.read_text(encoding="utf-8").split()), file


def test_a_lever_changes_only_what_it_names() -> None:
    for lever in LEVERS:
        for off, on in lever.pairs(CELLS):
            assert off == CELLS[off.name]
            assert (on.data, on.recipe, on.seed) == (off.data, off.recipe, off.seed)
            changed = {key: value for key, value in on.overrides.items() if off.overrides.get(key) != value}
            assert changed == dict(lever.changes)
            assert on.name not in CELLS
