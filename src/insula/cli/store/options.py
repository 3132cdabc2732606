"""The options that locate the store and the audit log of a server, shared by all commands that open them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

STORE = "insula-data"
"""The default of `--store`, as in `operations.audit.log`, which takes longer to import."""
Store = Annotated[
    str,
    typer.Option(
        "--store",
        help="Data folder of the server, or postgresql://user:password@host/name.",
        metavar="PLACE",
        envvar="INSULA_SERVE_STORE_ADDRESS",
        show_envvar=False,
        rich_help_panel="Place",
    ),
]
Audit = Annotated[
    Path | None,
    typer.Option(
        "--audit",
        help="Folder of the audit log. [default: audit in the data folder]",
        metavar="FOLDER",
        envvar="INSULA_SERVE_AUDIT_FOLDER",
        show_envvar=False,
        show_default=False,
        rich_help_panel="Place",
    ),
]
Anchor = Annotated[
    str | None,
    typer.Option(
        "--anchor",
        help="File outside the server that receives the head of the audit log after each entry; - is standard output.",
        metavar="FILE",
        envvar="INSULA_SERVE_AUDIT_ANCHOR",
        show_envvar=False,
        show_default=False,
        rich_help_panel="Place",
    ),
]
