"""`insula serve`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from insula.cli.complete import complete_model
from insula.cli.tables import SAMPLE_TEXTS


def serve(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A run, a model folder, or the name of a run. Can be repeated. [default: starter]",
            metavar="MODEL",
            show_default=False,
            autocompletion=complete_model,
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option("--host", help="Address to listen on. [default: 127.0.0.1, this machine only]", metavar="HOST"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", help="Port to listen on; 0 picks a free one. [default: 8000]", metavar="PORT"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="TOML file with settings.", metavar="FILE", show_default=False),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Accept requests without a key until the first key is created.")
    ] = False,
    routes: Annotated[
        Path | None,
        typer.Option(
            "--routes",
            help="TOML file with routing rules; also enables the hand-off queue.",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print the settings as a commented TOML file and exit.")
    ] = False,
) -> None:
    """Serve predictions over HTTP, until Ctrl-C or SIGTERM.

    Settings come from the command line, the environment (`INSULA_SERVE_PORT`) and a TOML file, in this order of
    precedence. Texts of concurrent requests are batched. A request that cannot be answered in time is rejected at once.

    **Examples**

        insula serve -m runs/care
        insula serve -m runs/care -m runs/intensity --port 9000
        insula serve -m runs/care --routes routes.toml
        insula serve --print-config > serve.toml
        insula serve --config serve.toml
    """
    from insula.core.environment import require

    for package in ("fastapi", "uvicorn", "prometheus_client", "pydantic_settings"):
        require(package, extra="serve", purpose="serve over HTTP")
    from insula.serving.settings.config_file import to_toml
    from insula.serving.settings.settings import load_settings

    given = {
        "models": models or None,
        "host": host,
        "port": port,
        "access": {"insecure": True} if insecure else None,
        "handoff": None if routes is None else {"routes": routes},
    }
    settings = load_settings(config, given=given)
    if print_config:
        typer.echo(to_toml(settings), nl=False)
        return
    from insula.serving.server import serve as run_server

    run_server(settings, _print_address)


def _print_address(address: str) -> None:
    body = json.dumps({"texts": [SAMPLE_TEXTS["en"]]}, ensure_ascii=False)
    typer.echo(f"Listening on {address} (Ctrl-C stops). Open it in a browser, or try:\n")
    typer.echo(f"  curl {address}/v1/predict -H 'Content-Type: application/json' -d '{body}'\n")
