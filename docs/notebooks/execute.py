"""Run the notebooks in a temporary folder and write down what they printed.

python docs/notebooks/execute.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
SECONDS = 1800


def execute(notebook: Path) -> nbformat.NotebookNode:
    """Return the notebook with fresh outputs; raises `CellExecutionError` where a cell fails."""
    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        cell.metadata.clear()
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(
            content, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}},
            record_timing=False,
        ).execute()  # fmt: skip
    content.metadata = {"language_info": {"name": "python"}}
    return content


if __name__ == "__main__":
    for notebook in sorted(HERE.glob("*.ipynb")):
        nbformat.write(execute(notebook), notebook)
        print(f"{notebook.name}: executed")
