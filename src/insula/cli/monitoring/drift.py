"""`insula drift`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from insula.cli.options import AnyModel, FileFormat, Header, Json, Separator, data_argument
from insula.core.starter import STARTER

if TYPE_CHECKING:
    from insula.evaluation.drift.drift import AspectDrift, Drift

DRIFTED = 3  # exit status


def drift(
    data: Annotated[str, data_argument("File with the current texts; labels are not needed.")],
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference",
            help="File with texts like those the model was evaluated on, such as its test rows. "
            "[default: the counts of its validation rows in the model folder]",
            metavar="FILE",
            show_default=False,
        ),
    ] = None,
    model: AnyModel = STARTER,
    alpha: Annotated[
        float,
        typer.Option(
            "--alpha", help="Probability of at least one false alarm if nothing has drifted.", metavar="P", min=0, max=1
        ),
    ] = 0.01,
    min_size: Annotated[
        float,
        typer.Option(
            "--min-size",
            help="Smallest significant difference between shares or distributions that counts as drift, 0 to 1.",
            metavar="SIZE",
            min=0,
            max=1,
        ),
    ] = 0.1,
    text: Annotated[str | None, typer.Option("--text", help="Column with the text.", metavar="COLUMN")] = None,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
    as_json: Json = False,
) -> None:
    """Find out whether texts have drifted from those a model was evaluated on, and estimate its current quality.

    Compares predicted labels, confidence, length, language, unknown words and, for neural models, the embedding with
    the reference. The estimate of accuracy and F1 comes from the calibrated scores, without labels: it falls on harder
    texts, but does not notice a change in the meaning of labels. The exit status is 3 if anything has drifted.

    **Examples**

        insula drift november.csv -m runs/care
        insula drift november.csv --reference test.csv -m runs/care
        insula drift november.csv --reference test.csv -m runs/care --json
    """
    from insula.api.drift import measure_drift

    found = measure_drift(
        reference, data, model, alpha=alpha, min_size=min_size, text=text, input_format=format, separator=separator,
        header=header,
    )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        _print_drift(found)
    for note in found.notes:
        typer.echo(note, err=True)
    if found.drifted:
        raise typer.Exit(DRIFTED)


def _print_drift(found: Drift) -> None:
    typer.echo(f"{found.rows:,} texts, {found.reference_rows:,} reference texts")
    for one in found.aspects:
        typer.echo(f"{'DRIFT' if one.drifted else 'same ':<6} {one.aspect:<11} size {one.size:.2f}  {_describe(one)}")
    if found.estimated is not None and found.estimated_reference is not None:
        now, before = found.estimated, found.estimated_reference
        typer.echo(
            f"estimated without labels: accuracy {now.accuracy:.2f} (reference {before.accuracy:.2f}), "
            f"macro-F1 {now.macro_f1:.2f} (reference {before.macro_f1:.2f})"
        )


def _describe(one: AspectDrift) -> str:
    if set(one.details) == {"mean"}:
        now, before = one.details["mean"]
        return f"mean {now:,.3g} (reference {before:,.3g})"
    shares = [f"{name} {now:.0%} ({before:.0%})" for name, (now, before) in list(one.details.items())[:3]]
    return "  ".join(shares)
