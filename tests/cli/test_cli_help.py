"""Help pages, wrong usage and completion: the same everywhere, in the words of the program, not of Python."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from cli_messages import PROGRAM, failed
from typer.testing import CliRunner

from insula import __version__
from insula.cli.app import app
from insula.training.recipe.recipe import list_builtin_recipes
from waiting import DEADLINE

Insula = Callable[..., Any]
PYTHON = re.compile(r"<(bool|str|int|float|path|file|int range|float range|list\[\w+\]|tuple)>|\b(TEXT|INTEGER)\b \[")


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from _commands(inner, (*path, name))


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "insula")
def test_a_help_page_shows_names_of_values(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "120"}).stdout
    assert not PYTHON.search(shown), shown
    lines = [line.strip() for line in shown.splitlines()]
    # Each example stands on its own line, so that it can be copied.
    for example in re.findall(r"^ {4,}(insula .+)$", COMMANDS[path].help or "", re.MULTILINE):
        assert example.strip() in lines


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("train", "--processes", "x"), "--processes must be a whole number. Got 'x'. See: insula train --help"),
        (("train", "--processes", "0"), "--processes must be at least 1. Got '0'. See: insula train --help"),
        (
            ("train",),
            "The command needs DATA to train on, or --resume RUN. Pass one of them. See: insula train --help",
        ),
        (("train", "a.csv", "--kind", "x"), "--kind: 'x' is not one of 'binary', 'single', 'multi', 'ordinal', "),
        (("search", "tweets", "--seed", "1.5"), "--seed must be a whole number. Got '1.5'."),
        (("predict", "--nope"), "No such option: --nope. See: insula predict --help"),
        (("keys", "create"), "Missing argument 'NAME'. See: insula keys create --help"),
        (
            ("model", "compress", "-m", "a", "-o", "b", "--max-size", "big"),
            "--max-size must be a number with a unit, such as 12MB. Got 'big'.",
        ),
        (("trian",), "No such command 'trian'. Did you mean 'train', 'pretrain', 'trend'? See: insula --help"),
        (("--nope",), "No such option: --nope. See: insula --help"),
    ],
)
def test_wrong_usage_is_one_sentence(insula: Insula, here: Path, arguments: tuple[str, ...], sentence: str) -> None:
    result = insula(*arguments)
    assert sentence in failed(result, status=2)
    assert len(result.stderr.splitlines()) == 1
    assert not result.stdout


@pytest.mark.parametrize("path", [path for path, one in COMMANDS.items() if hasattr(one, "commands")])
def test_a_group_without_a_command_shows_its_help(insula: Insula, path: tuple[str, ...]) -> None:
    bare, asked = insula(*path), insula(*path, "--help")
    assert (bare.exit_code, asked.exit_code) == (2, 0)
    assert (bare.stdout.rstrip(), bare.stderr) == (asked.stdout.rstrip(), "")


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_shown(insula: Insula, option: str) -> None:
    assert insula(option).stdout == f"insula {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("insula train tw", {"tweets"}),
        ("insula train tweets --recipe li", {"linear"}),
        ("insula search my", {"my.csv", "my-runs/"}),
        ("insula evaluate my.csv --model fi", {"first"}),
        ("insula predict -m st", {"starter"}),
        ("insula train tweets -r ", {*list_builtin_recipes(), "my-runs/", "runs/"}),
    ],
)
def test_names_are_completed(tmp_path: Path, typed: str, expected: set[str]) -> None:
    (tmp_path / "runs" / "first" / "model").mkdir(parents=True)
    (tmp_path / "my-runs").mkdir()
    (tmp_path / "my.csv").touch()
    words = typed.split(" ")
    asked = {"_INSULA_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    program = [
        *PROGRAM[:2],
        PROGRAM[2].replace("main()", "app(prog_name='insula')").replace("import main", "import app"),
    ]
    done = subprocess.run(
        program,
        cwd=tmp_path,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert set(done.stdout.split()) == expected, done.stderr


def test_an_option_has_one_meaning_in_all_commands() -> None:
    """The value of an option has the same name wherever the option occurs, but for those listed with the reason."""
    different = {
        "--output",  # a folder of results, or a file of predictions
        "--context", "--speaker", "--target",  # values with TEXT, columns with files
        "--format",  # of a file of data, or what a model is exported for
        "--model",  # in `pretrain` an encoder
        "--message",  # the id of a message in the queue, or the column of messages
        "--resume",  # a run to resume, or a switch where the output names it
    }  # fmt: skip
    values: dict[str, set[str]] = {}
    for command in COMMANDS.values():
        for parameter in command.params:
            for option in (name for name in parameter.opts if name.startswith("--") and not parameter.hidden):
                values.setdefault(option, set()).add(parameter.metavar or "")
    assert {option for option, names in values.items() if len(names) > 1} <= different
