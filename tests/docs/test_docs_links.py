"""Links between pages resolve, anchors included; nothing on a page names a place on somebody's machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs_pages import DOCS, PAGES, prose, title

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_internal_links_resolve(page: Path) -> None:
    for match in LINK.finditer(prose(page)):
        target = match["target"]
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if file.parent == DOCS / "notebooks" and file.suffix == ".md":
            file = file.with_suffix(".ipynb")  # made into a page when the site is built
        assert file.exists(), f"{title(page)} links to {target}"
        if anchor:
            assert anchor in _anchors(file), f"{title(page)} links to {target}, which has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_no_path_of_somebodys_machine(page: Path) -> None:
    found = re.findall(r"(?<![\w.])/(?:work|tmp|home|root|Users)/\S+", page.read_text(encoding="utf-8"))
    assert not found, f"{title(page)} names {found}"
