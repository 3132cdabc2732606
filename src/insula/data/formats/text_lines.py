"""Decode bytes to lines: streamed, line by line if encodings are mixed.

The encoding is detected in the first block with a non-ASCII byte, however late it comes. A line that is not valid in it
is decoded in another encoding in which it is plausible text (counted, with a warning); if there is none, the line is
marked as bad and the reader rejects its row.
"""

from __future__ import annotations

import codecs
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from insula.core.errors import DataError
from insula.core.sentences import pluralise
from insula.data.formats.byte_source import measure_share_read, read_errors
from insula.data.formats.encoding import (
    SAMPLE_BYTES,
    detect_encoding,
    detect_line_encoding,
    detect_utf16,
    find_byte_order_mark,
    identify_binary,
)

BLOCK_BYTES = 1 << 18


class TextLines:
    """The lines of a byte stream, each with its `\\n`, split at `\\n` only (texts may hold U+2028).

    head        lines of the first block, for inspection; iteration starts with them
    encoding    Python name; `utf-8` as long as all bytes are ASCII
    bad_lines   1-based numbers of the lines that could not be decoded; their text holds U+FFFD
    characters_read   how many characters of the file were decoded so far

    `most_line_bytes` raises `DataError` for a line that is longer by more than a block; None is no limit.
    """

    def __init__(
        self,
        stream: BinaryIO,
        name: str,
        *,
        encoding: str | None = None,
        live: bool = False,
        most_line_bytes: int | None = None,
    ) -> None:
        self._stream = stream
        self._name = name
        self._known = encoding
        self._most_line_bytes = most_line_bytes
        self.characters_read = 0
        self._live = live  # a pipe that people type into: read what is available, do not wait for a full block
        self._mixed: Counter[str] = Counter()
        self._nuls = 0
        self._lines_seen = 0
        self._wide_errors = 0
        self.bad_lines: set[int] = set()
        self._blocks = self._read_texts()
        first = next(self._blocks, "")
        self.characters_read = len(first)
        self.head = self._split(first)

    @property
    def encoding(self) -> str:
        """Name of the encoding, as detected so far."""
        return self._known or "utf-8"

    @property
    def share_read(self) -> float | None:
        """Share of the bytes that was read; None for a pipe."""
        return None if self._live else measure_share_read(self._stream)

    @property
    def warnings(self) -> list[str]:
        """Sentences on the repairs so far."""
        found = [
            f"{pluralise(count, 'line')} {'is' if count == 1 else 'are'} not {self.encoding} like the rest: read as "
            f"{name}."
            for name, count in sorted(self._mixed.items())
        ]
        if self._nuls:
            found.append(f"{pluralise(self._nuls, 'NUL character')} {'was' if self._nuls == 1 else 'were'} removed.")
        if self._wide_errors:
            found.append(
                f"{pluralise(self._wide_errors, 'character')} not valid in {self.encoding} replaced by U+FFFD."
            )
        return found

    def __iter__(self) -> Iterator[str]:
        """Yield every line, once."""
        yield from self.head
        self.head = []
        for text in self._blocks:
            self.characters_read += len(text)
            yield from io.StringIO(text, newline="\n")

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()

    def _split(self, text: str) -> list[str]:
        if "\n" not in text and "\r" in text:  # line ends of classic Mac OS
            text = text.replace("\r", "\n")
        return list(io.StringIO(text, newline="\n"))

    def _read(self) -> bytes:
        with read_errors(self._name):
            if self._live:
                return self._stream.read1(BLOCK_BYTES)  # type: ignore[attr-defined, no-any-return]
            return self._stream.read(BLOCK_BYTES)

    def _read_texts(self) -> Iterator[str]:
        first = self._read()
        mark = find_byte_order_mark(first)
        if mark:
            self._known, first = mark[0], first[mark[1] :]
        elif not self._known:
            self._known = detect_utf16(first)
        if self.encoding.startswith(("utf-16", "utf-32")):
            yield from self._read_wide_texts(first)
            return
        if kind := identify_binary(first):
            raise DataError(f"The file {self._name!r} must be text, but looks like {kind}", code="not_rows")
        for block in self._read_whole_lines(first):
            yield self._clean(self._decode(block))

    def _read_whole_lines(self, first: bytes) -> Iterator[bytes]:
        """Yield blocks that end with a line; no encoding read here has the byte of `\\n` inside a character."""
        pending: list[bytes] = []
        chunk = first
        while chunk:
            cut = chunk.rfind(b"\n") + 1
            if cut:
                yield b"".join([*pending, chunk[:cut]])
                pending = []
            pending.append(chunk[cut:])
            self._check_line(pending)
            chunk = self._read()
        if rest := b"".join(pending):
            yield rest

    def _read_wide_texts(self, first: bytes) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        pending: list[str] = []
        chunk = first
        while True:
            text = decoder.decode(chunk, final=not chunk)
            self._wide_errors += text.count("\ufffd")
            cut = text.rfind("\n") + 1
            if cut:
                yield self._clean("".join([*pending, text[:cut]]))
                self._lines_seen += text.count("\n")
                pending = []
            pending.append(text[cut:])
            self._check_line(pending)
            if not chunk:
                break
            chunk = self._read()
        if rest := "".join(pending):
            yield self._clean(rest)

    def _check_line(self, pending: Sequence[bytes | str]) -> None:
        """Raise `DataError` if an unfinished line is longer than allowed."""
        if self._most_line_bytes is not None and sum(map(len, pending)) > self._most_line_bytes:
            number = self._lines_seen + 1
            raise DataError(
                f"The file {self._name!r} must have lines of at most {self._most_line_bytes:,} bytes. Line {number:,} "
                "is longer. Check its format and its line ends.",
                code="long_line",
                most=self._most_line_bytes,
                line=number,
            )

    def _decode(self, block: bytes) -> str:
        if self._known is None and not block.isascii():
            self._known = detect_encoding(block)
        try:
            text = block.decode(self.encoding)
        except UnicodeDecodeError:
            lines = block.split(b"\n")
            text = "\n".join(self._decode_line(line, self._lines_seen + n) for n, line in enumerate(lines, start=1))
        self._lines_seen += block.count(b"\n")
        return text

    def _decode_line(self, line: bytes, number: int) -> str:
        try:
            return line.decode(self.encoding)
        except UnicodeDecodeError:
            name = detect_line_encoding(line[:SAMPLE_BYTES])
        if name is None and self.encoding == "cp1252":
            name = "latin-1"
        if name is not None:
            try:
                text = line.decode(name)
            except UnicodeDecodeError:
                pass
            else:
                self._mixed[name] += 1
                return text
        self.bad_lines.add(number)
        return line.decode(self.encoding, errors="replace")

    def _clean(self, text: str) -> str:
        if nuls := text.count("\0"):
            self._nuls += nuls
            return text.replace("\0", "")
        return text
