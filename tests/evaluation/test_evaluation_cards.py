"""The model card: valid front matter, only what was measured, input that stays text."""

from __future__ import annotations

import ast
import importlib.util
import re
from typing import Any

import pytest
from evaluation_report_cases import card_of, dimensional, fresh_file, rendered, run

from insula.evaluation.reports.markdown import escape_markdown, fence_code

yaml = pytest.importorskip("yaml", reason="the front matter is read back with PyYAML")

HOSTILE = "a: [\"b\"] | # ---\n---\n``` <script>alert(1)</script> *x* \u202e\u2028'end' 😀 中文"


def front_matter(card: str) -> dict[str, Any]:
    assert card.startswith("---\n")
    loaded = yaml.safe_load(card.split("\n---\n")[0].removeprefix("---\n"))
    assert isinstance(loaded, dict)
    return loaded


def headings(card: str) -> list[str]:
    return re.findall(r"^## (.+)$", card, re.MULTILINE)


def test_front_matter_is_what_the_hub_reads() -> None:
    front = front_matter(card_of(run("goemotions")))
    assert front["library_name"] == "insula"
    assert front["language"] == ["en"]
    assert front["tags"][:2] == ["insula", "emotion"]
    assert {"accuracy", "f1", "matthews_correlation"} <= set(front["metrics"])
    result = front["model-index"][0]["results"][0]
    assert result["dataset"] == {"name": "tweets", "type": "tweets", "split": "test"}
    assert {"type": "f1", "name": "macro_f1", "value": 0.7123} in result["metrics"]
    assert "license" not in front
    assert "base_model" not in front


def test_a_hub_encoder_is_the_base_model() -> None:
    metrics = run("sentiment3")
    metrics["model"]["base"] = "sentence-transformers/all-MiniLM-L6-v2"
    assert front_matter(card_of(metrics))["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"


def test_only_labels_can_be_abstained_from() -> None:
    metrics = dimensional()
    metrics["decision"] = {"abstention": 0.0, "coverage": 0.95}
    assert "Target coverage" not in card_of(metrics)
    assert "Target coverage" in card_of(run("goemotions"))


def test_sections() -> None:
    assert headings(card_of(run("goemotions"))) == [
        "What it does", "Intended use and limits", "Training data", "How it was trained", "Results", "Decision rule",
        "How to use",
    ]  # fmt: skip
    assert headings(card_of(fresh_file())) == [
        "What it does", "Intended use and limits", "Training data", "Results", "Decision rule", "How to use",
    ]  # fmt: skip


def test_headline_table_and_baselines_show_the_numbers_given() -> None:
    card = card_of(run("sentiment3"))
    assert "macro-F1 0.712 (95% interval 0.697 to 0.727); 0.041 above the linear baseline (0.028 to 0.054)." in card
    assert "| macro-F1 | 0.712 | 0.697 to 0.727 |" in card
    assert "| Linear | 0.671 | +0.041 | 0.028 to 0.054 |" in card
    for row in run("sentiment3")["test"]["per_label"]:
        assert f"| {row['label']} | {row['f1']:.3f} | {row['precision']:.3f} | {row['recall']:.3f} |" in card


def test_limits_data_recipe_and_rule_are_told() -> None:
    metrics = run("goemotions")
    card = card_of(metrics)
    assert "what annotators perceived" in card
    for use in ("diagnosis", "hiring", "policing"):
        assert use in card
    for words in (
        metrics["data"]["fingerprint"],
        "30,521",
        "312 rows with the same text",
        metrics["command"],
        "0.0001",
    ):
        assert words in card
    assert "temperature (temperature 1.31)" in card
    assert "below 0.410" in card
    assert f"admiration {metrics['decision']['thresholds']['admiration']:.3f}" in card


def test_tables_are_whole() -> None:
    """Every line of a table has as many cells as its head."""
    for metrics in (run("goemotions"), dimensional()):
        width = 0
        for line in card_of(metrics).splitlines():
            if not line.startswith("|"):
                width = 0
                continue
            cells = len(re.findall(r"(?<!\\)\|", line))
            width = width or cells
            assert cells == width, line


def test_nothing_is_claimed_without_measurement() -> None:
    card = card_of({})
    assert front_matter(card) == {
        "library_name": "insula", "pipeline_tag": "text-classification",
        "tags": ["insula", "emotion", "text-classification"],
    }  # fmt: skip
    assert "Nothing was evaluated" in card
    assert "Not recorded." in card
    assert not re.search(r"\d\.\d", card)
    assert "None" not in card


def test_validation_only_is_named() -> None:
    card = card_of(run("sentiment3") | {"test": None})
    assert "Measured on 3,815 validation rows." in card
    assert "validation rows, which were also used in training" in card
    assert "Baselines (" not in card


def test_seen_rows_are_reported() -> None:
    assert "12 of them are also in the training data." in card_of(fresh_file())


def test_hostile_text_stays_text() -> None:
    metrics = run("sentiment3")
    metrics["name"] = metrics["data"]["name"] = metrics["command"] = metrics["model"]["base"] = HOSTILE
    metrics["data"]["notes"] = [HOSTILE]
    metrics["recipe"] = {HOSTILE: {"x": HOSTILE}}
    metrics["test"]["per_label"][0]["label"] = HOSTILE
    metrics["scheme"]["name"] = HOSTILE
    card = card_of(metrics)
    front = front_matter(card)
    assert front["model-index"][0]["name"].startswith('a: ["b"] | # ---\n---')
    assert len(headings(card)) == 7
    command = re.search(r"^(`{4,})sh\n.*?\n\1$", card, re.MULTILINE | re.DOTALL)
    assert command is not None
    outside = card.replace(command[0], "").split("\n---\n", 1)[1]
    assert "<script>" not in outside
    assert "\u202e" not in card


def test_code_of_the_card_is_valid() -> None:
    for metrics in (run("sentiment3"), dimensional()):
        code = re.search(r"```python\n(.*?)```", card_of(metrics), re.DOTALL)
        assert code is not None
        for node in ast.walk(ast.parse(code[1])):
            if isinstance(node, ast.ImportFrom):
                assert importlib.util.find_spec(str(node.module)) is not None


def test_markdown_escapes() -> None:
    assert escape_markdown("a|b\n*c* <d> & [e](f) `g`") == r"a\|b \*c\* &lt;d&gt; &amp; \[e\](f) \`g\`"


def test_fence_is_longer_than_what_it_holds() -> None:
    assert fence_code("x ```` y", "sh") == "`````sh\nx ```` y\n`````"


def test_the_arithmetic_of_training_is_stated() -> None:
    said = "bfloat16 arithmetic, float32 weights"
    told = run() | {"training": {"precision": "bfloat16"}}
    assert said in card_of(told)
    assert said in rendered(told)
    assert "arithmetic" not in card_of(run())


def test_coarser_levels_stand_on_page_and_card() -> None:
    told = run()
    told["test"]["levels"] = {
        "sentiment": {
            "labels": ["positive", "negative"],
            "headline": "macro_f1",
            "metrics": {"macro_f1": {"value": 0.6789, "low": 0.66, "high": 0.69}},
        }
    }
    assert "| sentiment | positive, negative | macro-F1 | 0.679 | 0.660 to 0.690 |" in card_of(told)
    page = rendered(told)
    for said in ("At coarser levels", "positive, negative", "0.679"):
        assert said in page
    assert "coarser" not in rendered(run())
