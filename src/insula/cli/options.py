"""The options that commands share: the model, the output, the columns of labelled data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from insula.cli.complete import complete_data, complete_model, complete_recipe
from insula.core.scheme import Kind as SchemeKind

Language = Literal["en", "zh"]

_NAMES = "A run (runs/care), a model folder, or the name of a run (care)"

Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", help=f"{_NAMES}.", metavar="MODEL", show_default=False, autocompletion=complete_model
    ),
]

AnyModel = Annotated[
    str,
    typer.Option(
        "--model", "-m", help=f"{_NAMES}; starter comes with insula.", metavar="MODEL", autocompletion=complete_model
    ),
]
"""For commands that only need predictions; the default is `core.starter.STARTER`."""


def data_argument(help: str) -> Any:
    """Return the argument `DATA` with this help text."""
    return typer.Argument(help=help, metavar="DATA", show_default=False, autocompletion=complete_data)


def data_option(help: str) -> Any:
    """Return `--data DATA` with this help text."""
    return typer.Option("--data", help=help, metavar="DATA", show_default=False, autocompletion=complete_data)


def recipe_option(help: str) -> Any:
    """Return `--recipe RECIPE` with this help text."""
    return typer.Option("--recipe", "-r", help=help, metavar="RECIPE", autocompletion=complete_recipe)


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel="Output")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Print only the result: no progress, no notes.", rich_help_panel="Output"),
]


def folder_option(help: str) -> Any:
    """Return `--output FOLDER` with this help text."""
    return typer.Option(
        "--output", "-o", help=help, metavar="FOLDER", show_default=False, rich_help_panel="Output"
    )  # fmt: skip


FILES = "Files"


def input_option(help: str = "File of messages; - is standard input.") -> Any:
    """Return `--input FILE` with this help text."""
    return typer.Option("--input", "-i", help=help, metavar="FILE", rich_help_panel=FILES)


def output_option(help: str) -> Any:
    """Return `--output FILE` with this help text."""
    return typer.Option("--output", "-o", help=help, metavar="FILE", rich_help_panel=FILES)


Resume = Annotated[
    bool, typer.Option("--resume", help="Resume an interrupted run of the same command.", rich_help_panel=FILES)
]

RulesFile = Annotated[
    str | None,
    typer.Option(
        "--rules",
        help="Rules file to use in place of the rules stored in the model.",
        metavar="FILE",
        show_default=False,
    ),
]
Attribute = Annotated[
    list[str] | None,
    typer.Option(
        "--attribute",
        help="Attribute of TEXT for rules, such as source=forum. Can be repeated. In files, attributes are columns.",
        metavar="NAME=VALUE",
        show_default=False,
    ),
]

PANEL = "Columns (detected from common column names unless given)"
READING = "File format (detected unless given)"

Text = Annotated[
    list[str] | None,
    typer.Option(
        "--text",
        help="Column with the text, or a path into objects (data.text). Repeat it to join several columns.",
        metavar="COLUMN",
        rich_help_panel=PANEL,
    ),
]
TextAlone = Annotated[
    str | None,
    typer.Option("--text", help="Column with the text. [default: detected from common column names]", metavar="COLUMN"),
]
"""For commands that read no labels and so have no panel that explains the default."""
Label = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        help="Column with the label. Repeat it for one-hot or score columns.",
        metavar="COLUMN",
        rich_help_panel=PANEL,
    ),
]
Kind = Annotated[
    SchemeKind | None,
    typer.Option("--kind", help="Kind of the labels. [default: inferred and reported]", rich_help_panel=PANEL),
]
Scheme = Annotated[
    str | None,
    typer.Option(
        "--scheme",
        help="Name of a built-in label scheme, such as goemotions. [default: inferred]",
        metavar="NAME",
        rich_help_panel=PANEL,
    ),
]
LabelNames = Annotated[
    str | None,
    typer.Option(
        "--label-names",
        help="File with the names of numbered labels: one per line, or JSON.",
        metavar="FILE",
        rich_help_panel=PANEL,
    ),
]
Weight = Annotated[
    str | None,
    typer.Option("--weight", help="Column with example weights (at least 0).", metavar="COLUMN", rich_help_panel=PANEL),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        help="Column, such as author or thread, whose equal values stay in the same split.",
        metavar="COLUMN",
        rich_help_panel=PANEL,
    ),
]

Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter",
        help="Separator between labels in one cell. [default: inferred]",
        metavar="MARK",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
SourceFile = Annotated[
    str, typer.Argument(help="File to read; - is standard input.", metavar="FILE", show_default=False)
]
OutputFile = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        help="File to write; - is standard output, as JSON Lines.",
        metavar="FILE",
        show_default=False,
    ),
]
FileFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="File format: csv, tsv, jsonl, json, parquet, arrow, lines or fasttext. [default: by the file name]",
        metavar="FORMAT",
        show_default=False,
        rich_help_panel=READING,
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(
        "--separator",
        help="Separator of the cells in CSV and TSV: one character, or tab.",
        metavar="CHARACTER",
        rich_help_panel=READING,
    ),
]
Header = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether CSV and TSV have a header line. Without a header, name the columns by number: --text 2.",
        show_default=False,
        rich_help_panel=READING,
    ),
]
Bom = Annotated[
    bool,
    typer.Option(
        "--bom",
        help="Begin a CSV or TSV file with a byte order mark, so that Excel shows Chinese correctly.",
        rich_help_panel=FILES,
    ),
]
DisplayLanguage = Annotated[
    Language,
    typer.Option(
        "--display-language",
        help="Language of the label names that are printed for people: en or zh. JSON and files keep the names of the "
        "label scheme.",
        envvar="INSULA_DISPLAY_LANGUAGE",
        show_default="en",
        show_envvar=True,
    ),
]
KeepLeaks = Annotated[
    bool | None,
    typer.Option(
        "--keep-leaks",
        help="Keep training rows whose text is in validation or test, such as short replies in chats. Scores "
        "then include memorised texts; the report shows them with and without these rows.",
        show_default=False,
    ),
]
READING_OPTIONS = ("format", "separator", "header")
"""The options of a file's format, for verbs that choose among the options."""

CONVERSATION = "Conversation (read only if named)"
Context = Annotated[
    list[str] | None,
    typer.Option(
        "--context",
        help="Column with the earlier turns: a JSON list of texts, or of objects with text and speaker. Repeat it "
        "if each turn has its own column, oldest first.",
        metavar="COLUMN",
        rich_help_panel=CONVERSATION,
    ),
]
Dialogue = Annotated[
    str | None,
    typer.Option(
        "--dialogue",
        help="Column with the dialogue id. Earlier rows with the same id are the earlier turns of a row.",
        metavar="COLUMN",
        rich_help_panel=CONVERSATION,
    ),
]
Turn = Annotated[
    str | None,
    typer.Option(
        "--turn",
        help="Column with the number of the turn, for --dialogue. [default: file order]",
        metavar="COLUMN",
        show_default=False,
        rich_help_panel=CONVERSATION,
    ),
]
Speaker = Annotated[
    str | None,
    typer.Option(
        "--speaker", help="Column with the speaker of the text.", metavar="COLUMN", rich_help_panel=CONVERSATION
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="Column with the target of the emotion, such as a product.",
        metavar="COLUMN",
        rich_help_panel=CONVERSATION,
    ),
]
CONVERSATION_COLUMNS = ("context", "dialogue", "turn", "speaker", "target")
"""The options of a conversation, for commands that take only some of the columns."""


_OPTIONS: dict[str, Any] = {
    "text": Text,
    "label": Label,
    "kind": Kind,
    "scheme": Scheme,
    "label_names": LabelNames,
    "delimiter": Delimiter,
    "weight": Weight,
    "group": Group,
    "context": Context,
    "dialogue": Dialogue,
    "turn": Turn,
    "speaker": Speaker,
    "target": Target,
    "format": FileFormat,
    "separator": Separator,
    "header": Header,
    "keep_leaks": KeepLeaks,
}


def add_column_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add these options (default: all) to a command, which receives those given as one dictionary `data`.

    The keys are fields of the recipe's `data` section.
    """
    chosen = names or tuple(_OPTIONS)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        parameters = [parameter for parameter in own.parameters.values() if parameter.name != "data"]
        parameters += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_OPTIONS[name])
            for name in chosen
        ]

        def with_data(**given: Any) -> None:
            rest = {name: value for name, value in given.items() if name not in chosen}
            command(**rest, data=_collect_settings(given, chosen))

        with_data.__name__, with_data.__doc__ = command.__name__, command.__doc__
        with_data.__module__ = command.__module__
        # typer reads the options from these two.
        with_data.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        with_data.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return with_data

    return decorate


def _collect_settings(given: Mapping[str, Any], chosen: Sequence[str]) -> dict[str, Any]:
    for name in chosen:
        value = given.get(name)
        if value == "" or (isinstance(value, list) and "" in value):
            option = f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"{option} must be a name. Got an empty one. Pass a name, or leave {option} out.")
    settings = {name: given[name] for name in chosen if given.get(name) not in (None, [], ())}
    for name, value in settings.items():
        if isinstance(value, list):
            settings[name] = value[0] if len(value) == 1 else tuple(value)
    return settings
