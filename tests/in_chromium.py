"""Tests in a real browser: what they are marked with, and the browser itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
IN_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium"),
    # playwright leaves its event loop open when its own process ends
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@contextmanager
def chromium() -> Iterator[Any]:
    """Start a browser without a window that asks nobody on its own account."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield started
        started.close()
