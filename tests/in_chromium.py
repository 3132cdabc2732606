"""Tests in a real browser: their marks, the browser, and pages that keep what they request and complain of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import pytest

from waiting import DEADLINE, eventually

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


FOCUSED = "() => document.activeElement.id || document.activeElement.textContent.trim()"


def await_focus(page: Any, wanted: str) -> None:
    """Wait until an element has the focus, by its id or its words.

    The browser moves the focus some time after a page has loaded: what is typed before that is lost.
    """
    eventually(lambda: page.evaluate(FOCUSED), wanted)


def sign_in(page: Any, key: str) -> None:
    """Type a key into the login page that is open, and send it."""
    await_focus(page, "key")
    page.keyboard.type(key)
    page.keyboard.press("Enter")


def barriers(page: Any) -> list[str]:
    """Return what axe finds wrong on a page with everything unfolded: the rule and the first elements."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]


class Watched:
    """A page in a context of its own, whose requests and complaints are kept."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(DEADLINE * 1000)
        self.page = self.context.new_page()
        self.requested: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requested.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def asked_only(self, address: str) -> bool:
        """Whether the page asked for what begins with an address alone, and complained of nothing."""
        assert self.requested
        assert [url for url in self.requested if not url.startswith(address)] == []
        assert self.complaints == []
        return True
