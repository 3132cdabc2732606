"""Render a self-contained page from a template, with a content security policy that allows nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup


def render_page(template: str, **values: Any) -> str:
    """Return the page of a template with inline style and script; values other than `Markup` are escaped."""
    style, script = _read_text("report.css"), _read_text("report.js")
    return (
        load_environment("insula.evaluation")
        .get_template(template)
        .render(
            style=Markup(style),  # our own file, not input
            script=Markup(script),
            style_hash=_hash_content(style),
            script_hash=_hash_content(script),
            **values,
        )
    )


def read_page_style(name: str = "report.css") -> str:
    """Return a style sheet for pages of other packages: the reports' own, or `page.css`, with forms and scores."""
    return _read_text(name)


def hash_script() -> str:
    """Return the hash of the script for a content security policy that allows no other script."""
    return _hash_content(_read_text("report.js"))


def choose_even_columns(count: int, most: int) -> int:
    """Return the number of columns, at most `most`, with which the last row of tiles is about as full as the others."""
    return -(-count // -(-count // most)) if count else 1


@cache
def load_environment(package: str) -> jinja2.Environment:
    """Return the templates of a package, and the report templates that they include.

    Values are escaped, and undefined names raise an error.
    """
    places = dict.fromkeys((package, "insula.evaluation"))
    templates = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(one, "templates") for one in places]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals["even_columns"] = choose_even_columns
    return templates


def _read_text(name: str) -> str:
    return files("insula.evaluation").joinpath("templates", name).read_text(encoding="utf-8")


def _hash_content(text: str) -> str:
    """Return the hash of inline content for a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
