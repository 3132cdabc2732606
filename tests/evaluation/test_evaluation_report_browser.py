"""The report page in a real browser: it fits, it asks for nothing, nothing overlaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from evaluation_report_cases import chinese, dimensional, run

from in_chromium import IN_CHROMIUM
from insula.evaluation.reports.report import write_report

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


@pytest.mark.parametrize(
    "case", [lambda: run("sentiment3"), run, dimensional, chinese], ids=["single", "multi", "dimensional", "chinese"]
)
@pytest.mark.parametrize("width", [380, 1200])
def test_page_fits_and_asks_for_nothing(browser: Any, tmp_path: Path, case: Any, width: int) -> None:
    file = tmp_path / "report.html"
    write_report(file, case())
    page = browser.new_page(viewport={"width": width, "height": 900})
    requested: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERLAPPING_TEXT) == []
    assert requested == [file.as_uri()]
    assert complaints == []
    page.close()


def test_label_table_sorts_by_keyboard(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_report(file, run())
    page = browser.new_page()
    page.goto(file.as_uri())
    first = "() => document.querySelector('table.sortable tbody tr th').textContent"
    before = page.evaluate(first)
    page.locator("table.sortable thead button").nth(1).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.evaluate(first) != before
    page.close()
