"""What messages tell users to do can be done: every option that the code names is an option of some command."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import typer

import insula
from insula.cli.app import app
from insula.data.options import DataOptions

SOURCE = Path(insula.__file__).parent
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9](?!\w)")
OF_OTHER_PROGRAMS = {
    "--force-reinstall",  # pip
    "--upgrade",  # pip
    "--no-deps",  # pip
    "--head",  # ray start
}
SUGGESTED = re.compile(r"(?:[Ss]et|(?:column|them|another column) with) `([a-z_]+)`")


def known_options() -> set[str]:
    commands = [typer.main.get_command(app)]
    found = set()
    while commands:
        command = commands.pop()
        found |= {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        commands.extend(getattr(command, "commands", {}).values())
    return found | {"--help"}


def found_in_strings(pattern: re.Pattern[str], folder: Path = SOURCE) -> Iterator[tuple[str, str]]:
    """Yield each match in a string of the code, with its place."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for found in pattern.findall(node.value):
                    yield found, f"{file.relative_to(SOURCE)}:{node.lineno}"


def test_every_option_that_is_named_exists() -> None:
    named = list(found_in_strings(OPTION))
    assert len(named) > 100
    known = known_options() | OF_OTHER_PROGRAMS
    assert {place: option for option, place in named if option not in known} == {}


def test_every_data_option_that_is_named_exists() -> None:
    named = list(found_in_strings(SUGGESTED, SOURCE / "data"))
    assert len(named) > 10
    assert {place: option for option, place in named if option not in DataOptions.model_fields} == {}


def test_an_option_that_does_not_exist_is_found() -> None:
    assert OPTION.findall("set `kind` (--kindd single), or --label-names names.txt; a--b -- c") == [
        "--kindd",
        "--label-names",
    ]
    assert "--label-names" in known_options()
    assert "--no-header" in known_options()
    assert "--kindd" not in known_options()
