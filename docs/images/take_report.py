"""Take the picture of a report that the README shows: the head of the page, without the times of a busy machine.

    python docs/images/take_report.py RUN
    python docs/images/take_report.py global.html    the page of `insula explain --global`, to its tenth words

Needs Debian's `chromium` (or another, named by the variable CHROMIUM) and the package playwright.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH = 1120


def take(report: Path, picture: Path, last: str) -> None:
    """Write the page above its first element `last` as PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": WIDTH, "height": 900}, device_scale_factor=1.5, color_scheme="light")
        page.goto(report.resolve().as_uri())
        height = page.locator(last).first.bounding_box()
        page.screenshot(
            full_page=True,
            path=picture,
            clip={"x": 0, "y": 0, "width": WIDTH, "height": height["y"] - 16 if height else 760},
        )
        browser.close()


if __name__ == "__main__":
    given = Path(sys.argv[1])
    if given.suffix == ".html":
        take(given, Path(__file__).parent / "global.png", ".effects tr:nth-child(11)")
    else:
        take(given / "report.html", Path(__file__).parent / "report.png", ".key-facts")
