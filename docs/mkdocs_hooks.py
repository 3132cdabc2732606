"""Called by mkdocs: notebooks become pages with their output, and charts become part of the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import MarkdownExporter

CHARTS = re.compile(r"(?:^!\[[^\]]*\]\([^)]*images/benchmarks/[\w-]+\.svg\)\n)+", re.MULTILINE)
CHART = re.compile(r"images/benchmarks/[\w-]+\.svg")


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


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Return the page with the SVG of each chart in place of its image, so that its text can be selected and read."""
    docs = Path(config["docs_dir"])

    def inlined(found: re.Match[str]) -> str:
        drawn = [(docs / file).read_text(encoding="utf-8").strip() for file in CHART.findall(found[0])]
        return f'<div class="charts">{"".join(drawn)}</div>\n'

    return CHARTS.sub(inlined, markdown)
