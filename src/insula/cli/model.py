"""The option that names a model, the same for every verb that uses one."""

from __future__ import annotations

from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        help="A run (runs/care), a model folder, or the name of a run (care).",
        metavar="MODEL",
        show_default=False,
    ),
]
