"""`insula predict --levels`: coarser answers beside the labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from cli_messages import FAST
from typer.testing import Result


def test_levels_stand_beside_the_labels(insula: Callable[..., Result], here: Path) -> None:
    words = {
        "anger": "furious",
        "joy": "lovely",
        "love": "dear",
        "fear": "afraid",
        "sadness": "alone",
        "surprise": "oh",
    }
    rows = [
        {"text": f"{word} {number} {word}", "label": label} for number in range(30) for label, word in words.items()
    ]
    (here / "data.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    trained = insula("train", "data.jsonl", "--scheme", "carer", "--output", "runs/six", "--json", *FAST)
    assert trained.exit_code == 0, trained.output
    measured = json.loads(trained.stdout)["test"]["levels"]["sentiment"]["metrics"]["accuracy"]["value"]
    assert measured > 0.9
    told = insula("predict", "dear lovely", "-m", "six", "--json", "--levels")
    answer = json.loads(told.stdout)
    assert answer["levels"]["sentiment"]["labels"] == ["positive"]
    assert answer["levels"]["ekman"]["scores"]["joy"] > max(answer["scores"]["joy"], answer["scores"]["love"])
    assert all(score == round(score, 6) for score in answer["levels"]["ekman"]["scores"].values())
    assert "levels" not in json.loads(insula("predict", "dear", "-m", "six", "--json").stdout)
    assert insula("predict", "dear", "-m", "six", "--levels").exit_code == 2
