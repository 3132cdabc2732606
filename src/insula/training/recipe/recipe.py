"""`Recipe`: all settings of a training run, as validated TOML."""

from __future__ import annotations

import importlib.resources
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from insula.core.errors import CHOOSE, MissingFileError, RecipeError, UnknownNameError, suggest
from insula.core.sentences import describe_invalid_value
from insula.data.options import DataOptions
from insula.models.pretrained import ALIASES
from insula.training.families.encoder import EncoderOptions
from insula.training.families.registry import families
from insula.training.loss_terms.registry import BUILT_IN, loss_terms
from insula.training.objectives.registry import objectives
from insula.training.options.adapter import AdapterOptions
from insula.training.options.adversarial import AdversarialOptions
from insula.training.options.augment import AugmentOptions
from insula.training.options.auxiliary import AuxiliaryOptions
from insula.training.options.by_rows import RowsOptions
from insula.training.options.distil import DistilOptions
from insula.training.options.objective import ObjectiveOptions
from insula.training.options.robust import RobustOptions
from insula.training.options.rules import RulesOptions
from insula.training.options.sections import (
    DecisionOptions,
    EvaluationOptions,
    ModelOptions,
    PreparationOptions,
    TrainOptions,
)


class _OptionsOfAnyFamily:
    """Lists the options of every family in the JSON schema of `model`; validation chooses the family by its name."""

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(families[name].options.__pydantic_core_schema__) for name in families]}


DEFAULT_FAMILY: str = EncoderOptions.model_fields["name"].default
SUPPORT = {"freeze_layers": "freezes", "gradient_checkpointing": "checkpoints", "layer_rate_decay": "layered"}
"""Options of `train` that only some families support, and the field of `Family` for each."""
CHOOSES_MODEL = ("model", "train", "adapter", "distil", "auxiliary", "adversarial", "robust")
"""Overrides of these sections choose the model, so that `by_rows` does not choose another one."""
BUILTIN = importlib.resources.files("insula.training") / "recipes"


class Recipe(BaseModel):
    """The settings of a training run; stored in the model folder as `recipe.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(None, description="built-in recipe on which this one is based")
    description: str = ""
    seed: int = Field(0, ge=0, description="random seed")
    by_rows: tuple[RowsOptions, ...] | None = Field(
        None, description="other options above a number of training rows; chosen when training starts"
    )
    data: DataOptions = DataOptions()
    augment: AugmentOptions = AugmentOptions()
    preparation: PreparationOptions = PreparationOptions()
    model: Annotated[SerializeAsAny[ModelOptions], _OptionsOfAnyFamily()] = EncoderOptions()
    objective: ObjectiveOptions = ObjectiveOptions()
    train: TrainOptions = TrainOptions()
    adapter: AdapterOptions = AdapterOptions()
    distil: DistilOptions = DistilOptions()
    auxiliary: AuxiliaryOptions = AuxiliaryOptions()
    adversarial: AdversarialOptions = AdversarialOptions()
    robust: RobustOptions = RobustOptions()
    decision: DecisionOptions = DecisionOptions()
    rules: RulesOptions = RulesOptions()
    evaluation: EvaluationOptions = EvaluationOptions()

    @model_validator(mode="before")
    @classmethod
    def _apply_train_defaults_of_family(cls, content: Any) -> Any:
        """Fill in the family's defaults of `train`, so that the stored recipe contains them."""
        if not isinstance(content, Mapping):
            return content
        model, train = content.get("model", {}), content.get("train", {})
        name = getattr(model, "name", None) or (model.get("name", DEFAULT_FAMILY) if isinstance(model, Mapping) else "")
        if isinstance(train, TrainOptions):
            train = train.model_dump(exclude_unset=True)
        if not isinstance(name, str) or name not in families or not isinstance(train, Mapping):
            return content  # invalid: their own validators raise
        return {**content, "train": {**families[name].train, **train}}

    @field_validator("model", mode="before")
    @classmethod
    def _parse_family_options(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        name = value.get("name", DEFAULT_FAMILY)
        if not isinstance(name, str):
            raise ValueError(f"the name must be one of {', '.join(families)}")
        try:
            return families[name].options(**value)
        except UnknownNameError as error:
            raise ValueError(str(error)) from error

    @field_validator("objective")
    @classmethod
    def _check_objective(cls, value: ObjectiveOptions) -> ObjectiveOptions:
        if value.name != "auto" and value.name not in objectives:
            known = ("auto", *objectives)
            raise ValueError(f"the name must be one of {', '.join(known)}.{suggest(value.name, known, CHOOSE)}")
        return value

    @field_validator("objective")
    @classmethod
    def _check_terms(cls, value: ObjectiveOptions) -> ObjectiveOptions:
        for name in value.terms or {}:
            if name in BUILT_IN:
                raise ValueError(f"the term {name!r} has its own option. Set that, and leave terms.{name} out")
            known = [term for term in loss_terms if term not in BUILT_IN]
            if name not in known:
                installed = ", ".join(known) or "none"
                raise ValueError(
                    f"the term {name!r} is not installed. Installed terms: {installed}.{suggest(name, known, CHOOSE)}"
                )
        return value

    @model_validator(mode="after")
    def _check_further_losses(self) -> Recipe:
        further = {
            'augment.mode "epoch"': self.augment.mode == "epoch",
            "distil.teachers": self.distil.teachers,
            "auxiliary.sources": self.auxiliary.sources,
            **{f"adversarial.{name}": getattr(self.adversarial, name) for name in ("fgm", "pgd", "freelb", "vat")},
            **{f"robust.{name}": getattr(self.robust, name) for name in ("group_dro", "pairs")},
        }
        for option, given in further.items():
            if given and not families[self.model.name].neural:
                raise ValueError(
                    f"{option} needs a neural model, and the family {self.model.name!r} is not neural. "
                    f"Choose another recipe, or leave {option} out"
                )
        return self

    @model_validator(mode="after")
    def _check_adapter(self) -> Self:
        if self.adapter.method != "none" and not families[self.model.name].adapts:
            able = ", ".join(name for name in families if families[name].adapts)
            raise ValueError(
                f"the family {self.model.name!r} does not support adapters. Set adapter.method=none, or model.name "
                f"to one of {able}"
            )
        return self

    @model_validator(mode="after")
    def _check_family_support(self) -> Self:
        for option, field in SUPPORT.items():
            off, given = TrainOptions.model_fields[option].default, getattr(self.train, option)
            if given != off and not getattr(families[self.model.name], field):
                able = ", ".join(name for name in families if getattr(families[name], field))
                raise ValueError(
                    f"train.{option} must be {json.dumps(off)} for the family {self.model.name!r}. Got "
                    f"{json.dumps(given)}. Leave it out, or set model.name to one of {able}"
                )
        return self

    @model_validator(mode="after")
    def _check_by_rows(self) -> Self:
        for entry in self.by_rows or ():
            load_recipe(self.model_copy(update={"by_rows": None}), entry.options)
        return self

    def with_absolute_paths(self) -> Recipe:
        """Return the recipe with absolute paths, so that it works from every working folder."""
        data, model = self.data, self.model
        if data.label_names is not None:
            data = data.model_copy(update={"label_names": str(Path(data.label_names).absolute())})
        for option in ("base", "vectors_from"):
            folder = getattr(model, option, None)
            if folder and Path(folder).is_dir():
                model = model.model_copy(update={option: str(Path(folder).absolute())})
        sections = ("distil", "auxiliary", "adversarial", "rules")
        others = {name: getattr(self, name).with_absolute_paths() for name in sections}
        return self.model_copy(update={"data": data, "model": model, **others})

    def to_toml(self) -> str:
        """Return the recipe as TOML, without options that are None."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def list_builtin_recipes() -> dict[str, str]:
    """Return the names and descriptions of the built-in recipes."""
    return {
        Path(file.name).stem: tomllib.loads(file.read_text(encoding="utf-8")).get("description", "")
        for file in sorted(BUILTIN.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    }


def load_recipe(
    recipe: str | Path | Mapping[str, Any] | Recipe = "standard", overrides: Mapping[str, Any] | None = None
) -> Recipe:
    """Return a validated recipe.

    `recipe` is a built-in name, a TOML file, a nested mapping or a recipe; `overrides` maps dotted keys
    (`"train.epochs"`) to values. An override of `model.name` removes what concerns the previous family: its
    options, the section `train`, name and description. An override of a section that concerns the model
    (`CHOOSES_MODEL`) removes `by_rows`.
    Raises `RecipeError` with the nearest valid key, `MissingFileError`, `UnknownNameError`.
    """
    content, origin = _read_content(recipe)
    # The family first, whatever the order: it removes options, which must not be those of the other overrides.
    for key, value in sorted((overrides or {}).items(), key=lambda override: override[0] != "model.name"):
        _set_option(content, key, value)
    if any(key.split(".")[0] in CHOOSES_MODEL for key in overrides or {}):
        content.pop("by_rows", None)
    return validate(content, origin)


def parse_override(text: str) -> tuple[str, Any]:
    """Return key and value of `KEY=VALUE`; the value is read as TOML, or as plain text if it is not valid TOML."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise RecipeError(
            f"An override must be a key and a value, such as train.epochs=3. Got {text!r}. Add what is missing."
        )
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def build_model_override(name: str, *, owner: str) -> dict[str, str]:
    """Return the override that chooses a model by one name, which is a family, an encoder alias, a folder or a hub id.

    owner  who takes the name, for the message of `UnknownNameError`
    """
    if name in families:
        return {"model.name": name}
    if name in ALIASES or "/" in str(name) or Path(name).is_dir():
        return {"model.base": name}
    raise UnknownNameError(
        f"The model of {owner} must be a family ({', '.join(families)}), an encoder ({', '.join(ALIASES)}), a folder "
        f"or a hub id owner/name. Got {name!r}.{suggest(name, (*families, *ALIASES), CHOOSE)}"
    )


def validate(content: Mapping[str, Any], origin: str) -> Recipe:
    """Return the validated recipe; `RecipeError` names the first problem and the nearest key."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise RecipeError(f"The recipe {origin} is not valid: {_explain_error(error)}") from error


def _read_content(recipe: str | Path | Mapping[str, Any] | Recipe) -> tuple[dict[str, Any], str]:
    if isinstance(recipe, Recipe):
        return recipe.model_dump(mode="json", exclude_none=True), "given"
    if isinstance(recipe, Mapping):
        return {key: dict(value) if isinstance(value, Mapping) else value for key, value in recipe.items()}, "given"
    known = list_builtin_recipes()
    if str(recipe) in known:
        text = (BUILTIN / f"{recipe}.toml").read_text(encoding="utf-8")
        return tomllib.loads(text), repr(str(recipe))
    path = Path(recipe)
    if not path.is_file():
        if path.suffix == ".toml":
            raise MissingFileError(f"The recipe file {str(path)!r} does not exist. Check the path.")
        raise UnknownNameError(
            f"The recipe {str(recipe)!r} is neither built in ({', '.join(known)}) nor a TOML file."
            f"{suggest(str(recipe), known, CHOOSE)}"
        )
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), repr(str(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"The recipe file {str(path)!r} is not valid TOML: {error}. Correct it there.") from error


def _set_option(content: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    place = content
    for section in sections:
        inner = place.setdefault(section, {})
        if not isinstance(inner, dict):
            raise RecipeError(
                f"The override {key!r} must name an option in a section. {section!r} is not a section. Check the key."
            )
        place = inner
    if key == "model.name" and place.get("name", value) != value:
        place.clear()
        for outdated in ("train", "name", "description"):  # they concern the previous family
            content.pop(outdated, None)
    place[last] = value


def _explain_error(error: ValidationError) -> str:
    errors = error.errors(include_url=False)
    # A union has one error for each member; "is not auto" is the least helpful.
    first = next((one for one in errors if one["type"] not in ("literal_error", "tuple_type")), errors[0])
    key = _describe_key(first)
    if first["type"] == "extra_forbidden":
        known = [*_list_keys(), *Recipe.model_fields]
        # A family's options are validated on their own, so their place in the recipe is not in the location.
        for full in (key, f"model.{key}"):
            if owners := [name for name in families if full in known and _is_option_of(full, name)]:
                return (
                    f"the key {full!r} is an option of other model families ({', '.join(owners)}). Leave it out, or "
                    "set model.name to one of them."
                )
        return f"the key {key!r} is not known.{suggest(key, known) or suggest('model.' + key, known, ' Remove it.')}"
    sentence = describe_invalid_value(
        key, first, *(one for one in errors if one is not first and _describe_key(one) == key)
    )
    return sentence if sentence.endswith("?") else f"{sentence}."


def _describe_key(error: Mapping[str, Any]) -> str:
    # Of a union, pydantic names the member too ("literal['auto']", "tuple[int, int]"): that is no key.
    unions = ("function-", "literal[", "tuple[", "constrained-")
    return ".".join(str(part) for part in error["loc"] if part != "str" and not str(part).startswith(unions))


def _is_option_of(key: str, family: str) -> bool:
    return key.removeprefix("model.") in families[family].options.model_fields


def _list_keys(section: type[BaseModel] = Recipe, prefix: str = "") -> Sequence[str]:
    keys: list[str] = []
    for name, field in section.model_fields.items():
        inner = field.annotation
        if name == "model" and section is Recipe:
            keys += [f"model.{key}" for family in families for key in families[family].options.model_fields]
        elif isinstance(inner, type) and issubclass(inner, BaseModel):
            keys += _list_keys(inner, f"{prefix}{name}.")
        else:
            keys.append(f"{prefix}{name}")
    return keys
