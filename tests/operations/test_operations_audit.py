"""The audit log: what was changed, taken out or cut shows."""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.errors import MissingFileError, OutputError
from insula.operations.audit.anchor import read_anchors, write_anchor
from insula.operations.audit.chain import START, read, seal_entry, to_canonical_json
from insula.operations.audit.log import TORN, AuditLog, list_log_files
from insula.operations.audit.verify import AuditVerification, verify_log
from waiting import DEADLINE

FACTS = st.dictionaries(
    st.text(max_size=8), st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.none()), max_size=4
)


def _filled(folder: Path, entries: int = 12, **options: object) -> AuditLog:
    log = AuditLog(folder / "log", **options)  # type: ignore[arg-type]
    for number in range(entries):
        log.record("key.created", "operator", key=f"key{number}", name="Ünïcode 名")
    return log


def _lines(folder: Path) -> list[str]:
    return [line for path in list_log_files(folder) for line in path.read_text("ascii").splitlines(keepends=True)]


def _write(folder: Path, lines: list[str]) -> None:
    first, *others = list_log_files(folder)
    for path in others:
        path.unlink()
    first.write_text("".join(lines), "ascii")


def test_a_log_is_whole_across_files_and_openings(tmp_path: Path) -> None:
    log = _filled(tmp_path, largest=700)
    AuditLog(log.folder, largest=700).record("server.started", "server", port=8000)
    assert len(list_log_files(log.folder)) > 3
    found = verify_log(log.folder)
    assert (found.intact, found.entries, found.first, found.last) == (True, 13, 1, 13)
    assert [json.loads(line)["n"] for line in _lines(log.folder)] == list(range(1, 14))
    assert log.record("key.revoked", "operator").number == 14  # the first writer sees what the second wrote


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [lines[0].replace("key0", "key9"), *lines[1:]], "line 1 is not an entry"),
        (lambda lines: [*lines[:4], *lines[5:]], "entries are missing"),
        (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], "entries are missing"),
        (lambda lines: lines[3:], "starts at entry 4"),
        (lambda lines: [*lines[:4], lines[3], *lines[4:]], "entry 4 follows entry 4"),
        (lambda lines: [*lines[:4], lines[4].replace('"n":5', '"n": 5'), *lines[5:]], "line 5 is not an entry"),
        (lambda lines: [*lines[:4], "\n", *lines[4:]], "line 5 is not an entry"),
        (lambda lines: [*lines[:4], lines[4][:-9] + "\n", *lines[5:]], "line 5 is not an entry"),
        (lambda lines: [*lines[:-1], lines[-1][:40]], "line 12 is not an entry"),
    ],
)
def test_a_change_shows_without_an_anchor(tmp_path: Path, change: Callable[[list[str]], list[str]], words: str) -> None:
    log = _filled(tmp_path, largest=700)
    _write(log.folder, change(_lines(log.folder)))
    found = verify_log(log.folder)
    assert any(words in sentence for sentence in found.findings), found.findings


def test_a_new_entry_in_the_place_of_an_old_one_shows(tmp_path: Path) -> None:
    log = _filled(tmp_path)
    lines = _lines(log.folder)
    old = read(lines[4].rstrip("\n"))
    assert old is not None
    forged = seal_entry(old.number, old.time, "nothing.happened", "operator", {}, old.before)
    _write(log.folder, [*lines[:4], forged.to_json_line() + "\n", *lines[5:]])
    assert "entry 6 does not follow" in verify_log(log.folder).findings[0]


def test_a_cut_end_and_a_rewritten_log_show_against_anchors(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere" / "anchors"
    log = _filled(tmp_path, anchor=str(place), every=5, largest=700)
    anchors = read_anchors(place)
    assert [anchor.number for anchor in anchors] == [5, 10]
    assert verify_log(log.folder, anchors).intact
    lines = _lines(log.folder)
    _write(log.folder, lines[:8])
    assert verify_log(log.folder).intact  # a chain alone has no end
    assert "it ends at entry 8, and an anchor shows 2 entries more" in verify_log(log.folder, anchors).findings[0]
    before, forged = START, []
    for number in range(1, 13):
        entry = seal_entry(number, "2026-01-01T00:00:00+00:00", "nothing.happened", "operator", {}, before)
        before = entry.hash
        forged.append(entry.to_json_line() + "\n")
    _write(log.folder, forged)
    assert verify_log(log.folder).intact
    assert [sentence[:32] for sentence in verify_log(log.folder, anchors).findings] == [
        "Entry 5 differs from its anchor:",
        "Entry 10 differs from its anchor",
    ]
    for path in list_log_files(log.folder):
        path.unlink()
    assert not verify_log(log.folder, anchors).intact


def test_archived_files_are_allowed_where_it_is_said(tmp_path: Path) -> None:
    log = _filled(tmp_path, largest=700, anchor=str(tmp_path / "anchors"))
    files = list_log_files(log.folder)
    files[0].unlink()
    anchors = read_anchors(tmp_path / "anchors")
    first = int(files[1].stem.removeprefix("audit-"))
    assert verify_log(log.folder, anchors, since=first).intact
    assert not verify_log(log.folder, anchors).intact
    assert not verify_log(log.folder, anchors, since=first - 1).intact
    files[2].unlink()
    assert not verify_log(log.folder, anchors, since=first).intact


def test_a_line_torn_by_a_crash_is_told_and_forgiven(tmp_path: Path) -> None:
    log = _filled(tmp_path, 3)
    path = list_log_files(log.folder)[0]
    whole = path.read_bytes()
    for torn in (b'{"actor":"ope', b"\xff\xfe", _next(whole)[:-1]):
        path.write_bytes(whole + torn)
        assert not verify_log(log.folder).intact
        AuditLog(log.folder).record("server.started", "server")
        found = verify_log(log.folder)
        assert found.intact, found.findings
        entries = [entry for line in path.read_bytes().splitlines() if (entry := read(line.decode("utf-8", "replace")))]
        assert [entry.event for entry in entries[3:] if entry.number > 3] == [TORN, "server.started"]
        changed = path.read_bytes().replace(torn, torn[:-1] + b"x")
        path.write_bytes(changed)
        assert not verify_log(log.folder).intact
    path.write_bytes(whole + _next(whole))  # all but the line end
    assert verify_log(log.folder).last == AuditLog(log.folder).record("server.started", "server").number - 1 == 4
    assert verify_log(log.folder).intact


def _next(whole: bytes) -> bytes:
    """An entry after the last, without a line end."""
    last = read(whole.splitlines()[-1].decode("ascii"))
    assert last is not None
    return (
        seal_entry(last.number + 1, last.time, "key.created", "operator", {"key": "lost"}, last.hash)
        .to_json_line()
        .encode("ascii")
    )


def test_nothing_is_appended_to_a_log_that_was_changed(tmp_path: Path) -> None:
    log = _filled(tmp_path, 3)
    _write(log.folder, [*_lines(log.folder)[:2], '{"an":"other"}\n'])
    with pytest.raises(OutputError, match="was changed"):
        AuditLog(log.folder).record("server.started", "server")


def test_several_processes_write_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_filled, args=(tmp_path, 20), kwargs={"largest": 2000}) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(DEADLINE)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    found = verify_log(tmp_path / "log")
    assert found.intact, found.findings
    assert found.entries == 60


def test_anchors_are_found_among_other_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = _filled(tmp_path, 2, anchor="-")
    printed = capsys.readouterr().out
    (tmp_path / "container.log").write_text(
        "".join(f"2026-11-24T03:00:00 server  {line}\nINFO: started {{\n" for line in printed.splitlines()), "utf-8"
    )
    anchors = read_anchors(tmp_path / "container.log")
    assert [anchor.number for anchor in anchors] == [1, 2]
    assert verify_log(log.folder, anchors).intact
    with pytest.raises(MissingFileError):
        read_anchors(tmp_path / "none")
    with pytest.raises(MissingFileError):
        verify_log(tmp_path / "none")
    with pytest.raises(OutputError):
        write_anchor(str(tmp_path / "container.log" / "in-a-file"), log.record("a", "b"))


def test_the_files_are_their_owner_s_alone(tmp_path: Path) -> None:
    log = _filled(tmp_path, 1)
    assert list_log_files(log.folder)[0].stat().st_mode & 0o077 == 0


@given(facts=st.lists(FACTS, min_size=2, max_size=6), data=st.data())
def test_no_single_byte_can_change(facts: list[dict[str, object]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines, before = [], START
        for number, held in enumerate(facts, start=1):
            entry = seal_entry(number, "2026-11-24T03:00:00+00:00", "event", "actor", held, before)  # type: ignore[arg-type]
            assert read(entry.to_json_line()) == entry
            before = entry.hash
            lines.append(entry.to_json_line() + "\n")
        whole = "".join(lines).encode("ascii")
        place = data.draw(st.integers(0, len(whole) - 2))  # but for the last line end, without which nothing is lost
        other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
        path = Path(folder) / "audit-000000000001.jsonl"
        path.write_bytes(whole)
        assert _verify(folder).intact
        path.write_bytes(whole[:place] + bytes([other]) + whole[place + 1 :])
        assert not _verify(folder).intact
        path.write_bytes(whole[:place] + whole[place + 1 :])
        assert not _verify(folder).intact


@given(FACTS)
def test_there_is_one_form_of_an_entry(facts: dict[str, object]) -> None:
    entry = seal_entry(1, "t", "event", "actor", facts, START)  # type: ignore[arg-type]
    assert read(entry.to_json_line()) == entry
    assert read(" " + entry.to_json_line()) is None
    assert read(json.dumps(json.loads(entry.to_json_line()))) is None
    assert to_canonical_json(json.loads(entry.to_json_line())) == entry.to_json_line()


@pytest.mark.parametrize("line", ["", "[]", "null", "{}", "1e999", "[" * 100_000, '{"n":true}', "\ud800"])
def test_what_is_no_entry_is_none(line: str) -> None:
    assert read(line) is None


def _verify(folder: str) -> AuditVerification:
    return verify_log(folder)
