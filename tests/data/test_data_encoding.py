"""Encodings are detected right, the same way every time, however late the first non-ASCII byte comes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.errors import DataError
from insula.data.formats.encoding import (
    detect_encoding,
    detect_line_encoding,
    detect_utf16,
    find_byte_order_mark,
    identify_binary,
)
from insula.data.formats.text_lines import TextLines

CHINESE = "今天的心情很好，我们一起去看电影吧。\n这家酒店的服务太差了！\n"
FRENCH = "C'était une journée très agréable, mais le café était déjà fermé.\n"
GERMAN = "Ich fühle mich heute großartig, schöne Grüße aus München.\n"


def read(data: bytes, **options: object) -> TextLines:
    lines = TextLines(io.BytesIO(data), "rows.txt", **options)  # type: ignore[arg-type]
    lines.text = "".join(lines)  # type: ignore[attr-defined]
    return lines


@pytest.mark.parametrize(
    ("text", "codec", "expected"),
    [
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "gb18030", "gb18030"),
        ("好\n", "gb18030", "gb18030"),
        ("I am 开心 today\n" * 3, "gb18030", "gb18030"),
        (FRENCH, "latin-1", "cp1252"),
        (GERMAN, "cp1252", "cp1252"),
        ("It’s “great” – really…\n", "cp1252", "cp1252"),
        ("naïve\n", "latin-1", "cp1252"),
        ("Сегодня хорошее настроение, мы идём гулять в парк с друзьями.\n" * 3, "cp1251", "cp1251"),
        (FRENCH + "\x81\x8d\n", "latin-1", "latin-1"),
    ],
)
def test_encoding_is_told(text: str, codec: str, expected: str) -> None:
    data = text.encode(codec)
    assert detect_encoding(data) == expected
    assert read(data).text == text  # type: ignore[attr-defined]


def test_ascii_tells_nothing() -> None:
    assert detect_encoding(b"plain words\n") is None
    assert read(b"plain words\n").encoding == "utf-8"


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("text", [CHINESE * 20, FRENCH * 20, "text,label\nso happy,joy\n"])
def test_unicode_with_and_without_mark(codec: str, text: str) -> None:
    lines = read(text.encode(codec))
    assert lines.text == text  # type: ignore[attr-defined]
    assert lines.warnings == []


def test_marks_are_told_apart() -> None:
    assert find_byte_order_mark("a".encode("utf-32")) == ("utf-32-le", 4)
    assert find_byte_order_mark("a".encode("utf-16")) == ("utf-16-le", 2)
    assert find_byte_order_mark(b"a") is None


def test_some_nuls_in_utf8_are_not_utf16() -> None:
    data = b"a happy\0 day for everyone\n" * 5
    assert detect_utf16(data) is None
    lines = read(data)
    assert "\0" not in lines.text  # type: ignore[attr-defined]
    assert lines.warnings == ["5 NUL characters were removed."]


@pytest.mark.parametrize("codec", ["utf-8", "gb18030", "latin-1"])
def test_first_non_ascii_byte_after_several_megabytes(codec: str) -> None:
    late = FRENCH if codec == "latin-1" else CHINESE
    text = "a plain english line of text\n" * 90_000 + late
    assert len(text) > 2_500_000
    lines = read(text.encode(codec))
    assert lines.text == text  # type: ignore[attr-defined]
    assert lines.encoding == ("cp1252" if codec == "latin-1" else codec)


def test_late_byte_inside_a_big_sample() -> None:
    data = b"a plain english line of text\n" * 20_000 + CHINESE.encode("gb18030")
    assert detect_encoding(data) == "gb18030"


def test_mixed_lines_are_read_counted_and_not_fatal() -> None:
    data = (
        CHINESE.encode() * 5
        + FRENCH.encode("latin-1")
        + "服务很好，房间也很干净\n".encode("gb18030")
        + CHINESE.encode()
    )
    lines = read(data)
    assert lines.encoding == "utf-8"
    assert lines.text == CHINESE * 5 + FRENCH + "服务很好，房间也很干净\n" + CHINESE  # type: ignore[attr-defined]
    assert lines.warnings == [
        "1 line is not utf-8 like the rest: read as cp1252.",
        "1 line is not utf-8 like the rest: read as gb18030.",
    ]
    assert lines.bad_lines == set()


def test_line_no_encoding_can_read_is_marked() -> None:
    lines = read(CHINESE.encode() + b"\xff\xfe\x81\x00ab\n" + CHINESE.encode())
    assert lines.bad_lines == {3}


def test_old_mac_line_ends() -> None:
    assert list(TextLines(io.BytesIO(b"one\rtwo\r"), "x")) == ["one\n", "two\n"]


def test_line_encoding_of_broken_chinese_is_unknown() -> None:
    assert detect_line_encoding("心情很好".encode()[:-1]) is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"\x89PNG\r\n\x1a\n\0\0", "a PNG picture"), (b"PK\x03\x04", "ZIP"), (bytes(range(32)) * 9, "binary data")],
)
def test_binary_is_refused(head: bytes, kind: str) -> None:
    assert kind in (identify_binary(head) or "")
    with pytest.raises(DataError, match=r"'rows\.txt' must be text, but looks like"):
        read(head)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff\r"), min_size=1))
def test_any_utf8_comes_back(text: str) -> None:
    data = text.encode()
    if identify_binary(data) is None:
        assert "".join(TextLines(io.BytesIO(data), "x")) == text


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_it(data: bytes) -> None:
    assert detect_encoding(data) == detect_encoding(data)
    if identify_binary(data) is None:
        lines = read(data)
        assert "\0" not in lines.text  # type: ignore[attr-defined]
