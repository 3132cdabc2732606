"""Both READMEs say the same: the same sections, the same commands on texts of their own language, the same links."""

from __future__ import annotations

import itertools
import re

from docs_pages import DOCS, ROOT, blocks, prose, title

ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
ENGLISH_OF = {
    title(page): title(english)
    for page in sorted((DOCS / "zh").glob("*.md"))
    for english in DOCS.rglob(page.name)
    if english != page
}
MOST_LINES = 135
MOST_PICTURE_BYTES = 300_000


def test_the_same_headings_in_number_and_level() -> None:
    levels = [
        [len(marks) for marks in re.findall(r"^(#+) ", prose(page), flags=re.MULTILINE)] for page in (ENGLISH, CHINESE)
    ]
    assert levels[0] == levels[1]


def test_the_same_commands() -> None:
    """Comments, texts and the built-in data set may differ, and Chinese is trained with `linear`."""
    codes = [[_in_no_language(block.code) for block in blocks(page)] for page in (ENGLISH, CHINESE)]
    assert codes[0] == codes[1]


def test_chinese_sentences_are_not_broken_over_lines() -> None:
    """A line end between Chinese characters is shown as a space."""
    lines = prose(CHINESE).splitlines()
    broken = [line for line, after in itertools.pairwise(lines) if line and after and _is_sentence(line, after)]
    assert not broken


def test_the_same_links() -> None:
    """The Chinese README links to the Chinese page where there is one."""
    links = [
        {_in_english(link) for link in re.findall(r"\]\(([^)]+)\)", prose(page)) if not link.startswith("README")}
        for page in (ENGLISH, CHINESE)
    ]
    assert links[0] == links[1]
    linked = set(re.findall(r"\]\((docs/[^)#]+)", CHINESE.read_text(encoding="utf-8")))
    assert linked.isdisjoint(ENGLISH_OF.values())


def test_each_is_short_and_names_the_other() -> None:
    for page, other in ((ENGLISH, CHINESE), (CHINESE, ENGLISH)):
        text = page.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= MOST_LINES
        assert f"]({other.name})" in text


def test_the_picture_of_the_report_is_there_and_small() -> None:
    picture = ROOT / "docs" / "images" / "report.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size <= MOST_PICTURE_BYTES


def _in_english(link: str) -> str:
    return ENGLISH_OF.get(link, link)


def _in_no_language(code: str) -> str:
    lines = (re.sub(r"\s+# .*", "", line) for line in code.splitlines())
    plain = (re.sub(r'"[^"]*"', '"..."', line).replace("train tweets", "train reviews-zh") for line in lines)
    return "\n".join(re.sub(r" --recipe \w+", "", line) for line in plain)


def _is_sentence(line: str, after: str) -> bool:
    return not line.startswith(("#", "|", "<!--")) and not after.startswith(("- ", "#", "|", "<!--"))
