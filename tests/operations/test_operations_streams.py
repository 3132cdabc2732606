"""Sources of messages: lines, files that grow and rotate, standard input, streams of Redis."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from debian_services import Redis
from insula.core.errors import DataError, MissingFileError, SettingsError, StreamError, UnknownNameError
from insula.operations.streams.file_source import FileSource
from insula.operations.streams.lines import TOO_LONG, LineSplitter
from insula.operations.streams.message import MessageFields, MessageReader
from insula.operations.streams.open import open_source
from insula.operations.streams.redis_source import RedisSource
from insula.operations.streams.source import MAX_BYTES, Entry, Source
from insula.operations.streams.standard_input import StandardInput
from waiting import wait_until

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the sources that a test opens."""
    opened: list[Source] = []
    for kind in (FileSource, StandardInput, RedisSource):
        made = kind.__init__

        def keep(self: Any, *args: Any, made: Any = made, **options: Any) -> None:
            made(self, *args, **options)
            opened.append(self)

        monkeypatch.setattr(kind, "__init__", keep)
    yield
    for source in opened:
        source.close()


def read_all(source: Source, most: int = 100) -> list[bytes]:
    """Read a source until nothing comes."""
    found: list[bytes] = []
    while entries := source.read(most, 0.0):
        source.confirm(entries)
        found += [entry.content for entry in entries]
    return found


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(1, 30), max_size=20), st.booleans())
def test_lines_do_not_depend_on_chunks(lines: list[bytes], cuts: list[int], ends: bool) -> None:
    content = b"\n".join(lines) + (b"\n" if ends else b"")
    splitter = LineSplitter()
    found: list[Entry] = []
    rest = content
    for cut in cuts:
        found += splitter.feed(rest[:cut])
        rest = rest[cut:]
    found += [*splitter.feed(rest), *splitter.finish()]
    assert [entry.content for entry in found] == [line.strip() for line in content.split(b"\n") if line.strip()]
    positions = [int(entry.position) for entry in found]
    assert positions == sorted(set(positions))
    # Whoever continues at a position reads the rest.
    for place, position in enumerate(positions):
        later = LineSplitter(position)
        assert [*later.feed(content[position:]), *later.finish()] == found[place + 1 :]


def test_line_without_an_end_is_cut() -> None:
    splitter = LineSplitter()
    for _ in range(5):
        assert list(splitter.feed(b"x" * (MAX_BYTES // 2))) == []
    (found,) = splitter.feed(b"x\n")
    assert (found.problem, len(found.content)) == (TOO_LONG, 1000)
    assert [entry.content for entry in splitter.feed(b"next\n")] == [b"next"]


def test_file_is_read_to_its_end_and_continued(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_bytes(b"1\n2\n3")
    first = FileSource(path)
    (one,) = first.read(1, 0.0)
    assert one.content == b"1"
    again = FileSource(path)
    assert again.resume(one.position) is None
    assert read_all(again) == [b"2", b"3"]
    assert again.ended


@pytest.mark.parametrize("renames", [True, False], ids=["renamed", "emptied"])
def test_followed_file_is_replaced(tmp_path: Path, renames: bool) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_bytes(b"long line before\n")
    source = FileSource(path, follow=True)
    assert read_all(source) == [b"long line before"]
    if renames:
        with path.open("ab") as file:
            file.write(b"last\n")
        path.rename(tmp_path / "feed.jsonl.1")
        assert read_all(source) == [b"last"]  # the new file is not there yet
        path.write_bytes(b"new\n")
    else:
        path.write_bytes(b"new\n")
    assert read_all(source) == [b"new"]
    assert not source.ended


def test_renamed_file_is_found_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_bytes(b"1\n2\n")
    source = FileSource(path, follow=True)
    (one,) = source.read(1, 0.0)
    path.rename(tmp_path / "feed.jsonl.1")
    path.write_bytes(b"3\n")
    again = FileSource(path, follow=True)
    assert again.resume(one.position) is None
    assert read_all(again) == [b"2", b"3"]


def test_file_that_is_gone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_bytes(b"1\n2\n")
    (one,) = FileSource(path).read(1, 0.0)
    keeper = path.open("rb")  # its number is not given again while it is open
    path.unlink()
    path.write_bytes(b"3\n")
    again = FileSource(path)
    assert "no longer at" in (again.resume(one.position) or "")
    assert read_all(again) == [b"3"]
    keeper.close()
    assert "not one of a file" in (FileSource(path).resume("17-0") or "")


def test_followed_file_wakes_up(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    source = FileSource(path, follow=True)  # it need not be there yet

    def write() -> None:
        time.sleep(0.1)
        path.write_bytes(b"hello\n")

    thread = threading.Thread(target=write)
    thread.start()
    assert [entry.content for entry in source.read(10, 60.0)] == [b"hello"]
    thread.join()


def test_rejected_lines_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_bytes(b"\xff\n")
    source = FileSource(path)
    (entry,) = source.read(1, 0.0)
    source.reject(entry, "it is not JSON")
    source.confirm([entry])
    file = tmp_path / "feed.jsonl.rejects.jsonl"
    assert json.loads(file.read_text()) == {"position": entry.position, "reason": "it is not JSON", "raw": "\ufffd"}
    assert file.stat().st_mode & 0o077 == 0


def test_standard_input_ends(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    source = StandardInput(number=reading)
    assert source.read(10, 0.0) == []
    os.write(writing, b"1\n2")
    assert [entry.content for entry in source.read(10, 60.0)] == [b"1"]
    os.close(writing)
    assert [entry.content for entry in source.read(10, 60.0)] == [b"2"]
    assert source.ended
    os.close(reading)


def test_addresses_that_are_no_streams(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist"):
        open_source(tmp_path / "none.jsonl")
    with pytest.raises(DataError, match="is a folder"):
        open_source(tmp_path)
    with pytest.raises(UnknownNameError, match="redis://"):
        open_source("reddis://localhost/a")
    with pytest.raises(SettingsError, match="Name the stream"):
        open_source("redis://localhost/a?gruop=x")
    with pytest.raises(SettingsError, match="Name the stream") as caught:
        open_source("redis://user:secret@localhost")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "text", "moment"),
    [
        ({"text": "a", "time": "2026-11-30T11:00:00Z"}, "a", datetime(2026, 11, 30, 11, tzinfo=UTC)),
        ({"message": "a", "created_at": "2026-11-30T19:00:00+08:00"}, "a", datetime(2026, 11, 30, 11, tzinfo=UTC)),
        ({"正文": "好", "时间": 1780000000}, "好", datetime.fromtimestamp(1780000000, UTC)),
        ({"text": "a", "timestamp": 1780000000123}, "a", datetime.fromtimestamp(1780000000.123, UTC)),
        ({"text": "a"}, "a", NOW),
    ],
)
def test_messages_with_usual_keys(row: dict[str, object], text: str, moment: datetime) -> None:
    found = MessageReader().read(Entry("7", json.dumps(row).encode()), NOW)
    assert (found.text, found.time, found.id) == (text, moment, "7")
    assert found.has_time == (moment != NOW)


def test_message_with_named_keys_and_attributes() -> None:
    row = {"body": "a", "nr": 5, "text": "b", "topic": "billing", "vip": True, "tags": ["x"], "lang": "en"}
    found = MessageReader(MessageFields(text="body", id="nr")).read(Entry("7", json.dumps(row).encode()), NOW)
    assert (found.text, found.id, found.language) == ("a", "5", "en")
    assert found.attributes == {"text": "b", "topic": "billing", "vip": "true"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x00\xff\xfe", "not JSON"), (b"[" * 100_000, "nested too deeply"), (b"[1]", "JSON object"),
        (b"{}", "no text"),
        (b'{"text": "  "}', "at least one character"), (b'{"text": 5}', "must be a string"),
        (b'{"text": "a", "time": "tomorrow"}', "ISO 8601"), (b'{"text": "a", "time": 1e300}', "ISO 8601"),
        (b'{"text": "a", "time": true}', "ISO 8601"), (b'{"text": "a", "id": [1]}', "id must be"),
        (b'{"text": "a", "id": ""}', "1 to 200"),
    ],
)  # fmt: skip
def test_entries_that_are_no_messages(content: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        MessageReader().read(Entry("7", content), NOW)


@pytest.fixture
def stream(redis_server: Redis) -> str:
    """The address of an empty stream in Redis."""
    client = redis.Redis.from_url(redis_server.address)
    client.delete("messages", "messages:rejected")
    client.close()
    return f"redis://127.0.0.1:{redis_server.port}/messages"


def add(address: str, rows: Sequence[dict[bytes | str, bytes | str]]) -> redis.Redis:
    """Add entries to a stream."""
    client = redis.Redis.from_url(address.rpartition("/")[0])
    for row in rows:
        client.xadd("messages", row)  # type: ignore[arg-type]
    return client


def test_redis_entries_come_again_until_confirmed(stream: str) -> None:
    client = add(stream, [{"text": "1"}, {"json": '{"text": "2"}'}])
    stream += "?idle=1s&group=readers"
    first = RedisSource(stream)
    left = first.read(10, 0.0)
    assert [json.loads(entry.content)["text"] for entry in left] == ["1", "2"]
    second = RedisSource(stream)  # another process: it takes over what the first one did not confirm
    taken: list[Entry] = []
    wait_until(lambda: taken.extend(second.read(10, 0.0)) or taken, "nothing is taken over")
    assert taken == left
    second.confirm(taken)
    assert second.read(10, 0.0) == []
    assert second.ended
    assert client.xpending("messages", "readers")["pending"] == 0


def test_two_consumers_share_a_redis_stream(stream: str) -> None:
    add(stream, [{"text": str(number)} for number in range(10)])
    sources = [RedisSource(stream) for _ in range(2)]
    found = [[entry.position for entry in source.read(5, 0.0)] for source in sources]
    assert len(set(found[0] + found[1])) == 10


def test_rejected_redis_entry_is_kept(stream: str) -> None:
    client = add(stream, [{"text": b"\xff\xfe"}])
    source = RedisSource(stream)
    (entry,) = source.read(5, 0.0)
    with pytest.raises(DataError, match="not UTF-8") as caught:
        MessageReader().read(entry, NOW)
    source.reject(entry, str(caught.value))
    ((_, kept),) = client.xrange("messages:rejected")
    assert kept[b"id"].decode() == entry.position
    assert b"not UTF-8" in kept[b"reason"]


def test_redis_that_is_down_is_told() -> None:
    with pytest.raises(StreamError, match="does not answer"):
        RedisSource("redis://127.0.0.1:1/messages").read(1, 0.0)
