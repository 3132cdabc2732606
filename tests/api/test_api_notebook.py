"""What a notebook shows: short data sets and runs, progress, and no warnings about widgets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import insula
from insula.core.example import Example
from insula.core.scheme import LabelScheme
from insula.data.dataset import Dataset

CELLS = (
    "import insula, warnings\nwarnings.simplefilter('always')",
    "data = insula.load_dataset('rows.csv')\ndata",
    "run = insula.train('rows.csv', recipe='linear', overrides={'evaluation.resamples': 100}, output='run')\nrun",
    "insula.evaluate('rows.csv', 'run', resamples=100)",
    "from insula.core.environment import require\nrequire('torch', extra='train', purpose='test')\nimport tqdm.auto",
)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """What each of the cells shows when a kernel runs them."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    folder = tmp_path_factory.mktemp("notebook")
    words = {"joy": "so happy today", "anger": "so furious <b>now</b>"}
    rows = [
        f"{words[label]} {chr(97 + number % 26) * 4} {number * 7919},{label}" for number in range(60) for label in words
    ]
    (folder / "rows.csv").write_text("\n".join(["text,label", *rows]) + "\n", encoding="utf-8")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return [cell.outputs for cell in book.cells]


def _shown(outputs: list[Any]) -> str:
    return "\n".join(str(output.data.get("text/html", "")) for output in outputs if "data" in output)


@pytest.mark.filterwarnings("default")
def test_a_notebook_shows_tables_and_progress(outputs: list[list[Any]]) -> None:
    _, data, run, evaluated, _ = map(_shown, outputs)
    assert "<table>" in data
    assert "rows: binary, 2 labels" in data
    assert "macro-F1" in run
    assert "Report: run/report.html" in run
    assert "Reading rows.csv; the run goes to run." in run  # what the command line says, too
    assert "macro-F1" in evaluated
    assert "Evaluating on 120 rows." in evaluated
    assert "of these texts are also in the training data" in evaluated


@pytest.mark.filterwarnings("default")
def test_a_notebook_shows_no_warning(outputs: list[list[Any]]) -> None:
    assert [output for cell in outputs for output in cell if output.get("name") == "stderr"] == []


def test_a_large_data_set_is_shown_in_a_line() -> None:
    names = tuple(f"label{number}" for number in range(28))
    examples = [Example(text="a long text of somebody " * 50, labels=(names[number % 28],)) for number in range(5000)]
    dataset = Dataset("big", LabelScheme("labels", "single", names), {"train": examples, "test": examples[:100]})
    assert repr(dataset) == "Dataset('big', single, 28 labels, train 5,000, test 100)"
    shown = dataset._repr_html_()
    assert len(shown) < 1500
    assert "somebody" not in shown
    assert "20 more" in shown


def test_names_in_html_are_escaped() -> None:
    examples = [Example(text="a", labels=("<b>",)), Example(text="b", labels=("c",))]
    shown = Dataset("<script>", LabelScheme("labels", "single", ("<b>", "c")), {"train": examples})._repr_html_()
    assert "<script>" not in shown
    assert "&lt;b&gt; 1" in shown


@pytest.mark.parametrize("kind", ["single", "multi", "dimensional"])
def test_results_are_shown_in_a_line(trained_run: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    run = trained_run("linear", kind)
    shown = repr(run)
    assert shown.startswith(f"Run({str(run.path)!r}, ")
    assert shown.endswith("test rows)")
    assert len(shown) < 200 + len(str(run.path))
    headline = run.document.main.headline
    assert f"{headline.value:.3f}" in shown
    assert f"{headline.low:.3f} to {headline.high:.3f}" in run._repr_html_()


def test_outside_notebooks_nothing_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.csv").write_text("text,label\n" + "so happy,joy\nso sad,grief\n" * 40, encoding="utf-8")
    insula.bench_model("starter", data=[tmp_path / "rows.csv"], rows=2)
    assert capsys.readouterr() == ("", "")
