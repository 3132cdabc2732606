"""`insula data mask`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.options import FileFormat, Header, Json, OutputFile, Quiet, Separator, SourceFile
from insula.core.sentences import pluralise

if TYPE_CHECKING:
    from insula.data.mask_rows import MaskedFile


def mask(
    source: SourceFile,
    output: OutputFile,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            help="Column to mask. Can be repeated. [default: all]",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(
            "--kinds",
            help="Kinds of personal data to mask, separated by commas; all,presidio adds the kinds that "
            "Presidio detects, all,lac adds Chinese names anywhere in a sentence. [default: all]",
            metavar="KINDS",
            show_default=False,
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key-file",
            help="File with a key: replace personal data with pseudonyms that the key can reveal, instead of "
            "with tokens.",
            metavar="FILE",
        ),
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Replace pseudonyms with the original strings. Needs --key-file.")
    ] = False,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Mask personal data in a file: e-mail, phone, cards, identity numbers, addresses, names and more.

    Reads every format that insula knows, in English and Chinese, and keeps all columns. Without a key, masking cannot
    be undone. To make a key of 64 random bytes: `openssl rand -hex 64 > key`.

    **Examples**

        insula data mask messages.csv --output masked.csv
        insula data mask messages.csv --output masked.csv --kinds email,phone --column message
        insula data mask messages.csv --output masked.csv --kinds all,presidio
        insula data mask messages.csv --output masked.csv --key-file key
        insula data mask masked.csv --output messages.csv --key-file key --reveal
    """
    from insula.api.masking import mask_file
    from insula.cli.progress import show_progress

    if as_json and output == "-":
        raise typer.BadParameter("--json and --output - both write to standard output. Choose a file.")
    if reveal and key_file is None:
        raise typer.BadParameter("--reveal needs the key that masked the file. Pass its file with --key-file.")
    wanted = None if kinds is None else [kind.strip() for kind in kinds.split(",") if kind.strip()]
    if wanted == []:
        raise typer.BadParameter(
            "--kinds must name at least one kind, such as email. Got none. Leave it out for all kinds."
        )
    with show_progress(quiet or as_json) as progress:
        done = mask_file(
            source,
            output,
            kinds=wanted,
            columns=column or None,
            key_file=key_file,
            reveal=reveal,
            input_format=format,
            separator=separator,
            header=header,
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(done.to_dict(), ensure_ascii=False))
    elif not quiet:
        _print_counts(done, "revealed" if reveal else "masked", err=output == "-")
    for sentence in done.warnings:
        typer.echo(sentence, err=True)
    if done.rejected:
        typer.echo(
            f"{pluralise(done.rejected, 'row')} could not be read and left out; {done.first_reject}.",
            err=True,
        )


def _print_counts(done: MaskedFile, verb: str, *, err: bool) -> None:
    typer.echo(f"{pluralise(done.rows, 'row')} written, {done.altered:,} of them changed.", err=err)
    for kind, count in done.counts.items():
        typer.echo(f"{kind:<12}{count:>8,} {verb}", err=err)
