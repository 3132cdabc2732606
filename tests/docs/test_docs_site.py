"""The site builds, and every page is in its navigation."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs_pages import DOCS, ROOT, blocks


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r"^\s*- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE))
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    pages |= {page.relative_to(DOCS).with_suffix(".md").as_posix() for page in DOCS.rglob("*.ipynb")}
    assert named == pages


def test_every_page_of_the_past_has_its_address() -> None:
    """A page that moves needs a redirect: `redirect_maps` of the plugin mkdocs-redirects, old page to new page."""
    command = ["git", "log", "--name-only", "--format=", "--diff-filter=A", "--no-renames", "--", "docs"]
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("there is no history here")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [Path(line) for line in done.stdout.splitlines()]
    pages = {file.relative_to("docs").with_suffix("").as_posix() for file in names if file.suffix in (".md", ".ipynb")}
    assert "benchmarks" in pages
    moved = re.findall(r"^\s+(\S+)\.md: \S+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    there = {file.relative_to(DOCS).with_suffix("").as_posix() for file in DOCS.rglob("*")}
    assert pages - there - set(moved) == set()


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert re.search(r"^  font: false", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_charts_become_part_of_the_page() -> None:
    pytest.importorskip("nbconvert")
    spec = importlib.util.spec_from_file_location("mkdocs_hooks", DOCS / "mkdocs_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    made = hooks.on_page_markdown(page, None, {"docs_dir": str(DOCS)}, None)
    assert made.count("<svg ") == page.count(".svg)") == 7
    assert made.count('<div class="charts">') == 3
    assert "![" not in made


@pytest.mark.parametrize("page", sorted((DOCS / "theory").glob("*.md")), ids=lambda page: page.stem)
def test_formulas_become_mathml(page: Path) -> None:
    pytest.importorskip("latex2mathml")
    pytest.importorskip("nbconvert")
    spec = importlib.util.spec_from_file_location("mkdocs_hooks", DOCS / "mkdocs_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    text = page.read_text(encoding="utf-8")
    made = hooks.show_formulas(text)
    assert "$" not in made
    assert "\\" not in re.sub(r"^```.*?^```$", "", made, flags=re.MULTILINE | re.DOTALL)
    assert ("<math" in made) == ("$" in text)
    assert hooks.FENCED.split(made)[1::2] == hooks.FENCED.split(text)[1::2]


def test_the_landing_page_shows_the_starter_s_answers() -> None:
    from insula import predict

    page = DOCS / "index.md"
    assert "![" in page.read_text(encoding="utf-8")
    asked, answered = list(blocks(page))[:2]
    texts = re.findall(r'"([^"]+)"', asked.code)
    lines = answered.code.splitlines()
    assert len(texts) == len(lines) >= 3
    for prediction, line in zip(predict(texts), lines, strict=True):
        assert line.endswith(prediction.text)
        assert line.startswith("?") == prediction.abstained
        for label in prediction.labels:
            assert re.search(rf"\b{label} +{prediction.scores[label]:.2f}\b", line)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    for package in ("mkdocs", "material", "nbconvert"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "site" / "notebooks" / "first-model" / "index.html").read_text(encoding="utf-8")
    assert "EmotionClassifier" in page
    assert (tmp_path / "site" / "benchmarks" / "index.html").read_text(encoding="utf-8").count("<svg xmlns") >= 7
