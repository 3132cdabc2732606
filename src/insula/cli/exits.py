"""How the program ends: the words and the exit status of everything that can go wrong."""

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
    """The verbs; what they raise on purpose becomes one sentence on standard error and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb."""
        try:
            return super().invoke(ctx)
        except InsulaError as error:
            _end(str(error))
        except KeyboardInterrupt as stop:
            _end(f"stopped. {stop}".strip(), INTERRUPTED)
        except BrokenPipeError:
            _forget_output()
        except OSError as error:
            _end(_refusal(error, _refused_output()))


def flush_output() -> None:
    """Write out what is left for standard output, while a failure of it can still be said in words."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
    except OSError as error:
        _point_away()
        print(f"insula: {_refusal(error, 'standard output')}", file=sys.stderr)
        sys.exit(FAILED)


def _refused_output() -> str:
    """Return "standard output" where what is left for it cannot be written, and give it up: one complaint is enough."""
    try:
        sys.stdout.flush()
    except OSError:
        _point_away()
        return "standard output"
    return ""


def _end(sentence: str, status: int = FAILED) -> NoReturn:
    typer.echo(f"insula: {sentence}", err=True)
    raise typer.Exit(status)


def _refusal(error: OSError, place: str = "") -> str:
    """Return a sentence for what the operating system refused."""
    named = repr(str(error.filename)) if error.filename is not None else place
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk is full while writing {named or 'the output'}; free some space, or name another place."
    return f"The operating system refuses {named or 'this'}: {error.strerror or error}. Check the path and its rights."


def _forget_output() -> NoReturn:
    """End in peace: whoever read our output has gone (head, less), and that is no error."""
    _point_away()
    sys.exit(0)


def _point_away() -> None:
    # Python flushes standard output once more at exit, and would complain there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
