"""`App`: a group of commands whose help pages and errors look the same everywhere; `Program` is the outermost one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from insula.cli.exits import INTERRUPTED, exit_with_error, exit_with_os_error, exit_with_usage_error
from insula.core.errors import InsulaError

# typer brings its own copy of click, or uses the installed one; the base class is public in neither.
UsageError = cast(type[Exception], typer.BadParameter.__bases__[0])


class Command(TyperCommand):
    """A command whose help page shows the names of values rather than Python types."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, as the help page shows them."""
        return _drop_types(super().get_params(ctx))


class Group(TyperGroup):
    """A group of commands, with the help page of `Command`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, as the help page shows them."""
        return _drop_types(super().get_params(ctx))


class Program(Group):
    """The outermost group. An expected error becomes one sentence on standard error and an exit status."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the options before the command."""
        try:
            return super().make_context(*arguments, **options)
        except UsageError as error:
            exit_with_usage_error(error)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            exit_with_usage_error(error)
        except InsulaError as error:
            exit_with_error(str(error))
        except KeyboardInterrupt as stop:
            exit_with_error(f"stopped. {stop}".strip(), INTERRUPTED)
        except OSError as error:
            exit_with_os_error(error)


class App(typer.Typer):
    """A group under construction, with the settings that all groups of the program share."""

    def __init__(self, *, cls: type[Group] = Group, **options: Any) -> None:
        super().__init__(
            cls=cls,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode="markdown",
            context_settings={"help_option_names": ["-h", "--help"]},
            **options,
        )

    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        """Register a command, as `typer.Typer.command` does."""
        return super().command(name, **{"cls": Command, **options})


def _drop_types(parameters: list[Any]) -> list[Any]:
    """Keep Python types out of help pages, such as `<bool>` for a flag and `<list[str]>` for an argument."""
    for parameter in parameters:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: ""
        elif parameter.metavar is None and getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters
