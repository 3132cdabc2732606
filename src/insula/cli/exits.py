"""Ends of the program: one sentence and one exit status for everything that can go wrong."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, NoReturn

import typer

from insula.core.sentences import describe_requirement, quote

FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130


def exit_with_error(sentence: str, status: int = FAILED) -> NoReturn:
    """Print a sentence to standard error and exit with a status."""
    typer.echo(f"insula: {sentence}", err=True)
    raise typer.Exit(status)


def exit_with_usage_error(error: Any) -> NoReturn:
    """Exit with a usage error and the help command that explains it."""
    if type(error).__name__ == "NoArgsIsHelpError":  # a group without a command: its help is printed already
        raise typer.Exit(WRONG_USAGE)
    sentence = _explain_usage_error(error)
    sentence += "" if sentence.endswith((".", "?")) else "."
    exit_with_error(f"{sentence} See: {error.ctx.command_path} --help" if error.ctx else sentence, WRONG_USAGE)


def exit_with_os_error(error: OSError) -> NoReturn:
    """End with a sentence for an error of the operating system, or silently if the reader has closed the pipe."""
    if isinstance(error, BrokenPipeError):
        _exit_quietly()
    exit_with_error(_explain_os_error(error, _find_failed_stream()))


def flush_output() -> None:
    """Flush standard output now, while a failure can still be reported in a sentence."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _exit_quietly()
    except OSError as error:
        _discard_output()
        print(f"insula: {_explain_os_error(error, 'standard output')}", file=sys.stderr)
        sys.exit(FAILED)


def _explain_usage_error(error: Any) -> str:
    option = error.param.get_error_hint().replace("'", "") if getattr(error, "param", None) is not None else ""
    if option and hasattr(error.__cause__, "errors"):  # typer checks values with pydantic
        found = error.__cause__.errors(include_url=False)[0]
        if found["type"] != "value_error":
            return f"{option} {describe_requirement(found)}. Got {quote(found['input'])}."
    # "Invalid value for '--kind': Value error, 'x' is not one of ...": the sentence is enough
    message = str(error.message).removeprefix("Value error, ")
    if message and option:
        return f"{option}: {message}"
    return message or str(error.format_message())


def _find_failed_stream() -> str:
    """Return "standard output" if it cannot be flushed, else ""; a failed buffer is discarded, to report it once."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()
        return "standard output"
    return ""


def _explain_os_error(error: OSError, place: str = "") -> str:
    """Return a sentence for an error of the operating system."""
    named = repr(str(error.filename)) if error.filename is not None else place
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk is full: cannot write {named or 'the output'}. Free some space, or choose another place."
    return f"Cannot use {named or 'a file'}: {error.strerror or error}. Check the path and its permissions."


def _exit_quietly() -> NoReturn:
    """Exit without an error: the reader of our output has closed the pipe (head, less)."""
    _discard_output()
    sys.exit(0)


def _discard_output() -> None:
    # Python flushes standard output once more at exit, and would complain there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
