"""The Chinese pages: each has an English page of its name, shows the same commands, and is typeset as Chinese is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs_pages import DOCS, NOT_RUN, blocks, title

PAGES = sorted((DOCS / "zh").glob("*.md"))
HAN = r"[\u4e00-\u9fff]"
WIDE = "，。：；（）“”、？！"
FAULTS = {
    "a half-width mark beside Chinese": rf"{HAN}[,;:!?()]|[,;:!?()]{HAN}",
    "a space between Chinese characters": rf"{HAN} {HAN}",
    "a space beside a full-width mark": rf" [{WIDE}]|[{WIDE}] ",
    "no space between Chinese and Latin": rf"{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}",
    "您 in place of 你": "您",
}


def _english(page: Path) -> Path:
    found = [other for other in DOCS.rglob(page.name) if other != page]
    assert len(found) == 1, f"{title(page)} is the Chinese of one English page"
    return found[0]


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_its_commands_are_those_of_the_english_page(page: Path) -> None:
    """Texts, variables and comments may differ, and Chinese is trained on `reviews-zh` with `linear`."""
    english = {line for block in blocks(_english(page)) for line in _lines(block.code)}
    assert english
    assert [line for block in blocks(page) for line in _lines(block.code) if line not in english] == []


def _lines(code: str) -> list[str]:
    lines = (re.sub(r'"[^"]*"', '"..."', re.sub(r"\s+# .*", "", line)).strip() for line in code.splitlines())
    plain = (line.replace("tweets", "reviews").replace("--recipe quick", "--recipe linear") for line in lines)
    return [re.sub(r"'\{.*\}'", "'{...}'", line) for line in plain if line]


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_it_is_typeset_as_chinese(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`\n]*`", "code", NOT_RUN.sub("", text)))
    found = [
        f"{name}: {match[0]!r} in {line!r}"
        for line in text.splitlines()
        if not line.startswith("|")
        for name, fault in FAULTS.items()
        for match in re.finditer(fault, re.sub(r"^- |[*!\[\]]", "", line))
    ]
    assert found == []
