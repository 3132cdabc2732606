"""The command line as the user typed it, recorded in results."""

from __future__ import annotations

import shlex
import sys


def get_command_line() -> str:
    """Return the command line, quoted so that it can be run again."""
    return shlex.join(["insula", *sys.argv[1:]])
