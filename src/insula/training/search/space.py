"""Search spaces: the options of a recipe that a search varies, with their choices or ranges."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from insula.core.errors import MissingFileError, RecipeError
from insula.core.sentences import describe_invalid_value
from insula.training.families.registry import NEURAL_SPACE, families
from insula.training.recipe.recipe import Recipe, load_recipe


class Choice(BaseModel):
    """A list of values (numbers, words or lists): `{choices = [16, 32]}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    choices: Annotated[tuple[Any, ...], Field(min_length=1)]

    def bounds(self) -> tuple[Any, ...]:
        """Return the values that must be valid in the recipe."""
        return self.choices

    def from_stored(self, value: Any) -> Any:
        """Return the choice that is stored as `value` in the database."""
        return next(choice for choice in self.choices if to_storable(choice) == value)

    def contains(self, value: Any) -> bool:
        """Return whether the value is a choice; a recipe may have turned 5 into 5.0."""
        return _to_comparable(value) in map(_to_comparable, self.choices)

    def to_storable(self, value: Any) -> Any:
        """Return the stored form of a value that is a choice."""
        return to_storable(next(choice for choice in self.choices if _to_comparable(choice) == _to_comparable(value)))


class Range(BaseModel):
    """A range of numbers: `{low = 1e-5, high = 5e-4, log = true}`.

    Integers if both ends (and the step) are; `log` samples uniformly on a logarithmic scale.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | float
    high: int | float
    step: int | float | None = Field(None, gt=0)
    log: bool = False

    @model_validator(mode="after")
    def _check_range(self) -> Range:
        if not self.low < self.high:
            raise ValueError("`low` must be below `high`. Swap or correct them")
        if self.log and self.low <= 0:
            raise ValueError("`low` must be above 0 if `log` is true. Raise it, or set `log` to false")
        if self.log and self.step is not None:
            raise ValueError("`step` and `log` cannot be combined. Remove one of them")
        return self

    @property
    def is_integer(self) -> bool:
        """Whether the range has integers only."""
        return all(isinstance(number, int) for number in (self.low, self.high, self.step or 1))

    @property
    def last(self) -> int | float:
        """The last value that is reached in steps from the lower end."""
        if self.step is None:
            return self.high
        return self.low + self.step * int((self.high - self.low) / self.step + 1e-9)

    def bounds(self) -> tuple[Any, ...]:
        """Return the values that must be valid in the recipe."""
        return (self.low, self.high)

    def from_stored(self, value: Any) -> Any:
        """Return the number that is stored as `value` in the database."""
        return value

    def to_storable(self, value: Any) -> Any:
        """Return the stored form of a number of the range."""
        return value

    def contains(self, value: Any) -> bool:
        """Return whether the value can be sampled."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / (self.step or 1)
        return abs(steps - round(steps)) < 1e-9 if self.step or self.is_integer else True


Space = Mapping[str, Choice | Range]
ROWS = ("seed", "auxiliary.sources", "distil.unlabelled", "distil.text")
"""Options outside `data` that decide the training and validation rows."""
_ENTRY: TypeAdapter[Choice | Range] = TypeAdapter(Choice | Range)


def to_storable(choice: Any) -> Any:
    """Return the form of a choice that is stored in the database: lists as JSON."""
    return choice if choice is None or isinstance(choice, bool | int | float | str) else json.dumps(choice)


def _to_comparable(value: Any) -> str:
    """Return a text for comparisons in which 5 equals 5.0 and tuples equal lists, but true is not 1."""
    return json.dumps(json.loads(json.dumps(value), parse_int=float))


def build_default_space(recipe: Recipe) -> Space:
    """Return the default search space of the recipe's family."""
    family = families[recipe.model.name]
    entries = dict(family.space or (NEURAL_SPACE if family.neural else {}))
    if "dropout" in family.options.model_fields:
        entries.setdefault("model.dropout", {"low": 0.0, "high": 0.4})
    return {key: _ENTRY.validate_python(entry) for key, entry in entries.items()}


def read_values(recipe: Recipe, keys: Iterable[str]) -> dict[str, Any]:
    """Return the values of a recipe for dotted keys, None for keys that it does not have."""
    settings = recipe.model_dump(mode="json")
    values: dict[str, Any] = {}
    for key in keys:
        value: Any = settings
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        values[key] = value
    return values


def read_fixed_values(recipe: Recipe, fixed: Iterable[str]) -> dict[str, Any]:
    """Return the values of the fixed keys that a recipe would lose with another model family."""
    return read_values(
        recipe, [key for key in fixed if key.split(".")[0] in ("model", "train") and key != "model.name"]
    )


def read_space(space: str | Path | Mapping[str, Any], recipe: Recipe, fixed: Iterable[str] = ()) -> Space:
    """Return the space of a TOML file or mapping, in sections like a recipe or with dotted keys.

    fixed   keys whose values in the recipe hold in every trial; choices must be valid together with them

    Raises `RecipeError` for the first key that is no option or decides which rows there are and for the first invalid
    value, `MissingFileError`.
    """
    content, origin = _read_content(space)
    kept = read_fixed_values(recipe, fixed)
    found: dict[str, Choice | Range] = {}
    for key, entry in _iterate_entries(content, origin):
        if key.startswith("data.") or key in ROWS:
            raise RecipeError(
                f"The search space {origin} must not contain {key!r}: all trials use the same rows, which are read and "
                "split once. Set it in the recipe, or with --set."
            )
        found[key] = _parse_entry(key, entry, origin)
        for value in found[key].bounds():
            try:
                load_recipe(recipe, {**kept, key: value})
            except RecipeError as error:
                reason = str(error).removeprefix("The recipe given is not valid: ")
                raise RecipeError(
                    f"The search space {origin} has a value that is not valid in a recipe: {reason}"
                ) from error
    if not found:
        raise RecipeError(
            f"The search space {origin} must name at least one option, such as train.learning_rate. Add one."
        )
    return found


def _read_content(space: str | Path | Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    if isinstance(space, Mapping):
        return space, "given"
    file = Path(space)
    try:
        return tomllib.loads(file.read_text(encoding="utf-8")), repr(str(file))
    except FileNotFoundError as error:
        raise MissingFileError(f"The search space file {str(file)!r} does not exist. Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"The search space file {str(file)!r} is not valid TOML: {error}. Correct it.") from error


def _iterate_entries(content: Mapping[str, Any], origin: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    plain = ("name", "description", "seed")
    for name, value in content.items():
        section = name in Recipe.model_fields and name not in plain and isinstance(value, Mapping)
        entries = [(f"{name}.{inner}", entry) for inner, entry in value.items()] if section else [(name, value)]
        for key, entry in entries:
            if not isinstance(entry, Mapping):
                raise RecipeError(
                    f"The key {key!r} of search space {origin} must have {{choices = [...]}} or {{low = ..., high = "
                    f"...}}. Got {entry!r}. Put an option with a single value into the recipe, or into --set."
                )
            yield key, entry


def _parse_entry(key: str, entry: Mapping[str, Any], origin: str) -> Choice | Range:
    model = Choice if "choices" in entry else Range
    try:
        return model.model_validate(dict(entry))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("int", "float"))
        raise RecipeError(
            f"The key {key!r} of search space {origin} is not valid: {describe_invalid_value(where, first)}. "
            "Give {choices = [...]} or {low = ..., high = ...}, optionally with log or step."
        ) from error
