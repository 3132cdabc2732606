"""Sources of messages: lines, files that grow and rotate, standard input, streams of Redis."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nats
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from debian_services import Nats, Redis
from insula.core.errors import DataError, MissingFileError, SettingsError, StreamError, UnknownNameError
from insula.operations.streams.file_source import FileSource
from insula.operations.streams.lines import TOO_LONG, LineSplitter
from insula.operations.streams.message import MessageFields, MessageReader
from insula.operations.streams.nats_source import NatsSource
from insula.operations.streams.open import open_source
from insula.operations.streams.redis_source import RedisSource
from insula.operations.streams.source import MAX_BYTES, MessageSource, StreamEntry
from insula.operations.streams.standard_input import StandardInput
from waiting import wait_until

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the sources that a test opens."""
    opened: list[MessageSource] = []
    for kind in (FileSource, StandardInput, RedisSource, NatsSource):
        made = kind.__init__

        def keep(self: Any, *args: Any, made: Any = made, **options: Any) -> None:
            made(self, *args, **options)
            opened.append(self)

        monkeypatch.setattr(kind, "__init__", keep)
    yield
    for source in opened:
        source.close()


def read_all(source: MessageSource, most: int = 100) -> list[bytes]:
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
    found: list[StreamEntry] = []
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
    with pytest.raises(SettingsError, match="with the name of the stream"):
        open_source("redis://localhost/a?gruop=x")
    with pytest.raises(SettingsError, match="with the name of the stream"):
        open_source("nats://localhost")
    with pytest.raises(SettingsError, match="with the name of the stream") as caught:
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
    found = MessageReader().read(StreamEntry("7", json.dumps(row).encode()), NOW)
    assert (found.text, found.time, found.id) == (text, moment, "7")
    assert found.has_time == (moment != NOW)


def test_message_with_named_keys_and_attributes() -> None:
    row = {"body": "a", "nr": 5, "text": "b", "topic": "billing", "vip": True, "tags": ["x"], "lang": "en"}
    found = MessageReader(MessageFields(text="body", id="nr")).read(StreamEntry("7", json.dumps(row).encode()), NOW)
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
        MessageReader().read(StreamEntry("7", content), NOW)


class Broker:
    """A broker with a new stream.

    Each has a name of its own: a NATS server that deletes a stream and makes it again at once may keep its messages.
    """

    def __init__(self, kind: str, server: Redis | Nats) -> None:
        self.kind = kind
        self.server = server
        self.stream = f"messages-{uuid.uuid4().hex[:8]}"
        self.address = f"{kind}://127.0.0.1:{server.port}/{self.stream}"
        if kind == "nats":
            self._run(lambda jetstream: jetstream.add_stream(name=self.stream, subjects=[self.stream]))

    @property
    def reader(self) -> str:
        """The option that names a group of readers."""
        return "group" if self.kind == "redis" else "consumer"

    def add(self, *rows: bytes) -> None:
        """Add messages."""
        for row in rows:
            if self.kind == "redis":
                self._client.xadd(self.stream, {"json": row})
            else:
                self._run(lambda jetstream, row=row: jetstream.publish(self.stream, row))

    def rejected(self) -> list[tuple[str, bytes]]:
        """Return reason and content of the rejected messages."""
        if self.kind == "redis":
            found: Any = self._client.xrange(f"{self.stream}:rejected")
            return [(fields[b"reason"].decode(), fields[b"raw"]) for _, fields in found]
        message = self._run(lambda jetstream: jetstream.get_msg(f"{self.stream}-rejected", 1))
        return [(message.headers["Insula-Reason"], message.data)]

    @property
    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(f"redis://127.0.0.1:{self.server.port}/0")

    def _run(self, act: Callable[[Any], Any]) -> Any:
        async def run() -> Any:
            client = await nats.connect(self.address.removesuffix(f"/{self.stream}"))
            try:
                return await act(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(run())


@pytest.fixture(params=["redis", "nats"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """A broker of each kind, with an empty stream."""
    return Broker(request.param, request.getfixturevalue(f"{request.param}_server"))


def test_entries_come_again_until_confirmed(broker: Broker) -> None:
    broker.add(b'{"text": "1"}', b'{"text": "2"}')
    address = f"{broker.address}?idle=1s&{broker.reader}=readers"
    first = open_source(address)
    left = read_some(first, 2)
    assert [json.loads(entry.content)["text"] for entry in left] == ["1", "2"]
    second = open_source(address)  # another process: it takes over what the first one did not confirm
    taken = read_some(second, 2)
    assert {entry.position: entry.content for entry in taken} == {entry.position: entry.content for entry in left}
    second.confirm(taken)
    wait_until(lambda: not second.read(10, 0.0) and second.ended, "confirmed messages come again")


def test_what_a_dead_reader_held_is_waited_for(broker: Broker) -> None:
    broker.add(b'{"text": "1"}', b'{"text": "2"}')
    address = f"{broker.address}?idle=1s&{broker.reader}=readers"
    dead = open_source(address)
    held = read_some(dead, 2)
    restarted = open_source(address)
    found: list[StreamEntry] = []
    while not restarted.ended:
        entries = restarted.read(10, 0.1)
        found += entries
        restarted.confirm(entries)
    assert {entry.content for entry in found} == {entry.content for entry in held}


def test_a_lost_delivery_is_read_when_redis_is_back() -> None:
    server = Redis(durable=True)
    try:
        broker = Broker("redis", server)
        broker.add(*(b'{"text": "%d"}' % number for number in range(4)))
        source = open_source(f"{broker.address}?idle=1h")
        assert isinstance(source, RedisSource)
        (first,) = source.read(1, 0.0)
        source.confirm([first])
        # Redis delivers two entries, of which the reader never hears.
        delivered: Any = source._redis.xreadgroup(source._group, source._consumer, {broker.stream: ">"}, count=2)
        assert delivered
        server.kill()
        with pytest.raises(StreamError, match="does not answer"):
            source.read(1, 0.0)
        server.start()
        found: list[bytes] = []
        while not source.ended:
            entries = source.read(1, 0.0)
            found += [entry.content for entry in entries]
            source.confirm(entries)
        assert found == [b'{"text": "%d"}' % number for number in (1, 2, 3)]
    finally:
        server.close()


def test_entries_that_were_deleted_are_not_waited_for(redis_server: Redis) -> None:
    broker = Broker("redis", redis_server)
    broker.add(b'{"text": "1"}')
    read_some(open_source(f"{broker.address}?idle=1s"), 1)
    broker._client.xtrim(broker.stream, maxlen=0, approximate=False)
    source = open_source(f"{broker.address}?idle=1s")
    wait_until(lambda: not source.read(10, 0.1) and source.ended, "a deleted entry is waited for")


def test_two_readers_share_a_stream(broker: Broker) -> None:
    broker.add(*(b'{"text": "%d"}' % number for number in range(10)))
    sources = [open_source(broker.address, follow=True) for _ in range(2)]
    found = [[entry.position for entry in read_some(source, 5)] for source in sources]
    assert len(set(found[0] + found[1])) == 10
    assert not sources[0].ended


def test_rejected_entries_are_kept(broker: Broker) -> None:
    broker.add(b"{\xff}")
    source = open_source(broker.address)
    (entry,) = read_some(source, 1)
    with pytest.raises(DataError, match="not JSON in UTF-8") as caught:
        MessageReader().read(entry, NOW)
    source.reject(entry, str(caught.value))
    ((reason, content),) = broker.rejected()
    assert "not JSON in UTF-8" in reason
    assert content == b"{\xff}"


def test_broker_that_was_killed_is_read_on(request: pytest.FixtureRequest) -> None:
    server: Nats = request.getfixturevalue("nats_server")
    broker = Broker("nats", server)
    broker.add(b'{"text": "1"}', b'{"text": "2"}')
    source = open_source(f"{broker.address}?idle=1s")
    (one,) = source.read(1, 5.0)
    server.kill()
    with pytest.raises(StreamError, match="does not answer"):
        source.confirm([one])
    server.start()
    found: set[bytes] = set()
    wait_until(
        lambda: found.update(entry.content for entry in source.read(10, 0.5)) or len(found) == 2, "a message is lost"
    )


def test_nothing_waits_in_a_loop_that_was_closed() -> None:
    source = NatsSource("nats://127.0.0.1:1/messages")
    left = asyncio.run_coroutine_threadsafe(asyncio.sleep(3600), source._loop)  # as the client after a lost connection
    source.close()
    assert left.cancelled()
    assert not asyncio.all_tasks(source._loop)
    source.close()


def test_fields_of_redis_are_a_message(redis_server: Redis) -> None:
    broker = Broker("redis", redis_server)
    broker._client.xadd(broker.stream, {"text": "好", "topic": "billing"})
    broker._client.xadd(broker.stream, {"text": b"\xff\xfe"})
    good, bad = read_some(open_source(broker.address), 2)
    assert json.loads(good.content) == {"text": "好", "topic": "billing"}
    assert "not UTF-8" in (bad.problem or "")


@pytest.mark.parametrize("address", ["redis://127.0.0.1:1/messages", "nats://127.0.0.1:1/messages"])
def test_broker_that_is_down_is_told(address: str) -> None:
    with pytest.raises(StreamError, match="does not answer"):
        open_source(address).read(1, 0.0)


def test_stream_that_does_not_exist_is_told(nats_server: Nats) -> None:
    with pytest.raises(StreamError, match="no stream 'none'"):
        open_source(f"nats://127.0.0.1:{nats_server.port}/none").read(1, 0.0)


def read_some(source: MessageSource, count: int) -> list[StreamEntry]:
    """Return so many entries."""
    found: list[StreamEntry] = []
    wait_until(lambda: found.extend(source.read(count - len(found), 0.5)) or len(found) >= count, "entries do not come")
    return found
