"""Parquet in constant memory: nothing is read far ahead, and a whole is joined in few groups."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from insula.data.formats import arrow_parts
from insula.data.formats.arrow_parts import join_arrow_parts, write_arrow_part
from insula.data.formats.arrow_rows import BUFFER, _read_parquet


class Counting(io.BytesIO):
    """A file that tells how much was read of it."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


def test_later_groups_are_read_when_asked_for() -> None:
    whole = io.BytesIO()
    with pq.ParquetWriter(
        whole, pa.schema([("text", pa.string())]), compression="none", use_dictionary=False
    ) as writer:
        for group in range(8):
            writer.write_table(pa.table({"text": [f"{group} {number} " + "x" * 1000 for number in range(3000)]}))
    file = Counting(whole.getvalue())
    read = _read_parquet(file, 100)
    next(read), next(read)
    before = file.taken
    assert next(read).num_rows == 100
    assert file.taken - before <= 2 * BUFFER  # of 24 megabytes
    assert sum(batch.num_rows for batch in read) == 8 * 3000 - 100


def test_parts_are_joined_in_groups_of_the_size_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_parts, "JOINED_ROWS", 10)
    layout, parts = None, []
    for number in range(9):
        parts.append(tmp_path / f"{number}.part")
        with parts[-1].open("wb") as stream:
            layout = write_arrow_part(
                stream, [{"nr": 3 * number + row} for row in range(3)], None, {}, layout, parquet=True
            )
    join_arrow_parts(parts, tmp_path / "out.parquet", parquet=True)
    joined = pq.ParquetFile(tmp_path / "out.parquet")
    assert [joined.metadata.row_group(group).num_rows for group in range(joined.num_row_groups)] == [10, 10, 7]
    assert joined.read()["nr"].to_pylist() == list(range(27))
