"""`Settings`: how the service behaves, from a TOML file, the environment and the command line."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from insula.core.errors import MissingFileError, SettingsError, suggest
from insula.core.sentences import describe_invalid_value, describe_requirement
from insula.operations.handoff.notifications import EVENTS
from insula.operations.outbox.receivers import Receiver
from insula.serving.settings.sections import (
    OLD_ACCESS_NAMES,
    Access,
    Audit,
    Cors,
    Drafting,
    Explain,
    Feedback,
    Handoff,
    Jobs,
    Limits,
    Masking,
    Pages,
    Queue,
    Retention,
    Safety,
    SettingsSection,
    Store,
    Tokens,
)

PREFIX = "INSULA_SERVE_"
LISTS: Mapping[str, type[BaseModel]] = {"receivers": Receiver}
"""The settings that are lists of tables, such as `[[receivers]]`."""


class Settings(BaseSettings):
    """Settings of the service. `Settings()` has the defaults; `load_settings` reads a file and the environment."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,  # QUEUE_WAIT_MS is wait_ms of [queue]
    )

    models: tuple[str, ...] = Field((), description="Runs, model folders or names (default: the model `starter`).")
    host: str = Field(
        "127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 also accepts calls from other machines."
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    threads: int | None = Field(None, ge=1, description="Threads per model (default: one per available processor).")
    drain_seconds: float = Field(
        30, ge=0, description="Maximum seconds after SIGTERM to answer accepted requests before the service ends."
    )
    notice_seconds: float = Field(
        1,
        ge=0,
        description="Seconds after SIGTERM for which new requests are still accepted, while /readyz answers 503.",
    )
    limits: Limits = Field(Limits(), description="")
    queue: Queue = Field(Queue(), description="")
    explain: Explain = Field(Explain(), description="")
    safety: Safety = Field(Safety(), description="")
    reply: Drafting = Field(Drafting(), description="")
    cors: Cors = Field(Cors(), description="")
    jobs: Jobs = Field(Jobs(), description="")
    feedback: Feedback = Field(Feedback(), description="")
    store: Store = Field(Store(), description="")
    access: Access = Field(Access(), description="")
    tokens: Tokens = Field(Tokens(), description="")
    pages: Pages = Field(Pages(), description="")
    masking: Masking = Field(Masking(), description="")
    retention: Retention = Field(Retention(), description="")
    handoff: Handoff = Field(Handoff(), description="")
    audit: Audit = Field(Audit(), description="")
    receivers: tuple[Receiver, ...] = Field(
        (), description="Receivers that are notified when a case is opened, late, reassigned, closed or reopened."
    )

    @model_validator(mode="after")
    def _check_receivers(self) -> Self:
        names = [receiver.name for receiver in self.receivers]
        if len(set(names)) < len(names):
            repeated = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"The names of receivers must differ. Got {repeated!r} twice. Rename one.")
        if names and not self.handoff.is_served:
            raise ValueError(
                f"The receiver {names[0]!r} is notified of cases, and the hand-off queue is off. Set handoff.enabled "
                "to true, or remove the receivers."
            )
        for receiver in self.receivers:
            if not any(map(receiver.subscribes_to, EVENTS)):
                raise ValueError(
                    f"The events of the receiver {receiver.name!r} must match some of {', '.join(EVENTS)}. Got "
                    f"{', '.join(receiver.events)}. Correct them."
                )
        return self

    @model_validator(mode="after")
    def _check_endpoint(self) -> Self:
        reply = self.reply
        if reply.endpoint is None:
            needless = [name for name in ("endpoint_model", "endpoint_tokens", "prompt") if getattr(reply, name)]
            if needless:
                raise ValueError(
                    f"The setting 'reply.{needless[0]}' needs an endpoint. Set reply.endpoint, or remove it."
                )
        elif reply.endpoint_model is None:
            raise ValueError(
                "The setting 'reply.endpoint' needs the name of a model. Set reply.endpoint_model to a model there."
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use the arguments of the constructor alone: only `load_settings` reads the environment."""
        return (init_settings,)


def load_settings(
    file: str | Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    given: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings in a TOML file; the environment overrides it, and `given` overrides both.

    file         a TOML file as `insula serve --print-config` writes it
    environment  variables such as `INSULA_SERVE_PORT` and `INSULA_SERVE_QUEUE_WAIT_MS` (default: the process's own)
    given        options by name, those of a section as a mapping; None for options that are not given

    Raises `SettingsError` with the nearest valid name for an unknown one, `MissingFileError`.
    """
    options_given = {name: value for name, value in (given or {}).items() if value is not None}
    sources = (
        InitSettingsSource(Settings, options_given),
        _EnvironmentSource(os.environ if environment is None else environment),
        InitSettingsSource(Settings, _read(Path(file)) if file is not None else {}),
    )
    try:
        return Settings(_build_sources=(sources, {}))
    except ValidationError as error:
        raise SettingsError(_describe_error(error)) from None


def iterate_options(
    settings: type[BaseModel] = Settings, place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the key of every option (`("queue", "wait_ms")`) and its field."""
    for name, field in settings.model_fields.items():
        inner = get_section(field)
        if inner is not None:
            yield from iterate_options(inner, (*place, name))
        else:
            yield (*place, name), field


def get_section(field: FieldInfo) -> type[BaseModel] | None:
    """Return the section that a field of the settings holds, None if it is an option."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, SettingsSection) else None


def get_variable_name(key: tuple[str, ...]) -> str:
    """Return the name of an option's environment variable."""
    return PREFIX + "_".join(key).upper()


class _EnvironmentSource(EnvSettingsSource):
    """Variables of an environment; unknown ones are errors, and lists may be written as JSON or with commas."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(Settings)
        known = {get_variable_name(place) for place, _ in iterate_options()}
        accepted = known | {get_variable_name(("access", name)) for name in OLD_ACCESS_NAMES}
        ours = {name: text for name, text in environment.items() if name.startswith(PREFIX)}
        for name in ours:
            if name not in accepted:
                raise SettingsError(
                    f"The environment variable {name} is not a setting.{suggest(name, known)} Rename or unset it."
                )
        self.env_vars = {name.lower(): text for name, text in ours.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: str) -> Any:
        """Return the entries of a list."""
        if not value.lstrip().startswith("["):
            return [entry.strip() for entry in value.split(",") if entry.strip()]
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value  # validation rejects it with the name of the option


def _read(file: Path) -> dict[str, Any]:
    # TomlConfigSettingsSource would skip a file that does not exist, and one that can be read only once (a pipe).
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingFileError(
            f"The settings file {str(file)!r} does not exist. Write one with: insula serve --print-config > {file.name}"
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"The settings file {str(file)!r} cannot be read: {error}. Correct the file.") from error
    for name, field in Settings.model_fields.items():
        if get_section(field) is not None and not isinstance(content.get(name, {}), dict):
            raise SettingsError(
                f"The setting {name!r} must be a table. Got {content[name]!r}. Write [{name}] and its options."
            )
    return content


def _describe_error(error: ValidationError) -> str:
    found = error.errors()[0]
    place = tuple(str(part) for part in found["loc"])
    if not place:  # several settings that do not fit each other
        return describe_requirement(found)
    if place[0] in LISTS and len(place) > 1:
        return _describe_entry_error(found, place)
    name = ".".join(place)
    if found["type"] == "extra_forbidden":
        known = [".".join(one) for one, _ in iterate_options()] + list(Settings.model_fields)
        return f"The setting {name!r} does not exist.{suggest(name, known)} List all with: insula serve --print-config"
    sentence = describe_invalid_value(repr(name), found)
    return f"The setting {sentence}. Change it in the file, or set {get_variable_name(place)}."


def _describe_entry_error(found: Any, place: tuple[str, ...]) -> str:
    """Return the sentence for a table in a list of tables, such as the second of `[[receivers]]`."""
    table, key = f"[[{place[0]}]] number {int(place[1]) + 1}", ".".join(place[2:])
    known = LISTS[place[0]].model_fields
    if found["type"] == "extra_forbidden":
        return f"{table} has no setting {key!r}; its settings are {', '.join(known)}.{suggest(key, known)} Correct it."
    return f"In {table}: {describe_invalid_value(key, found)}. Correct it in the file."
