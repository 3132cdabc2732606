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


def test_the_group_s_column_can_be_named(insula: Insula, care: Path, here: Path) -> None:
    lines = (care / "test.csv").read_text(encoding="utf-8").splitlines()
    said = ["by", *("first" if number % 2 else "second" for number in range(len(lines) - 1))]
    (here / "test.csv").write_text(
        "".join(f"{line},{by}\n" for line, by in zip(lines, said, strict=True)), encoding="utf-8"
    )
    run = care / "runs/care"
    result = insula("compare", run, run, "--data", "test.csv", "--group", "by", "-q")
    assert result.exit_code == 0, result.output
    assert "macro-F1 by group\n  first (30)" in result.stdout


def test_one_model_alone_is_wrong_usage(insula: Insula, care: Path) -> None:
    assert insula("compare", care / "runs/care").exit_code == 2
    assert insula("compare", *[care / "runs/care"] * 3).exit_code == 2
