"""What a search may try: options of a recipe with the values between or among which it chooses."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from insula.core.errors import MissingFileError, RecipeError
from insula.training.families.registry import NEURAL_SPACE, families
from insula.training.recipe.recipe import Recipe, load_recipe


class Choice(BaseModel):
    """One of several values, which may be numbers, words or lists: `{choices = [16, 32]}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    choices: Annotated[tuple[Any, ...], Field(min_length=1)]

    def ends(self) -> tuple[Any, ...]:
        """Return the values that the recipe must allow."""
        return self.choices

    def restored(self, value: Any) -> Any:
        """Return the choice that a database keeps as `value`."""
        return next(choice for choice in self.choices if stored(choice) == value)

    def holds(self, value: Any) -> bool:
        """Say whether the value is one of them: of a recipe it comes as 5.0 where 5 was written."""
        return _compared(value) in map(_compared, self.choices)

    def kept(self, value: Any) -> Any:
        """Return what a database keeps for a value that is one of them."""
        return stored(next(choice for choice in self.choices if _compared(choice) == _compared(value)))


class Range(BaseModel):
    """A number between two: `{low = 1e-5, high = 5e-4, log = true}`.

    Whole where both ends (and the step) are; `log` draws evenly on a logarithmic scale.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | float
    high: int | float
    step: int | float | None = Field(None, gt=0)
    log: bool = False

    @model_validator(mode="after")
    def _is_one(self) -> Range:
        if not self.low < self.high:
            raise ValueError("low must be below high")
        if self.log and self.low <= 0:
            raise ValueError("low must be above 0 where log is true")
        if self.log and self.step is not None:
            raise ValueError("step and log exclude each other")
        return self

    @property
    def whole(self) -> bool:
        """True where only whole numbers are meant."""
        return all(isinstance(number, int) for number in (self.low, self.high, self.step or 1))

    @property
    def last(self) -> int | float:
        """The last value that steps from the lower end reach."""
        if self.step is None:
            return self.high
        return self.low + self.step * int((self.high - self.low) / self.step + 1e-9)

    def ends(self) -> tuple[Any, ...]:
        """Return the values that the recipe must allow."""
        return (self.low, self.high)

    def restored(self, value: Any) -> Any:
        """Return the number that a database keeps as `value`."""
        return value

    def kept(self, value: Any) -> Any:
        """Return what a database keeps for a value that may be drawn."""
        return value

    def holds(self, value: Any) -> bool:
        """Say whether the value may be drawn."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / (self.step or 1)
        return abs(steps - round(steps)) < 1e-9 if self.step or self.whole else True


Space = Mapping[str, Choice | Range]
ROWS = ("seed", "auxiliary.sources", "distil.unlabelled", "distil.text")
"""Options that decide, beside those of `data`, which rows are learnt from and judged on."""
_ENTRY: TypeAdapter[Choice | Range] = TypeAdapter(Choice | Range)


def stored(choice: Any) -> Any:
    """Return a choice as a database keeps it: lists as JSON."""
    return choice if choice is None or isinstance(choice, bool | int | float | str) else json.dumps(choice)


def _compared(value: Any) -> str:
    """Return a value as text in which 5 is 5.0 and a tuple a list, but true is not 1."""
    return json.dumps(json.loads(json.dumps(value), parse_int=float))


def default_space(recipe: Recipe) -> Space:
    """Return what a search tries with the family of `recipe` where nothing else is said."""
    family = families[recipe.model.name]
    entries = dict(family.space or (NEURAL_SPACE if family.neural else {}))
    if "dropout" in family.options.model_fields:
        entries.setdefault("model.dropout", {"low": 0.0, "high": 0.4})
    return {key: _ENTRY.validate_python(entry) for key, entry in entries.items()}


def values_of(recipe: Recipe, keys: Iterable[str]) -> dict[str, Any]:
    """Return what a recipe says for dotted keys, None for what it does not have."""
    settings = recipe.model_dump(mode="json")
    values: dict[str, Any] = {}
    for key in keys:
        value: Any = settings
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        values[key] = value
    return values


def held_values(recipe: Recipe, fixed: Iterable[str]) -> dict[str, Any]:
    """Return the values of those fixed keys that a recipe loses where it takes another model family."""
    return values_of(recipe, [key for key in fixed if key.split(".")[0] in ("model", "train") and key != "model.name"])


def read_space(space: str | Path | Mapping[str, Any], recipe: Recipe, fixed: Iterable[str] = ()) -> Space:
    """Return the space that a TOML file or a mapping states, in sections as a recipe has them or with dotted keys.

    `fixed` are keys whose values in the recipe hold whatever is tried, so that what is tried must suit them. Every key
    must be an option of the recipe and every value one that it takes; none may decide which rows there are.
    Raises `RecipeError` that names the first that is not, `MissingFileError`.
    """
    content, origin = _content(space)
    held = held_values(recipe, fixed)
    found: dict[str, Choice | Range] = {}
    for key, entry in _entries(content, origin):
        if key.startswith("data.") or key in ROWS:
            raise RecipeError(
                f"The search space {origin} must leave {key!r} alone: rows are read and split once, so that all trials "
                "are judged on the same. Set it in the recipe, or with --set."
            )
        found[key] = _entry(key, entry, origin)
        for value in found[key].ends():
            try:
                load_recipe(recipe, {**held, key: value})
            except RecipeError as error:
                reason = str(error).removeprefix("The recipe given is not valid: ")
                raise RecipeError(f"The search space {origin} asks for what no recipe takes: {reason}") from error
    if not found:
        raise RecipeError(f"The search space {origin} must name at least one option, such as train.learning_rate.")
    return found


def _content(space: str | Path | Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    if isinstance(space, Mapping):
        return space, "given"
    file = Path(space)
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")), repr(str(file))
    except FileNotFoundError as error:
        raise MissingFileError(f"The search space file {str(file)!r} does not exist. Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"The search space file {str(file)!r} is not valid TOML: {error}. Correct it.") from error


def _entries(content: Mapping[str, Any], origin: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    plain = ("description", "seed")
    for name, value in content.items():
        section = name in Recipe.model_fields and name not in plain and isinstance(value, Mapping)
        entries = [(f"{name}.{inner}", entry) for inner, entry in value.items()] if section else [(name, value)]
        for key, entry in entries:
            if not isinstance(entry, Mapping):
                raise RecipeError(
                    f"The key {key!r} of search space {origin} must state {{choices = [...]}} or {{low = ..., high = "
                    f"...}}. Got {entry!r}; an option with one value belongs into the recipe, or into --set."
                )
            yield key, entry


def _entry(key: str, entry: Mapping[str, Any], origin: str) -> Choice | Range:
    model = Choice if "choices" in entry else Range
    try:
        return model.model_validate(dict(entry))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("int", "float"))
        said = {"missing": f"{where} is missing", "extra_forbidden": f"{where!r} is not known"}.get(
            first["type"], f"{where}: {first['msg']}".removeprefix(": ").replace("Value error, ", "")
        )
        raise RecipeError(
            f"The key {key!r} of search space {origin} is not valid: {said}. "
            "State {choices = [...]} or {low = ..., high = ...} with log or step as you need them."
        ) from error
