"""Called by mkdocs: notebooks become pages with their output, charts and formulas become part of the page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
from nbconvert import MarkdownExporter

CHARTS = re.compile(r"(?:^!\[[^\]]*\]\([^)]*images/benchmarks/[\w-]+\.svg\)\n)+", re.MULTILINE)
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$]+?)\$", re.DOTALL)
WITH_FORMULAS = "theory/"  # pages in which $ begins a formula in LaTeX
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
    """Return the page with the SVG of each chart in place of its image, so that its text can be selected and read.

    Formulas become MathML, which browsers show without a script.
    """
    docs = Path(config["docs_dir"])

    def inlined(found: re.Match[str]) -> str:
        drawn = [(docs / file).read_text(encoding="utf-8").strip() for file in CHART.findall(found[0])]
        return f'<div class="charts">{"".join(drawn)}</div>\n'

    if page is not None and page.file.src_uri.startswith(WITH_FORMULAS):
        markdown = show_formulas(markdown)
    return CHARTS.sub(inlined, markdown)


def show_formulas(markdown: str) -> str:
    """Return the page with its formulas, `$...$` and `$$...$$`, as MathML; blocks of code stay."""
    from latex2mathml.converter import convert

    def shown(found: re.Match[str]) -> str:
        if found["block"] is not None:
            return f'<div class="formula">{convert(found["block"].strip(), display="block")}</div>'
        # In a span: Markdown takes a line that begins with <math> for a block.
        return f"<span>{convert(' '.join(found['inline'].split()))}</span>"

    pieces = FENCED.split(markdown)  # code is at the odd places
    return "".join(piece if place % 2 else FORMULA.sub(shown, piece) for place, piece in enumerate(pieces))
