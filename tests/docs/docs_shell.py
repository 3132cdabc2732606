"""A shell for the docs, in this process: `insula`, after `cat FILE |` or `echo TEXT |`, and before `> FILE`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner


def run_line(line: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run one line and return what it wrote to standard output; fails the test where the exit status is not 0."""
    from insula.cli.app import app

    words = shlex.split(line, comments=True)
    given = b""
    if words[:1] in (["cat"], ["echo"]):
        given = Path(words[1]).read_bytes() if words[0] == "cat" else f"{words[1]}\n".encode()
        assert words[2] == "|", line
        words = words[3:]
    target = None
    if ">" in words:
        target = words[words.index(">") + 1]
        words = words[: words.index(">")]
    assert words[0] == "insula", f"only insula, cat and echo are known here: {line}"
    monkeypatch.setattr(sys, "argv", words)
    result = CliRunner().invoke(app, words[1:], input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, f"{line}\n{result.output}"
    if target is not None:
        Path(target).write_text(result.stdout, encoding="utf-8")
    return result.stdout
