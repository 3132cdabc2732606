"""Explanations as people and programs get them: terminal, HTML, JSON, files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import insula
from insula.cli.app import app
from insula.explanation.terminal import format_explanation

TEXT = "I'm so glad you came, but the room was awful!!"


def run(*arguments: str, status: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["explain", *arguments])
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


def test_python_json_and_files_have_the_same_weights(tmp_path: Path) -> None:
    (explanation,) = insula.explain(TEXT, labels=["joy"])
    row = json.loads(run(TEXT, "--for", "joy", "--json")[0])
    assert row["explanation"]["weights"]["joy"] == [round(weight, 6) for weight in explanation.weights["joy"]]
    assert row["label"] == insula.predict(TEXT)[0].label
    (tmp_path / "in.csv").write_text(f'id,text,label\n7,"{TEXT}",x\n8,"  ",y\n', encoding="utf-8")
    for name in ("out.jsonl", "out.csv", "out.parquet"):
        _, said = run("-i", str(tmp_path / "in.csv"), "-o", str(tmp_path / name), "--for", "joy")
        assert "1 row explained" in said
        assert "1 row not explained; the first is line 3" in said
    (line,) = map(json.loads, (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines())
    (cells,) = csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines())
    (columns,) = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert line["id"] == cells["id"] == "7"
    assert line["input_label"] == cells["input_label"] == columns["input_label"] == "x"
    for found in (line["explanation"], json.loads(cells["explanation"]), json.loads(columns["explanation"])):
        assert found["weights"] == row["explanation"]["weights"]
        assert found["faithfulness"] == row["explanation"]["faithfulness"]


def test_no_column_of_the_input_is_lost(tmp_path: Path) -> None:
    rows = [{"text": "so happy", "label": "x", "input_label": "y"} for _ in range(99)]
    rows.append({"text": "so sad", "late": "kept"})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = insula.explain_file(tmp_path / "in.jsonl", tmp_path / "out.csv", faithfulness=False)
    assert (found.rows, found.rejected, found.first_reject) == (100, 0, None)
    written = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert {(row["input_label"], row["input_input_label"]) for row in written[:99]} == {("x", "y")}
    assert written[99]["late"] == "kept"
    insula.explain_file(tmp_path / "out.csv", tmp_path / "again.parquet", faithfulness=False)
    assert pq.read_table(tmp_path / "again.parquet").num_rows == 100


def test_how_the_file_was_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text|n\nso happy|1\nso sad|2\n", encoding="utf-8")
    _, said = run("-i", str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.jsonl"), "--no-faithfulness")
    assert "The cells are separated by '|'." in said
    found = insula.explain_file(
        tmp_path / "in.csv", tmp_path / "out.jsonl", separator=",", text="text|n", faithfulness=False
    )
    assert (found.rows, found.warnings) == (2, ())


def test_trust_is_an_old_name_of_faithfulness() -> None:
    with pytest.warns(DeprecationWarning, match="argument trust is now faithfulness"):
        (bare,) = insula.explain("so happy", trust=False)  # type: ignore[call-arg]
    assert bare.faithfulness == {}
    (full,) = insula.explain("so happy")
    with pytest.warns(DeprecationWarning, match=r"Explanation\.trust is now faithfulness"):
        assert full.trust == full.faithfulness != {}
    facts = full.facts()
    assert facts.pop("faithfulness") == facts["trust"]  # readers and files from before know only `trust`
    assert type(full).from_facts(full.prediction, facts).facts()["faithfulness"] == facts["trust"]
    answer, said = run("so happy", "--no-trust", "--json")
    assert "--no-trust are now called --faithfulness and --no-faithfulness" in said
    assert json.loads(answer)["explanation"]["faithfulness"] == {}


def test_the_name_of_a_file_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.csv").write_text("text\nhello\n", encoding="utf-8")
    assert "To explain its rows, use --input in.csv" in run("in.csv", status=2)[1].replace("\n", " ")


def test_lines_mark_words_with_and_without_colour() -> None:
    (explanation,) = insula.explain(TEXT, labels=["joy"])
    plain = "\n".join(format_explanation(explanation, colour=False))
    assert "[+glad]" in plain
    assert "[-awful]" in plain
    assert "\x1b" not in plain
    assert "\x1b[48;5;" in "\n".join(format_explanation(explanation, colour=True))
    stripped = plain.replace("[+", "").replace("[-", "").replace("]", "")
    assert TEXT in stripped


def test_html_is_escaped_and_has_signs_beside_colours() -> None:
    (explanation,) = insula.explain("<b>glad</b> & awful <script>", labels=["joy"])
    html = explanation.to_html()
    assert "<script" not in html
    assert "&lt;" in html
    assert "<sup>+</sup>" in html
    assert explanation._repr_html_() == html


@pytest.mark.parametrize("budget", ["50", "ms", "0ms", "-1ms", "1h"])
def test_a_budget_is_a_time(budget: str) -> None:
    _, said = run(TEXT, "--budget", budget, status=2)
    assert "must be a time such as 50ms or 2s" in said


def test_texts_and_files_are_not_mixed() -> None:
    assert "The command explains texts or a file" in run(TEXT, "--input", "a.csv", status=2)[1]


def test_an_output_over_the_input_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("text\nhello\n", encoding="utf-8")
    run("-i", str(tmp_path / "in.csv"), "-o", str(tmp_path / "in.csv"), status=1)
    assert (tmp_path / "in.csv").read_text(encoding="utf-8") == "text\nhello\n"
