"""`read_routes`: routing rules from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from insula.core.durations import parse_duration
from insula.core.errors import DataError, MissingFileError, suggest
from insula.core.scheme import LabelScheme
from insula.core.sentences import describe_invalid_value
from insula.operations.handoff.cases import DEADLINE
from insula.safety.signals.result import Level

Name = Annotated[str, Field(pattern=r"\S", max_length=100)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Route(_Table):
    """A routing rule: it applies to a message that fulfils all its conditions; without conditions, to every message."""

    name: Name = Field(description="Name of the rule, in decisions and cases.")
    words: tuple[Name, ...] = Field((), description="One of these words or phrases is in the text.")
    without: tuple[Name, ...] = Field((), description="None of these is in the text. Needs `words`.")
    negated: bool | None = Field(
        None, description="A word of `words` is negated (`true`), or is not (`false`). Needs `words`."
    )
    predicted: tuple[Name, ...] = Field((), description="One of these labels is predicted.")
    score: Mapping[Name, float] = Field({}, description="Each of these labels has at least this score.")
    score_below: Mapping[Name, float] = Field({}, description="Each of these labels has a score below this one.")
    confidence: Share | None = Field(None, description="The confidence is at least this.")
    confidence_below: Share | None = Field(None, description="The confidence is below this.")
    abstained: bool | None = Field(None, description="The model abstains (`true`), or does not (`false`).")
    risk: Literal["concern", "high", "immediate"] | None = Field(
        None, description="The message shows at least this risk. A message that cannot be checked counts as `high`."
    )
    language: str | None = Field(None, pattern="^[a-z]{2}$", description="The language of the message, such as `zh`.")
    where: Mapping[Name, Name] = Field({}, description="The message has each of these attributes with this value.")
    queue: Name | None = Field(None, description="Opens a case in this queue.")
    deadline: str | None = Field(
        None, description="Time after which the case is late, such as `30m` (default: `1d`). Needs `queue`."
    )
    priority: Level | None = Field(
        None, description="The case is handled like one of this risk, if its own is lower. Needs `queue`."
    )
    ignore: bool = Field(False, description="Opens no case. A message that a person must see for its risk gets one.")
    tags: tuple[Name, ...] = Field((), description="Adds tags. A rule with tags alone does not end the search.")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.queue is not None and self.ignore:
            raise ValueError("queue and ignore exclude each other. Leave one of them out")
        if self.queue is None and not self.ignore and not self.tags:
            raise ValueError("the rule must have queue, ignore or tags. Say what it does")
        if (self.without or self.negated is not None) and not self.words:
            raise ValueError("without and negated need words. Add words, or leave them out")
        for name in ("deadline", "priority"):
            if getattr(self, name) is not None and self.queue is None:
                raise ValueError(f"{name} needs a queue. Add queue, or leave {name} out")
        if self.deadline is not None:
            parse_duration(self.deadline, name="deadline")
        return self

    @property
    def decides(self) -> bool:
        """Whether it decides about a case, rather than only adding tags."""
        return self.queue is not None or self.ignore

    @property
    def seconds(self) -> int:
        """The deadline in seconds."""
        return DEADLINE if self.deadline is None else parse_duration(self.deadline, name="deadline")

    @property
    def labels(self) -> tuple[str, ...]:
        """All labels that it names."""
        return (*self.predicted, *self.score, *self.score_below)


class RouteFile(_Table):
    """The content of a routes file: rules in their order."""

    match: Literal["first", "all"] = Field(
        "first",
        description="`first`: the first rule with `queue` or `ignore` decides, and rules before it only add tags. "
        "`all`: every rule that applies acts; the case is in the queue of the first of them, with the shortest "
        "deadline and the highest priority, and is opened unless all that decide say `ignore`.",
    )
    routes: tuple[Route, ...] = Field(min_length=1)

    def check_labels(self, scheme: LabelScheme, origin: str) -> None:
        """Raise `DataError` if a rule names a label that a model does not have: it could never apply."""
        for route in self.routes:
            for label in route.labels:
                if label not in scheme.names:
                    raise DataError(
                        f"The labels of route {route.name!r} in {origin} must be among {', '.join(scheme.names)}. Got "
                        f"{label!r}.{suggest(label, scheme.names)}"
                    )


def read_routes(file: str | Path) -> RouteFile:
    """Return the rules of a file.

    Raises `MissingFileError`, and `DataError` for what is not valid: an unknown key, two rules of one name.
    """
    path = Path(file)
    try:
        return parse_routes(path.read_text(encoding="utf-8"), repr(str(path)))
    except FileNotFoundError as error:
        raise MissingFileError(f"The routes file {str(path)!r} does not exist. Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The routes file {str(path)!r} cannot be read: {error}. Check the path.") from error


def parse_routes(text: str, origin: str) -> RouteFile:
    """Return the rules of a TOML text; `origin` names it in messages. Raises `DataError` as `read_routes` does."""
    try:
        content: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"The routes file {origin} is not valid TOML: {error}. Correct it there.") from error
    try:
        found = RouteFile.model_validate(content)
    except ValidationError as error:
        raise DataError(f"The routes file {origin} is not valid: {_describe(error, content)}.") from error
    names = [route.name for route in found.routes]
    if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
        raise DataError(f"The names of routes in {origin} must differ. Got {twice!r} twice. Rename one.")
    return found


def _describe(error: ValidationError, content: Any) -> str:
    found = error.errors(include_url=False)[0]
    place, rule = list(found["loc"]), ""
    if len(place) > 1 and place[0] == "routes" and isinstance(place[1], int):
        table = content["routes"][place[1]]
        named = table.get("name") if isinstance(table, dict) else None
        rule = f"routes[{place[1] + 1}]" + (f" ({str(named)[:40]!r})" if named else "") + ": "
        place = place[2:]
    key = ".".join(str(part) for part in place)
    sentence = describe_invalid_value(key, found)
    if found["type"] == "extra_forbidden":
        known = Route.model_fields if rule else RouteFile.model_fields
        sentence += f"; the keys are {', '.join(known)}.{suggest(key, known)}".rstrip(".")
    return rule + sentence.rstrip(".?")
