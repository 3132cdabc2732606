"""Detect the encoding of bytes: exact checks first, then the `charset-normalizer` library.

Order of evidence: byte order mark; NUL bytes (UTF-16 without a mark); then line by line strict UTF-8, GB18030 that
decodes to common Chinese characters, Windows-1252 that decodes to Western letters; last the library. Detection is
deterministic and reads at most `SAMPLE_BYTES`.
"""

from __future__ import annotations

import codecs
import functools
from collections import Counter

import charset_normalizer

SAMPLE_BYTES = 256 * 1024
_LIBRARY_BYTES = 64 * 1024

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_EXPORT = "Export its texts as CSV or JSON Lines."
_UNPACK = "Unpack it first."
_PICKLE = "Write its rows as CSV or JSON Lines in Python; a pickle can run any code, so insula reads none."
_MAGIC = (
    (b"\x89PNG", "a PNG picture", _EXPORT),
    (b"\xff\xd8\xff", "a JPEG picture", _EXPORT),
    (b"GIF8", "a GIF picture", _EXPORT),
    (b"II*\0", "a TIFF picture", _EXPORT),
    (b"MM\0*", "a TIFF picture", _EXPORT),
    (b"ID3\x03", "MP3 sound", _EXPORT),
    (b"ID3\x04", "MP3 sound", _EXPORT),
    (b"OggS", "Ogg sound", _EXPORT),
    (b"fLaC", "FLAC sound", _EXPORT),
    (b"%PDF-", "a PDF document", _EXPORT),
    (b"{\\rtf", "an RTF document", "Save it as plain text or CSV."),
    (b"PK\x03\x04", "a ZIP archive, or an Excel or Word document", "Unpack it, or save it as CSV."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document", "Save it as CSV."),
    (b"SQLite format 3", "an SQLite database", "Export its table as CSV."),
    (b"PAR1", "a Parquet file", "Give it the ending .parquet."),
    (b"ARROW1", "an Arrow file", "Give it the ending .arrow."),
    (b"\x93NUMPY", "an array of numpy", _EXPORT),
    (b"\x89HDF", "an HDF5 file", _EXPORT),
    (b"$FL2", "an SPSS file", "Save it as CSV."),
    (b"\x7fELF", "a program", "Choose another file."),
    (b"MZ\x90", "a program", "Choose another file."),
    (b"\x1f\x8b", "gzip data", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    *((b"\x80" + bytes([version]), "a pickle of Python", _PICKLE) for version in range(2, 6)),
    *((start, "a pickle of Python", _PICKLE) for start in (b"(lp0\n", b"(dp0\n", b"ccopy_reg\n")),
)
_MANY_CONTROLS = 0.02  # share of control characters above which bytes that are not UTF-8 are no text
_LATIN_PAGES = ["cp1252", "latin_1", "cp1250", "cp1254"]
_OTHER_PAGES = ["cp1251", "koi8_r", "cp1253", "big5", "shift_jis", "euc_jp", "euc_kr", "gb18030"]
_WESTERN = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿßœšžÀÁÂÄÅÆÇÈÉÊËÍÎÏÑÓÔÖØÙÚÛÜŒ¿¡‘’“”–—…«»€£©®™°·•§´\xa0½")
_CJK_MARKS = frozenset("，。！？：；（）《》〈〉“”‘’、…—·～【】「」『』％＂＇－　￥")


def find_byte_order_mark(head: bytes) -> tuple[str, int] | None:
    """Return the encoding of a byte order mark at the start, and the length of the mark; None without a mark."""
    return next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), None)


def detect_utf16(head: bytes) -> str | None:
    """Return `utf-16-le` or `utf-16-be` if NUL bytes in `head` show UTF-16 without a mark, else None."""
    head = head[: SAMPLE_BYTES - SAMPLE_BYTES % 2]
    nuls = head.count(0)
    # A few NULs in valid UTF-8 are noise; in Latin text in UTF-16 every second byte is one.
    if not nuls or (_can_decode(head, "utf-8") and nuls < len(head) / 4):
        return None
    even = head[: len(head) - len(head) % 2]
    shares = {name: _measure_readable(even, name) for name in ("utf-16-le", "utf-16-be")}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= 0.9 else None


def identify_binary(head: bytes) -> str | None:
    """Return the type of binary data and what to do (`a PNG picture. Export ...`); None if it may be text."""
    for magic, kind, advice in _MAGIC:
        if head.startswith(magic):
            return f"{kind}. {advice}"
    head = head[:SAMPLE_BYTES]
    controls = sum(head.count(code) for code in range(32) if code not in (9, 10, 11, 12, 13, 27))
    if controls <= len(head) / 10 and (_is_utf8_start(head) or not _has_many_controls(head, controls)):
        return None
    return f"binary data. {_EXPORT}"


def _has_many_controls(head: bytes, controls: int) -> bool:
    """Return whether bytes that are not UTF-8 have more control characters than text in an old encoding has."""
    if controls > max(3, _MANY_CONTROLS * len(head)):
        return True
    # Bytes 128 to 159 are letters or marks in every encoding but Latin-1, the last resort.
    return detect_encoding(head) == "latin-1" and sum(map(head.count, range(128, 160))) > max(3, len(head) / 20)


def _is_utf8_start(head: bytes) -> bool:
    """Return whether bytes are UTF-8, though perhaps cut inside their last character."""
    return any(_can_decode(head[: len(head) - cut], "utf-8") for cut in range(4))


def detect_encoding(sample: bytes) -> str | None:
    """Return the Python name of the encoding of `sample`; None for ASCII, which leaves the encoding open.

    `sample` is truncated to `SAMPLE_BYTES`. If lines differ in encoding, the most frequent one is returned.
    """
    if sample.isascii():
        return None
    if len(sample) > SAMPLE_BYTES:
        start = max(0, _find_high_byte(sample) - 1024)
        sample = sample[start : start + SAMPLE_BYTES]
        if cut := sample.rfind(b"\n") + 1:
            sample = sample[:cut]
        else:  # one long line: do not cut a character in two
            sample = next((sample[:-n] for n in range(1, 4) if detect_line_encoding(sample[:-n])), sample)
    if _can_decode(sample, "utf-8"):
        return "utf-8"
    lines = [line for line in sample.split(b"\n") if not line.isascii()]
    kinds = Counter(detect_line_encoding(line) for line in lines)
    for name in ("utf-8", "gb18030", "cp1252"):
        if kinds[name] * 2 >= len(lines):
            return name if name != "cp1252" or _can_decode(sample, name) else "latin-1"
    letters = sum(sample.count(code) for code in b"etaoinshr")
    high = sum(count for code, count in Counter(sample).items() if code > 127)
    # What decodes to Greek, Cyrillic or Japanese with hardly a whole word is Latin text with some accents.
    pages = _LATIN_PAGES if letters > high else _LATIN_PAGES + _OTHER_PAGES
    best = charset_normalizer.from_bytes(sample[:_LIBRARY_BYTES], cp_isolation=pages).best()
    name = best.encoding.replace("_", "-") if best else "cp1252"
    return name if _can_decode(sample, name) else "latin-1"


def detect_line_encoding(line: bytes) -> str | None:
    """Return the first of `utf-8`, `gb18030`, `cp1252` in which the line is plausible text; else None."""
    if _can_decode(line, "utf-8"):
        return "utf-8"
    if _measure_common_chinese(line) >= 0.6:
        return "gb18030"
    return "cp1252" if _is_western(line) else None


def _can_decode(data: bytes, name: str) -> bool:
    try:
        data.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _find_high_byte(data: bytes) -> int:
    low, high = 0, len(data)
    while high - low > 1:  # bisect: isascii runs at memory speed, a Python loop does not
        middle = (low + high) // 2
        low, high = (low, middle) if not data[low:middle].isascii() else (middle, high)
    return low


def _measure_common_chinese(line: bytes) -> float:
    """Return the share of non-ASCII characters, decoded as GB18030, that are common Chinese; 0 if decoding fails."""
    try:
        high = [char for char in line.decode("gb18030") if ord(char) > 127]
    except UnicodeDecodeError:
        return 0.0
    return sum(char in _load_everyday_chinese() for char in high) / len(high) if high else 0.0


def _is_western(line: bytes) -> bool:
    try:
        text = line.decode("cp1252")
    except UnicodeDecodeError:
        return False
    high = [char for char in text if ord(char) > 127]
    letters = sum(char.isalpha() for char in text)
    return sum(char in _WESTERN for char in high) >= 0.9 * len(high) and len(high) <= max(1, 0.4 * letters)


def _measure_readable(data: bytes, name: str) -> float:
    text = data.decode(name, errors="replace")
    good = sum(char.isascii() and (char.isprintable() or char in "\t\r\n") for char in text)
    good += sum(char in _WESTERN or char in _load_everyday_chinese() for char in text)
    return good / len(text) if text else 0.0


@functools.cache
def _load_everyday_chinese() -> frozenset[str]:
    """Return level 1 of GB 2312, the 3,755 most used characters, and Chinese punctuation."""
    codes = bytes(byte for lead in range(0xB0, 0xD8) for trail in range(0xA1, 0xFF) for byte in (lead, trail))
    return frozenset(codes.decode("gb2312", errors="ignore")) | _CJK_MARKS
