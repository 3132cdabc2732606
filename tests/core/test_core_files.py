"""All or nothing on disk."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from insula.core.errors import OutputError
from insula.core.files import (
    append_lines,
    atomic_file,
    atomic_folder,
    hash_file,
    make_names_absolute,
    write_json,
    write_text,
)


class Crash(BaseException):
    """What no `except Exception` catches, as Ctrl-C."""


def _half_a_file(target: Path, error: type[BaseException]) -> None:
    with atomic_file(target) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise error


def _half_a_folder(target: Path) -> None:
    with atomic_folder(target) as stage:
        (stage / "half").touch()
        raise Crash


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with atomic_file(target) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert not target.exists()
    assert target.read_text(encoding="utf-8") == "new"
    assert os.listdir(target.parent) == ["file.txt"]


def test_files_may_be_read_by_whoever_may_read_others(tmp_path: Path) -> None:
    write_text(tmp_path / "ours", "x")
    (tmp_path / "plain").write_text("x", encoding="utf-8")
    with atomic_folder(tmp_path / "our-folder"):
        pass
    (tmp_path / "plain-folder").mkdir()
    for ours, plain in (("ours", "plain"), ("our-folder", "plain-folder")):
        assert stat.S_IMODE((tmp_path / ours).stat().st_mode) == stat.S_IMODE((tmp_path / plain).stat().st_mode)


@pytest.mark.parametrize("error", [Crash, ValueError])
def test_a_crash_leaves_no_file(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "file.txt"
    with pytest.raises(error):
        _half_a_file(target, error)
    assert os.listdir(tmp_path) == []


def test_a_crash_leaves_the_file_before_it(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    write_text(target, "old")
    with pytest.raises(Crash):
        _half_a_file(target, Crash)
    assert target.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_folder_takes_the_place_of_another(tmp_path: Path) -> None:
    target = tmp_path / "model"
    for content in ("one", "two"):
        with atomic_folder(target) as stage:
            (stage / content).touch()
    assert os.listdir(target) == ["two"]
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize("before", [False, True])
def test_a_crash_leaves_the_folder_before_it_or_none(tmp_path: Path, before: bool) -> None:
    target = tmp_path / "model"
    if before:
        with atomic_folder(target) as stage:
            (stage / "old").touch()
    with pytest.raises(Crash):
        _half_a_folder(target)
    assert os.listdir(tmp_path) == (["model"] if before else [])
    assert not before or os.listdir(target) == ["old"]


def test_the_old_folder_returns_where_the_new_one_cannot_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "model"
    with atomic_folder(target) as stage:
        (stage / "old").touch()
    replace, calls = os.replace, []

    def failing(source: object, destination: object) -> None:
        calls.append(destination)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, destination)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OutputError, match="full"), atomic_folder(target) as stage:
        (stage / "new").touch()
    assert len(calls) == 3
    assert os.listdir(tmp_path) == ["model"]
    assert os.listdir(target) == ["old"]


def test_a_full_disk_and_a_file_in_the_way_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="disk is full"), atomic_file(tmp_path / "file"):
        raise OSError(errno.ENOSPC, "No space left on device")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose another name"), atomic_file(tmp_path / "file" / "below"):
        pass
    assert os.listdir(tmp_path) == ["file"]


def test_json_is_readable_and_strict(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"label": "喜悦", "score": 0.5})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "喜悦" in text
    assert json.loads(text) == {"label": "喜悦", "score": 0.5}
    write_json(tmp_path / "half.json", ["\ud83d", "\\ud83d", "🙂"])
    assert json.loads((tmp_path / "half.json").read_text(encoding="utf-8")) == ["\ud83d", "\\ud83d", "🙂"]
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b.json", float("nan"))
    assert not (tmp_path / "b.json").exists()


def test_sha256_reads_large_files_in_blocks(tmp_path: Path) -> None:
    content = os.urandom(3 * (1 << 20) + 17)
    (tmp_path / "file").write_bytes(content)
    assert hash_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_names_of_paths_last_and_others_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.csv").touch()
    assert make_names_absolute("here.csv") == (str(tmp_path / "here.csv"),)
    assert make_names_absolute([Path("here.csv"), "tweets", "owner/name"]) == (
        str(tmp_path / "here.csv"), "tweets", "owner/name",
    )  # fmt: skip
    assert make_names_absolute(()) == ()


def test_a_file_is_hashed_again_only_where_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    read = hashlib.file_digest

    def counted(file: Any, name: str) -> Any:
        reads.append(name)
        return read(file, name)

    monkeypatch.setattr("hashlib.file_digest", counted)
    monkeypatch.setattr("insula.core.files.CLOCK_TICK_NS", -1)
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    known = os.stat(file)
    assert [hash_file(file), hash_file(file)] == [hashlib.sha256(b"one").hexdigest()] * 2
    file.rename(tmp_path / "moved")
    assert hash_file(tmp_path / "moved") == hashlib.sha256(b"one").hexdigest()
    assert len(reads) == 1 + (os.stat(tmp_path / "moved").st_ctime_ns != known.st_ctime_ns)
    (tmp_path / "moved").write_bytes(b"two")
    os.utime(tmp_path / "moved", ns=(known.st_atime_ns, known.st_mtime_ns))  # as if nothing had happened
    assert hash_file(tmp_path / "moved") == hashlib.sha256(b"two").hexdigest()


def test_a_file_that_was_just_written_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insula.core.files.CLOCK_TICK_NS", 3_600_000_000_000)
    file = tmp_path / "weights"
    for content in (b"one", b"two", b"six"):
        with file.open("wb") as same:  # the same inode and size, within one tick of the clock
            same.write(content)
        assert hash_file(file) == hashlib.sha256(content).hexdigest()


def test_lines_are_appended_after_an_incomplete_one(tmp_path: Path) -> None:
    file = tmp_path / "new" / "log.jsonl"
    append_lines(file, ['{"n": 1}', '{"text": "好\ud800"}'])
    complete = file.read_text(encoding="utf-8")
    assert [json.loads(line) for line in complete.splitlines()] == [{"n": 1}, {"text": "好\ud800"}]
    file.write_text(f'{complete}{{"n": 3, "text": "the process was ki', encoding="utf-8")
    append_lines(file, ['{"n": 4}'])
    append_lines(file, ['{"n": 5}'])
    append_lines(file, [])
    *_, incomplete, fourth, fifth = file.read_text(encoding="utf-8").splitlines()
    assert incomplete.startswith('{"n": 3')
    assert (json.loads(fourth), json.loads(fifth)) == ({"n": 4}, {"n": 5})


def test_lines_that_cannot_be_appended_are_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file" / "log.jsonl"):
        with pytest.raises(OutputError, match=r"cannot be written"):
            append_lines(place, ["a line"])
