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
    for cell in content.cells:
        if "outputs" in cell:  # the progress of a call has times, which differ with every run
            cell.outputs = [output for output in cell.outputs if output.output_type != "display_data"]
    content.metadata = {"language_info": {"name": "python"}}
    return content


if __name__ == "__main__":
    for notebook in sorted(HERE.glob("*.ipynb")):
        nbformat.write(execute(notebook), notebook)
        print(f"{notebook.name}: executed")
