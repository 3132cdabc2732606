"""The output guard: what may be written over, and what is never lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from insula.core.errors import OutputError
from insula.core.files import atomic_file, atomic_folder
from insula.core.locks import LOCK
from insula.core.outputs import (
    FolderKind,
    make_results_folder,
    require_different,
    require_disjoint,
    require_empty_or_kind,
    require_outside,
    require_replaceable,
)

BOX = FolderKind("box", ("box.json", "lid"))


def test_a_new_or_empty_place_is_free(tmp_path: Path) -> None:
    require_replaceable(tmp_path / "new", BOX, overwrite=False)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / LOCK).touch()  # of the process that asks
    require_replaceable(tmp_path / "empty", BOX, overwrite=False)


@pytest.mark.parametrize("mark", BOX.marks)
def test_a_folder_of_the_kind_needs_overwrite(tmp_path: Path, mark: str) -> None:
    (tmp_path / mark).touch()
    with pytest.raises(OutputError, match="already holds a box"):
        require_replaceable(tmp_path, BOX, overwrite=False)
    require_replaceable(tmp_path, BOX, overwrite=True)
    require_empty_or_kind(tmp_path, BOX)


def test_other_files_are_kept_whatever_is_asked(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=r"new, empty or a box\. Got .*, which contains other files"):
            require_replaceable(tmp_path, BOX, overwrite=overwrite)


def test_inputs_are_told_from_the_output_through_links(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for output in ("in", "link", "in/.", "other/../in"):
        with pytest.raises(OutputError, match="must differ from the input"):
            require_different(tmp_path / output, tmp_path / "in")
    with pytest.raises(OutputError, match="The rejects must differ from the output"):
        require_different("a.csv", Path("a.csv").absolute(), name="rejects", other="output")
    require_different(tmp_path / "in-2", tmp_path / "in", "tweets", "s3://bucket/in")


def test_an_output_is_neither_around_nor_inside_an_input(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "link").symlink_to(deep)
    for output in (tmp_path, tmp_path / "a"):
        with pytest.raises(OutputError, match=r"must not contain the input\. .*, which contains .*link"):
            require_disjoint(output, tmp_path / "link")
    with pytest.raises(OutputError, match="must not be inside the input"):
        require_outside(tmp_path / "link" / "new", deep)
    require_disjoint(deep / "new", deep)
    require_outside(tmp_path / "a", deep)


def test_results_join_other_files_but_no_kind_that_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    make_results_folder(tmp_path, BOX)
    make_results_folder(tmp_path / "new" / "deep", BOX)
    assert (tmp_path / "new" / "deep").is_dir()
    (tmp_path / "lid").touch()
    with pytest.raises(OutputError, match=f"is a box, and its own results .* such as '{tmp_path}-results'"):
        make_results_folder(tmp_path, BOX)


def test_a_place_that_cannot_be_looked_at_says_why() -> None:
    with pytest.raises(OutputError, match="the name is too long"):
        require_empty_or_kind("x" * 300, BOX)


def test_a_link_leads_to_what_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").touch()
    (tmp_path / "file").write_text("old", encoding="utf-8")
    for name in ("folder", "file"):
        (tmp_path / f"to-{name}").symlink_to(name)
    with atomic_folder(tmp_path / "to-folder") as stage:
        (stage / "new").touch()
    with atomic_file(tmp_path / "to-file") as temporary:
        temporary.write_text("new", encoding="utf-8")
    assert os.listdir(tmp_path / "folder") == ["new"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "new"
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "to-file", "to-folder"]
    assert (tmp_path / "to-folder").is_symlink()
    assert (tmp_path / "to-file").is_symlink()


def test_a_file_never_becomes_a_folder_nor_a_folder_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="something else already exists"), atomic_folder(tmp_path / "file"):
        raise AssertionError("known before any work")
    with pytest.raises(OutputError, match="something else already exists"), atomic_file(tmp_path / "folder"):
        raise AssertionError("known before any work")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
