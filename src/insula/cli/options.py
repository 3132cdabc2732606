"""The options that verbs share: the model, what is printed, the columns of labelled data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from insula.core.scheme import Kind as SchemeKind

_NAMES = "A run (runs/care), a model folder, or the name of a run (care)"

Model = Annotated[str, typer.Option("--model", "-m", help=f"{_NAMES}.", metavar="MODEL", show_default=False)]

AnyModel = Annotated[
    str, typer.Option("--model", "-m", help=f"{_NAMES}; starter is the one that comes with insula.", metavar="MODEL")
]
"""For verbs that ask no more of a model than its answers: its default is `core.starter.STARTER`."""


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel="Output")]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress and no notes, the result alone.", rich_help_panel="Output"),
]


def folder_option(help: str) -> Any:
    """Return `--output FOLDER`, for a verb that says what it writes there."""
    return typer.Option(
        "--output", "-o", help=help, metavar="FOLDER", show_default=False, rich_help_panel="Output"
    )  # fmt: skip


PANEL = "Columns (found by their usual names where not given)"

Text = Annotated[
    str | None,
    typer.Option("--text", help="Column with the text.", metavar="COLUMN", rich_help_panel=PANEL),
]
TextAlone = Annotated[
    str | None,
    typer.Option("--text", help="Column with the text; found by its usual names where not given.", metavar="COLUMN"),
]
"""For verbs that read no labels, so that no panel says what "not given" means."""
Label = Annotated[
    list[str] | None,
    typer.Option(
        "--label",
        help="Column with the label; give it several times for one-hot or score columns.",
        metavar="COLUMN",
        rich_help_panel=PANEL,
    ),
]
Kind = Annotated[
    SchemeKind | None,
    typer.Option("--kind", help="What the labels are; inferred and said where not given.", rich_help_panel=PANEL),
]
Scheme = Annotated[
    str | None,
    typer.Option(
        "--scheme", help="A built-in label scheme, such as goemotions.", metavar="NAME", rich_help_panel=PANEL
    ),
]
LabelNames = Annotated[
    str | None,
    typer.Option(
        "--label-names",
        help="File that names numbered labels: one a line, or JSON.",
        metavar="FILE",
        rich_help_panel=PANEL,
    ),
]
Weight = Annotated[
    str | None,
    typer.Option("--weight", help="Column with example weights.", metavar="COLUMN", rich_help_panel=PANEL),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        help="Column (author, thread) whose rows stay on one side of a split.",
        metavar="COLUMN",
        rich_help_panel=PANEL,
    ),
]

CONVERSATION = "Conversation (columns are read only where they are named)"
Context = Annotated[
    list[str] | None,
    typer.Option(
        "--context",
        help="Column with the earlier turns: a JSON list of texts, or of objects with text and speaker. Repeat it for "
        "one turn a column, the oldest first.",
        metavar="COLUMN",
        rich_help_panel=CONVERSATION,
    ),
]
Dialogue = Annotated[
    str | None,
    typer.Option(
        "--dialogue",
        help="Column with the dialogue that a row belongs to: the rows before it are its earlier turns.",
        metavar="COLUMN",
        rich_help_panel=CONVERSATION,
    ),
]
Turn = Annotated[
    str | None,
    typer.Option(
        "--turn",
        help="With --dialogue: column that orders its rows. [default: as they are in the file]",
        metavar="COLUMN",
        show_default=False,
        rich_help_panel=CONVERSATION,
    ),
]
Speaker = Annotated[
    str | None,
    typer.Option("--speaker", help="Column with who says the text.", metavar="COLUMN", rich_help_panel=CONVERSATION),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="Column with what the emotion is towards: an aspect, a product.",
        metavar="COLUMN",
        rich_help_panel=CONVERSATION,
    ),
]
CONVERSATION_COLUMNS = ("context", "dialogue", "turn", "speaker", "target")
"""The options of a conversation, for verbs that choose among the columns."""


_OPTIONS: dict[str, Any] = {
    "text": Text,
    "label": Label,
    "kind": Kind,
    "scheme": Scheme,
    "label_names": LabelNames,
    "weight": Weight,
    "group": Group,
    "context": Context,
    "dialogue": Dialogue,
    "turn": Turn,
    "speaker": Speaker,
    "target": Target,
}


def with_columns(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb these options (all of them where none is named), which it gets as one dictionary `data`.

    It holds those that were given, as fields of the recipe's `data` section.
    """
    chosen = names or tuple(_OPTIONS)

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(verb, eval_str=True)
        parameters = [parameter for parameter in own.parameters.values() if parameter.name != "data"]
        parameters += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_OPTIONS[name])
            for name in chosen
        ]

        def taken(**given: Any) -> None:
            verb(**{name: value for name, value in given.items() if name not in chosen}, data=_settings(given, chosen))

        taken.__name__, taken.__doc__ = verb.__name__, verb.__doc__
        taken.__module__ = verb.__module__
        # What typer reads the options from.
        taken.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        taken.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return taken

    return decorate


def _settings(given: Mapping[str, Any], chosen: Sequence[str]) -> dict[str, Any]:
    for name in chosen:
        value = given.get(name)
        if value == "" or (isinstance(value, list) and "" in value):
            option = f"--{name.replace('_', '-')}"
            raise typer.BadParameter(f"{option} must hold a name. Got an empty one; name it, or leave {option} out.")
    settings = {name: given[name] for name in chosen if given.get(name)}
    for name, value in settings.items():
        if isinstance(value, list):
            settings[name] = value[0] if len(value) == 1 else tuple(value)
    return settings
