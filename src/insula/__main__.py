"""`python -m insula`: the program, for launchers that need a module."""

from __future__ import annotations

from insula.cli.app import main

if __name__ == "__main__":
    main()
