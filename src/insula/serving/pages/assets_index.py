"""The static files of the pages, each at an address that changes with its content."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from insula.evaluation.reports.page import read_page_style

CSS, JAVASCRIPT = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
KINDS = {
    "report.css": CSS,
    "page.css": CSS,
    "icon.svg": "image/svg+xml",
    "htmx.min.js": JAVASCRIPT,
    "page.js": JAVASCRIPT,
    "queue.js": JAVASCRIPT,
}
FOLDER = "/pages/assets"


@cache
def read_asset(name: str) -> bytes:
    """Return the content of a file of `KINDS`; reports and exported pages use the same stylesheets."""
    if KINDS[name] == CSS:
        return read_page_style(name).encode("utf-8")
    return files("insula.serving.pages").joinpath("assets", name).read_bytes()


@cache
def get_asset_address(name: str) -> str:
    """Return the address of a file, which browsers may cache."""
    return f"{FOLDER}/{name}?v={hashlib.sha256(read_asset(name)).hexdigest()[:12]}"
