"""The report page in a real browser: it fits, it asks for nothing, nothing overlaps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from evaluation_report_cases import chinese, dimensional, run

from in_chromium import IN_CHROMIUM, Watched, barriers
from insula.evaluation.document import MetricsDocument
from insula.evaluation.reports.report import write_report
from slow_cases import slow_unless
from waiting import eventually

pytestmark = IN_CHROMIUM
OVERLAPPING_TEXT = """() => {
  const found = [];
  for (const svg of document.querySelectorAll('svg')) {
    const texts = [...svg.querySelectorAll('text')].filter(t => t.textContent.trim());
    const boxes = texts.map(t => t.getBoundingClientRect());
    for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
      const a = boxes[i], b = boxes[j];
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (x > 2 && y > 3) found.push(texts[i].textContent + ' / ' + texts[j].textContent);
    }
  }
  return found;
}"""


REPORTS: dict[str, Callable[[], Any]] = {
    "single": lambda: run("sentiment3"),
    "multi": run,
    "dimensional": dimensional,
    "chinese": chinese,
}


def _in_default_run(width: int, case: str) -> bool:
    return (width == 380) == (case in ("multi", "chinese"))


@pytest.mark.parametrize(("width", "case"), slow_unless(_in_default_run, itertools.product((380, 1200), REPORTS)))
def test_page_fits_and_asks_for_nothing(watched: Callable[..., Watched], tmp_path: Path, case: str, width: int) -> None:
    file = tmp_path / "report.html"
    write_report(file, MetricsDocument.from_dict(REPORTS[case]()))
    seen = watched(viewport={"width": width, "height": 900})
    page = seen.page
    page.goto(file.as_uri())
    eventually(lambda: max(width, page.evaluate("document.documentElement.scrollWidth")), width)
    eventually(lambda: page.evaluate(OVERLAPPING_TEXT), [])
    assert seen.asked_only(file.as_uri())
    assert len(seen.requested) == 1
    assert barriers(page) == []


def test_label_table_sorts_by_keyboard(watched: Callable[..., Watched], tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(file, MetricsDocument.from_dict(run()))
    page = watched().page
    page.goto(file.as_uri())
    first = page.locator("table.sortable tbody tr th").first
    before = first.text_content()
    head = page.locator("table.sortable thead th").nth(1)
    head.get_by_role("button").focus()
    for order in ("descending", "ascending"):
        page.keyboard.press("Enter")
        eventually(lambda: head.get_attribute("aria-sort"), order)
    assert first.text_content() != before
