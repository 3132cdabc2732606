"""The option that names a model, the same for every verb that uses one."""

from __future__ import annotations

from typing import Annotated

import typer

_NAMES = "A run (runs/care), a model folder, or the name of a run (care)"

Model = Annotated[str, typer.Option("--model", "-m", help=f"{_NAMES}.", metavar="MODEL", show_default=False)]

AnyModel = Annotated[
    str, typer.Option("--model", "-m", help=f"{_NAMES}; starter is the one that comes with insula.", metavar="MODEL")
]
"""For verbs that ask no more of a model than its answers: its default is `core.starter.STARTER`."""
