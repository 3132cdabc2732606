"""The parts of the reference that the code says better than we could: recipe options, commands, schemes, steps, names.

    python docs/generate.py            write every part and file again
    python docs/generate.py --check    exit with 1 where a page or file differs from the code

A part is between `<!-- generated:NAME -->` and `<!-- /generated -->`; `FILES` are generated as a whole.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
import tomllib
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

import insula
import python_reference
from insula.api.comparison import ComparisonRun
from insula.api.data import list_data
from insula.api.evaluation import EvaluationRun
from insula.api.runs import RunSummary
from insula.augmentation.augment_rows import AugmentedFile
from insula.cli.app import app
from insula.compression.bench import Bench
from insula.compression.compress import CompressionResult
from insula.compression.prune import PruningResult
from insula.compression.quantize import CompressedModel
from insula.core.builtin_schemes import BUILTIN_SCHEMES
from insula.data.formats.formats import EXTENSIONS, FORMATS
from insula.data.mask_rows import MaskedFile
from insula.evaluation.attack_document import AttackDocument, AttackedText
from insula.evaluation.document import SCHEMA_VERSION, MetricsDocument
from insula.evaluation.metrics.metric_names import METRICS
from insula.evaluation.result import Evaluation
from insula.explanation.nearest import NearestExample, NearestExamples
from insula.explanation.overview.document import GlobalExplanation, LabelWords, WordChange, WordEffect
from insula.inference.files import FileResult
from insula.inference.predictor import Predictor
from insula.models.pretrained import ALIASES, EncoderAlias
from insula.operations.monitoring.settings import AlertRule, DriftSettings, WindowSettings
from insula.operations.outbox.receivers import Receiver
from insula.operations.reporting.settings import Advice, ReportFile
from insula.operations.routing.route_file import Route, RouteFile
from insula.operations.streams.message import MessageFields
from insula.safety.mask import MaskedText
from insula.text.preparation import ENCODER_STEPS, TEXT_STEPS, WORD_STEPS
from insula.training.families.registry import families
from insula.training.options.by_rows import RowsOptions
from insula.training.pretraining.inputs import PretrainRun
from insula.training.recipe.recipe import Recipe, list_builtin_recipes
from insula.training.run import Run
from insula.training.search.result import SearchResult

ROOT = Path(__file__).parent.parent
MARKED = re.compile(
    r"(?P<open><!-- generated:(?P<name>[\w-]+) -->\n)(?P<part>.*?)(?P<close><!-- /generated -->)", re.DOTALL
)
LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
HEADING = re.compile(r"(\*\*|\[bold\])Examples?(\*\*|\[/bold\])")
COMMAND = re.compile(r"\s*(cat \S+ \| )?insula \w")


def recipe_options() -> str:
    """Every section of a recipe with its options."""
    parts = [_options_table({name: Recipe.model_fields[name] for name in ("name", "description", "seed", "by_rows")})]
    parts.append(f"### `[[by_rows]]`\n\n{_first_line(RowsOptions)}\n\n{_options_table(RowsOptions.model_fields)}")
    for name, field in Recipe.model_fields.items():
        section = field.annotation
        if name == "model":
            for family in families:
                options = families[family].options
                parts.append(f'### `[model]` with `name = "{family}"`\n\n{_first_line(options)}\n')
                parts.append(_options_table(options.model_fields))
                if preferred := families[family].train:
                    said = ", ".join(f"`{key}` = {value!r}" for key, value in preferred.items())
                    parts.append(f"Defaults of this family in `[train]`: {said}.\n")
        elif isinstance(section, type) and issubclass(section, BaseModel):
            parts.append(f"### `[{name}]`\n\n{_first_line(section)}\n")
            parts.append(_options_table(section.model_fields))
    return "\n".join(parts)


def route_options() -> str:
    """The keys of a routing rule, and of the file."""
    whole = {"match": RouteFile.model_fields["match"]}
    return f"{_options_table(Route.model_fields)}\nOf the file:\n\n{_options_table(whole)}"


def monitor_options() -> str:
    """The keys of a monitor's file."""
    parts = {
        "[windows]": WindowSettings,
        "[drift]": DriftSettings,
        "[fields]": MessageFields,
        "[[alerts]]": AlertRule,
        "[[receivers]]": Receiver,
    }
    return "\n".join(f"### `{name}`\n\n{_options_table(table.model_fields)}" for name, table in parts.items())


def report_options() -> str:
    """The keys of a report's file."""
    own = {name: field for name, field in ReportFile.model_fields.items() if name not in ("fields", "advice")}
    parts = {"The report": own, "`[fields]`": MessageFields.model_fields, "`[[advice]]`": Advice.model_fields}
    return "\n".join(f"### {name}\n\n{_options_table(fields)}" for name, fields in parts.items())


def recipes() -> str:
    """The built-in recipes."""
    return _table(("recipe", "what it is for"), [(f"`{name}`", said) for name, said in list_builtin_recipes().items()])


def model_families() -> str:
    """The model families and the encoders with a short name."""
    rows = [(f"`{name}`", families[name].description) for name in families]
    aliases = [
        (
            f"`{name}`",
            known.hub_id,
            _revision(known),
            f"`{known.package.replace('_', '-')}`",
        )
        for name, known in ALIASES.items()
    ]
    return (
        _table(("family", "what it is"), rows)
        + "\nEncoders with a short name:\n\n"
        + _table(("alias", "hub id", "revision", "package that carries it"), aliases)
    )


def _revision(known: EncoderAlias) -> str:
    return "only from the package" if known.revision is None else f"`{known.revision[:12]}`"


def commands() -> str:
    """Every command with its arguments and options."""
    return "\n".join(_command(command, name) for name, command in _leaves(typer.main.get_command(app), "insula"))


def label_schemes() -> str:
    """The built-in label schemes."""
    rows = []
    for scheme in BUILTIN_SCHEMES.values():
        ranges = {f"{low:g} to {high:g}" for low, high in scheme.ranges.values()}
        chinese = scheme.display.get("zh", {})
        names = ", ".join(f"{name} {chinese[name]}" if name in chinese else name for name in scheme.names)
        names += f" ({', '.join(ranges)})" if ranges else ""
        maps = ", ".join(f"`{target}`" for target in scheme.mappings) or "–"
        rows.append((f"`{scheme.name}`", scheme.kind, names, maps))
    return _table(("scheme", "kind", "labels", "maps to"), rows)


def text_steps() -> str:
    """The text steps, and which the families take by themselves."""
    order = list(dict.fromkeys((*ENCODER_STEPS, *WORD_STEPS, *TEXT_STEPS)))
    rows = [
        (
            f"`{name}`",
            _first_line(TEXT_STEPS[name]).removeprefix("Return "),
            "yes" if name in WORD_STEPS else "no",
            "yes" if name in ENCODER_STEPS else "no",
        )
        for name in order
    ]
    return _table(("step", "returns", "in `linear`", "in `encoder`"), rows)


def metrics() -> str:
    """The metrics by name."""
    rows = [(f"`{name}`", title, meaning) for name, (title, meaning) in METRICS.items()]
    return _table(("name", "called", "what it says"), rows)


def metrics_keys() -> str:
    """The keys of `metrics.json`."""
    return _keys_table(MetricsDocument)


def evaluation_keys() -> str:
    """The keys of `test` and `validation` in `metrics.json`."""
    return _keys_table(Evaluation)


def metrics_schema() -> str:
    """The JSON schema of `metrics.json`."""
    schema = MetricsDocument.model_json_schema(by_alias=True, schema_generator=_WithoutTitles, mode="serialization")
    about = {"$schema": GenerateJsonSchema.schema_dialect, "version": SCHEMA_VERSION}
    return json.dumps({**about, **schema}, ensure_ascii=False, indent=2) + "\n"


def data_sets() -> str:
    """The built-in data sets."""
    rows = [
        (f"`{one.name}`", one.description, f"{one.rows:,}", ", ".join(one.labels), one.licence, one.citation)
        for one in list_data()
    ]
    return _table(("name", "what it is", "rows", "labels", "licence", "source"), rows)


def file_formats() -> str:
    """The file formats by ending."""
    rows = [
        (f"`{name}`", ", ".join(f"`{ending}`" for ending, known in EXTENSIONS.items() if known == name))
        for name in FORMATS
    ]
    return _table(("format", "endings, each also with `.gz`"), rows)


def python() -> str:
    """The public names of `insula` with signature and docstring."""
    return _python({name: getattr(insula, name) for name in insula.__all__ if name != "__version__"})


def results() -> str:
    """What the public functions return."""
    kinds = (
        Run,
        PretrainRun,
        RunSummary,
        SearchResult,
        CompressedModel,
        CompressionResult,
        PruningResult,
        Bench,
        EvaluationRun,
        ComparisonRun,
        FileResult,
        MaskedText,
        MaskedFile,
        AttackDocument,
        AttackedText,
        AugmentedFile,
        NearestExamples,
        NearestExample,
        GlobalExplanation,
        LabelWords,
        WordEffect,
        WordChange,
        Predictor,
    )
    return _python({kind.__name__: kind for kind in kinds})


def rooms() -> str:
    """The rooms that exist, from the top down, as the import contract has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    contract = next(one for one in settings["contracts"] if one["type"] == "layers")
    lines = []
    for layer in contract["layers"]:
        names = [name.strip(" ()") for name in layer.split("|")]
        there = [name for name in names if _room(name).exists()]
        if there:
            lines.append(" | ".join(there))
    return "\n```text\n" + "\n".join(lines) + "\n```\n\n"


def room_list() -> str:
    """What each room holds, in its own words."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = next(one for one in settings["contracts"] if one["type"] == "layers")["layers"]
    names = [name.strip(" ()") for layer in reversed(layers) for name in layer.split("|")]
    rows = []
    for name in names:
        file = _room(name)
        if file.exists():
            said = inspect.cleandoc(_docstring(file)).splitlines()[0]
            rows.append((f"`{name}{'' if file.name == '__init__.py' else '.py'}`", said))
    return _table(("room", "what it holds"), rows)


PARTS: Mapping[str, Callable[[], str]] = {
    "recipe-options": recipe_options,
    "route-options": route_options,
    "monitor-options": monitor_options,
    "report-options": report_options,
    "recipes": recipes,
    "model-families": model_families,
    "commands": commands,
    "label-schemes": label_schemes,
    "text-steps": text_steps,
    "metrics": metrics,
    "metrics-keys": metrics_keys,
    "evaluation-keys": evaluation_keys,
    "data-sets": data_sets,
    "file-formats": file_formats,
    "python": python,
    "results": results,
    "rooms": rooms,
    "room-list": room_list,
}
FILES: Mapping[Path, Callable[[], str]] = {ROOT / "docs" / "reference" / "metrics-schema.json": metrics_schema}


def filled(text: str) -> str:
    """Return the text with every marked part made again; `KeyError` for a part that nobody makes."""
    return MARKED.sub(lambda found: f"{found['open']}{PARTS[found['name']]()}{found['close']}", text)


def pages() -> Iterator[Path]:
    """Yield the pages that may hold generated parts."""
    yield from sorted(ROOT.glob("*.md"))
    yield from sorted((ROOT / "docs").rglob("*.md"))


def main(arguments: Sequence[str]) -> int:
    """Fill or check all pages and files, and return the exit status."""
    wanted = {page: filled(page.read_text(encoding="utf-8")) for page in pages()}
    wanted |= {file: make() for file, make in FILES.items()}
    stale = [file for file, text in wanted.items() if not file.exists() or file.read_text(encoding="utf-8") != text]
    for file in stale:
        if "--check" not in arguments:
            file.write_text(wanted[file], encoding="utf-8")
        print(f"{file.relative_to(ROOT)}: {'differs from the code' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


def _room(name: str) -> Path:
    folder = ROOT / "src" / "insula" / name / "__init__.py"
    return folder if folder.exists() else ROOT / "src" / "insula" / f"{name}.py"


def _docstring(file: Path) -> str:
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles that only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _keys_table(kind: type[BaseModel]) -> str:
    rows = [(f"`{field.alias or name}`", field.description or "") for name, field in kind.model_fields.items()]
    return _table(("key", "what it holds"), rows)


def _options_table(fields: Mapping[str, FieldInfo]) -> str:
    rows = [
        (
            f"`{name}`",
            _allowed(field),
            "" if field.is_required() else f"`{_value(field.default)}`",
            field.description or "",
        )
        for name, field in fields.items()
    ]
    return _table(("option", "allowed", "default", "meaning"), rows)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_value, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _allowed(field: FieldInfo) -> str:
    limits = [
        f"{word} {getattr(limit, bound):g}"
        for limit in field.metadata
        for bound, word in LIMITS.items()
        if hasattr(limit, bound)
    ]
    return ", ".join((_type(field.annotation), *limits))


def _type(kind: Any) -> str:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return _type(inner[0])
    if origin is typing.Literal:
        return ", ".join(f"`{_value(one)}`" for one in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(one) for one in inner if one is not type(None))
    if origin in (dict, Mapping):
        return f"table of {_type(inner[1])}"
    if origin is tuple:
        several = [one for one in inner if one is not Ellipsis]
        return f"list of {_type(several[0])}" + (f" ({len(several)})" if Ellipsis not in inner else "")
    return {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}.get(kind, str(kind))


def _leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for part in command.commands:
            yield from _leaves(command.commands[part], f"{name} {part}")
    else:
        yield name, command


def _command(command: Any, name: str) -> str:
    paragraphs = [part for part in inspect.cleandoc(command.help or "").split("\n\n") if not HEADING.fullmatch(part)]
    shown = [line.strip() for part in paragraphs for line in part.splitlines() if COMMAND.match(line)]
    prose = [" ".join(part.split()) for part in paragraphs if not COMMAND.match(part)]
    lines = [f"### `{name}`\n", *(f"{part}\n" for part in prose)]
    if shown:
        lines += [
            "<!-- not run: examples of the help text; the how-tos run similar ones -->",
            "```sh",
            *shown,
            "```",
            "",
        ]
    lines.append(
        _table(
            ("argument or option", "meaning", "default"),
            [_parameter(one) for one in command.params if not one.hidden],
        )
    )
    return "\n".join(lines)


def _parameter(parameter: Any) -> tuple[str, str, str]:
    named = ", ".join(f"`{option}`" for option in parameter.opts)
    if not parameter.opts[0].startswith("-"):
        several = parameter.nargs == -1 or parameter.multiple
        named = f"`{parameter.name.upper()}{'...' if several else ''}`"
    needed = "required" if parameter.required else ""
    default = parameter.default if parameter.default not in (None, False, ()) else ""
    return named, parameter.help or "", needed or (f"`{default}`" if default else "")


def _python(members: Mapping[str, Any]) -> str:
    parts = [python_reference.overview(members), *(python_reference.member(*one) for one in members.items())]
    return "\n" + "\n".join(parts) + "\n"


def _first_line(member: Any) -> str:
    return (inspect.getdoc(member) or "").splitlines()[0] if inspect.getdoc(member) else ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in cells) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
