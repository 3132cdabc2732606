"""`insula serve`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.tables import TRY


def serve(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="Run, model folder, or name of a run; may be given several times. [default: the starter model]",
            metavar="MODEL",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option("--host", help="Address to listen at. [default: 127.0.0.1, this machine alone]", metavar="HOST"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", help="Port to listen at; 0 takes a free one. [default: 8000]", metavar="PORT"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="TOML file with settings.", metavar="FILE", show_default=False),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let everybody who reaches the port call, until a first key is made.")
    ] = False,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the settings as a TOML file that explains itself, and end.")
    ] = False,
) -> None:
    """Answer requests over HTTP, until Ctrl-C or SIGTERM.

    Settings come from the command line, the environment (`INSULA_SERVE_PORT`) and a TOML file, in this order.
    Texts of many requests are computed together; what cannot be answered in time is refused at once.

    **Examples**

        insula serve -m runs/care
        insula serve -m runs/care -m runs/intensity --port 9000
        insula serve --print-config > serve.toml
        insula serve --config serve.toml
    """
    from insula.core.environment import require

    for package in ("fastapi", "uvicorn", "prometheus_client", "pydantic_settings"):
        require(package, extra="serve", purpose="answer over HTTP")
    from insula.serving.settings.config_file import to_toml
    from insula.serving.settings.settings import load_settings

    given = {"models": models or None, "host": host, "port": port, "access": {"insecure": True} if insecure else None}
    settings = load_settings(config, given=given)
    if print_config:
        typer.echo(to_toml(settings), nl=False)
        return
    from insula.serving.server import serve as run_server

    run_server(settings, _say_where)


def _say_where(address: str) -> None:
    body = json.dumps({"texts": [TRY["en"]]}, ensure_ascii=False)
    typer.echo(f"Listening at {address} (Ctrl-C stops). Open it in a browser, or try:\n")
    typer.echo(f"  curl {address}/v1/predict -H 'Content-Type: application/json' -d '{body}'\n")
