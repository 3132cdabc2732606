"""Called by mkdocs: notebooks become pages, with what they printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbconvert import MarkdownExporter


def on_files(files: Any, config: Any) -> Any:
    """Add a page for each notebook."""
    from mkdocs.structure.files import File

    docs = Path(config["docs_dir"])
    for notebook in sorted(docs.glob("notebooks/*.ipynb")):
        page = notebook.with_suffix(".md").relative_to(docs).as_posix()
        files.append(File.generated(config, page, content=as_markdown(notebook)))
    return files


def as_markdown(notebook: Path) -> str:
    """Return a notebook as Markdown."""
    body, _ = MarkdownExporter().from_notebook_node(nbformat.read(notebook, as_version=4))
    return str(body)
