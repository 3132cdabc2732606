"""A self-contained page from one of our templates, in the one style and under a policy that admits nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup


def render_page(template: str, **values: Any) -> str:
    """Return the page of a template with these values, all escaped but markup; style and script stand in it."""
    style, script = _text("report.css"), _text("report.js")
    return (
        environment("insula.evaluation")
        .get_template(template)
        .render(
            style=Markup(style),  # our own file, not input
            script=Markup(script),
            style_hash=_content_hash(style),
            script_hash=_content_hash(script),
            **values,
        )
    )


def page_style() -> str:
    """Return the one style, for pages that stand elsewhere."""
    return _text("report.css")


def script_hash() -> str:
    """Return the hash of our script in a content security policy, which then admits this script alone."""
    return _content_hash(_text("report.js"))


@cache
def environment(package: str) -> jinja2.Environment:
    """Return the templates of a package: every value is escaped, and a name that is not given is an error."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text(name: str) -> str:
    return files("insula.evaluation").joinpath("templates", name).read_text(encoding="utf-8")


def _content_hash(text: str) -> str:
    """Return the hash by which the page's content security policy admits its own style and script and nothing else."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
