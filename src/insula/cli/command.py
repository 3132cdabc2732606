"""The command line as it was typed, to be written down in results."""

from __future__ import annotations

import shlex
import sys


def as_typed() -> str:
    """Return the whole command, quoted so that it can be run again."""
    return shlex.join(["insula", *sys.argv[1:]])
