"""`Settings`: all that decides how the service behaves, from a TOML file and the environment, validated at start."""

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
from insula.serving.settings.access_settings import Access, Audit, Masking, Pages, Retention, Store, Tokens
from insula.serving.settings.section import Section

PREFIX = "INSULA_SERVE_"


class Limits(Section):
    """What a request may ask at most; more is refused with a clear answer."""

    body_bytes: int = Field(2_000_000, ge=1_000, description="Bytes of a request, whether it says its length or not.")
    texts: int = Field(1_000, ge=1, description="Texts of one request.")
    characters: int = Field(20_000, ge=1, description="Characters of one text.")
    header_bytes: int = Field(32_768, ge=1_024, description="Bytes of a request's line and headers.")
    header_seconds: float = Field(10, gt=0, description="How long a request's line and headers may take to arrive.")
    body_seconds: float = Field(20, gt=0, description="How long a request's body may take to arrive.")
    answer_seconds: float = Field(60, gt=0, description="How long an answer may take to be computed.")
    connections: int = Field(2_000, ge=1, description="Connections at a time.")
    stream_messages: int = Field(64, ge=1, description="Messages of one stream that are worked on at a time.")


class Queue(Section):
    """How texts of many requests are computed together, and when a request is refused because too many wait."""

    batch_tokens: int = Field(768, ge=16, description="Estimated tokens of a batch.")
    batch_texts: int = Field(64, ge=1, description="Texts of a batch.")
    most_texts: int = Field(10_000, ge=1, description="Texts that may wait for one model.")
    wait_ms: float = Field(
        2_000, gt=0, description="How long a request may wait for its turn; one that would wait longer gets 429."
    )
    most_wait_ms: float = Field(60_000, gt=0, description="The longest wait that a request may ask for itself.")


class Cors(Section):
    """Which web pages of other addresses may ask; none unless they are named."""

    origins: tuple[str, ...] = Field((), description='Origins such as "https://app.example.org".')


class Jobs(Section):
    """Files that are predicted in the background."""

    folder: Path | None = Field(
        None, description="Where uploads and results stand, through restarts; a temporary folder where not given."
    )
    sources: tuple[Path, ...] = Field((), description="Folders whose files a job may name; uploads need none.")
    upload_bytes: int = Field(200_000_000, ge=1, description="Bytes of an uploaded file.")
    upload_seconds: float = Field(600, gt=0, description="How long an upload may take.")
    most: int = Field(100, ge=1, description="Jobs that are kept.")
    keep_hours: float = Field(24, gt=0, description="How long a finished job is kept, with its files.")


class Feedback(Section):
    """What people say of answers."""

    file: Path | None = Field(None, description="JSON Lines file for corrections; they are refused where not given.")


class Settings(Section):
    """How the service behaves."""

    models: tuple[str, ...] = Field((), description="Runs, model folders or names; the model `starter` where none.")
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen at; 0.0.0.0 for other machines, too.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen at; 0 takes a free one.")
    threads: int | None = Field(
        None, ge=1, description="Threads of a model; those of the processors that may be used where not given."
    )
    drain_seconds: float = Field(
        30, ge=0, description="How long accepted requests may take to be answered after SIGTERM."
    )
    notice_seconds: float = Field(
        1, ge=0, description="How long after SIGTERM new requests are still taken, while /readyz says 503."
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
    """Return the settings of a TOML file, over which the environment goes, over which goes what is `given`.

    file         a TOML file as `insula serve --print-config` writes it
    environment  variables such as `INSULA_SERVE_PORT` and `INSULA_SERVE_QUEUE_WAIT_MS`; the process's own by default
    given        options by name, those of a section as a mapping; None means not given

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
    """Return the section that a field of the settings is, None where it is an option."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def variable(place: tuple[str, ...]) -> str:
    """Return the name of an option's environment variable."""
    return PREFIX + "_".join(place).upper()


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingFileError(
            f"The settings {str(file)!r} do not exist. Write some with: insula serve --print-config > {file.name}"
        ) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"The settings {str(file)!r} cannot be read: {error}. Mend the file.") from error


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
        return f"The setting {name!r} is not known.{nearest(name, known)} List all with: insula serve --print-config"
    where = f" (environment: {variable(place)})"
    return f"The setting {name!r} is wrong: {found['msg'].lower()}. Got {found['input']!r}.{where}"
