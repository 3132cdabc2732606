"""How the program ends: one sentence and one exit status for everything that can go wrong."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from insula.core.errors import InsulaError

FAILED = 1
INTERRUPTED = 130


class Program(TyperGroup):
    """The commands. An expected error becomes one sentence on standard error and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except InsulaError as error:
            _end(str(error))
        except KeyboardInterrupt as stop:
            _end(f"stopped. {stop}".strip(), INTERRUPTED)
        except BrokenPipeError:
            _exit_quietly()
        except OSError as error:
            _end(_os_error_sentence(error, _failed_stream()))


def flush_output() -> None:
    """Flush standard output now, while a failure can still be reported in a sentence."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _exit_quietly()
    except OSError as error:
        _discard_output()
        print(f"insula: {_os_error_sentence(error, 'standard output')}", file=sys.stderr)
        sys.exit(FAILED)


def _failed_stream() -> str:
    """Return "standard output" if it cannot be flushed, else ""; a failed buffer is discarded, to report it once."""
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()
        return "standard output"
    return ""


def _end(sentence: str, status: int = FAILED) -> NoReturn:
    typer.echo(f"insula: {sentence}", err=True)
    raise typer.Exit(status)


def _os_error_sentence(error: OSError, place: str = "") -> str:
    """Return a sentence for an error of the operating system."""
    named = repr(str(error.filename)) if error.filename is not None else place
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk is full: cannot write {named or 'the output'}. Free some space, or name another place."
    return f"Cannot use {named or 'a file'}: {error.strerror or error}. Check the path and its permissions."


def _exit_quietly() -> NoReturn:
    """Exit without an error: the reader of our output has closed the pipe (head, less)."""
    _discard_output()
    sys.exit(0)


def _discard_output() -> None:
    # Python flushes standard output once more at exit, and would complain there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
