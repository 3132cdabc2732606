"""`insula compare`: two sides, a table, a page, JSON; and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Insula = Callable[..., Result]


def test_two_runs_are_compared_in_words_and_on_a_page(insula: Insula, care: Path, here: Path) -> None:
    run = care / "runs/care"
    result = insula("compare", run, run, "--data", care / "test.csv", "-o", "out")
    assert result.exit_code == 0, result.output
    for words in ("macro-F1", "B - A", "McNemar p", "F1 by label", "joy", "cannot tell which", "out/compare.html"):
        assert words in result.stdout
    assert {path.name for path in (here / "out").iterdir()} == {"compare.json", "compare.html"}


def test_seeds_stand_before_and_behind_against(insula: Insula, care: Path) -> None:
    run = care / "runs/care"
    result = insula("compare", run, run, "--against", run, "--data", care / "test.csv", "--json", "-q")
    found = json.loads(result.stdout)
    assert [len(found[side]["models"]) for side in ("a", "b")] == [2, 1]
    assert found["command"].startswith("insula compare ")
    assert result.stderr == ""


def test_one_model_alone_is_wrong_usage(insula: Insula, care: Path) -> None:
    assert insula("compare", care / "runs/care").exit_code == 2
    assert insula("compare", *[care / "runs/care"] * 3).exit_code == 2
