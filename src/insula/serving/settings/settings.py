"""`Settings`: how the service behaves, from a TOML file, the environment and the command line."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from pydantic.fields import FieldInfo

from insula.core.errors import MissingFileError, SettingsError, nearest
from insula.serving.settings.sections import (
    Access,
    Audit,
    Cors,
    Feedback,
    Jobs,
    Limits,
    Masking,
    Pages,
    Queue,
    Retention,
    SettingsSection,
    Store,
    Tokens,
)

PREFIX = "INSULA_SERVE_"


class Settings(SettingsSection):
    """How the service behaves."""

    models: tuple[str, ...] = Field((), description="Runs, model folders or names (default: the model `starter`).")
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen at; 0.0.0.0 for other machines, too.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen at; 0 takes a free one.")
    threads: int | None = Field(
        None, ge=1, description="Threads of a model (default: one for each processor that may be used)."
    )
    drain_seconds: float = Field(
        30, ge=0, description="How long accepted requests may take to be answered after SIGTERM."
    )
    notice_seconds: float = Field(
        1, ge=0, description="How long after SIGTERM new requests are still accepted, while /readyz says 503."
    )
    limits: Limits = Field(Limits(), description="")
    queue: Queue = Field(Queue(), description="")
    cors: Cors = Field(Cors(), description="")
    jobs: Jobs = Field(Jobs(), description="")
    feedback: Feedback = Field(Feedback(), description="")
    store: Store = Field(Store(), description="")
    access: Access = Field(Access(), description="")
    tokens: Tokens = Field(Tokens(), description="")
    pages: Pages = Field(Pages(), description="")
    masking: Masking = Field(Masking(), description="")
    retention: Retention = Field(Retention(), description="")
    audit: Audit = Field(Audit(), description="")


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
    content = _read(Path(file)) if file is not None else {}
    for place, value in _from_environment(os.environ if environment is None else environment):
        table = content
        for name in place[:-1]:
            table = table.setdefault(name, {})
        table[place[-1]] = value
    for name, value in (given or {}).items():
        if isinstance(value, Mapping):
            content[name] = {**content.get(name, {}), **value}
        elif value is not None:
            content[name] = value
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def options(settings: type[BaseModel] = Settings, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every option as its place (`("queue", "wait_ms")`) and its field."""
    for name, field in settings.model_fields.items():
        inner = section_of(field)
        if inner is not None:
            yield from options(inner, (*place, name))
        else:
            yield (*place, name), field


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the section that a field of the settings holds, None if it is an option."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, SettingsSection) else None


def variable(place: tuple[str, ...]) -> str:
    """Return the name of an option's environment variable."""
    return PREFIX + "_".join(place).upper()


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingFileError(
            f"The settings file {str(file)!r} does not exist. Write one with: insula serve --print-config > {file.name}"
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"The settings file {str(file)!r} cannot be read: {error}. Fix or replace it.") from error


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    known = {variable(place): (place, field) for place, field in options()}
    for name, text in environment.items():
        if not name.startswith(PREFIX):
            continue
        if name not in known:
            raise SettingsError(f"The environment variable {name} is no setting.{nearest(name, known)} Unset it.")
        place, field = known[name]
        yield place, _value(text, field)


def _value(text: str, field: FieldInfo) -> Any:
    """Return a variable's text as the option's own kind: a list as JSON, or with commas between its entries."""
    if not isinstance(field.default, tuple):
        return text
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _sentence(error: ValidationError) -> str:
    found = error.errors()[0]
    place = tuple(str(part) for part in found["loc"])
    name = ".".join(place)
    if found["type"] == "extra_forbidden":
        known = [".".join(one) for one, _ in options()] + list(Settings.model_fields)
        return f"The setting {name!r} does not exist.{nearest(name, known)} List all with: insula serve --print-config"
    where = f" (environment: {variable(place)})"
    return f"The setting {name!r} is wrong: {found['msg'].lower()}. Got {found['input']!r}.{where}"
