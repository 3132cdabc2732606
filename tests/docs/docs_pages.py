"""The pages of the documentation and their fenced blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+) -->")
GENERATED = re.compile(r"<!-- (results|generated):[\w-]+ -->\n.*?<!-- /\1 -->", re.DOTALL)
_FENCE = re.compile(r"^```(?P<info>.*)$")
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A fenced block: `reason` says why it is not run, None where it is; `title` is the file that it shows."""

    page: Path
    line: int
    language: str
    title: str | None
    code: str
    reason: str | None


def title(page: Path) -> str:
    """Return a page's path in the project, as the name of its tests."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start, info = 0, None
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        if info is None:
            start, info = number, fence["info"]
            continue
        before = NOT_RUN.fullmatch(lines[start - 2].strip()) if start > 1 else None
        named = _TITLE.search(info)
        yield Block(
            page=page,
            line=start,
            language=info.split()[0] if info.split() else "",
            title=named[1] if named else None,
            code="\n".join(lines[start : number - 1]) + "\n",
            reason=before["reason"] if before else None,
        )
        info = None
    assert info is None, f"{title(page)}: the block that begins in line {start} has no end"


def prose(page: Path) -> str:
    """Return a page without fenced blocks, generated parts and code in the line; line ends stay."""
    text = GENERATED.sub(_blank, page.read_text(encoding="utf-8"))
    text = re.sub(r"^```.*?^```$", _blank, text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", " ", text)


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")
