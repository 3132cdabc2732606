"""`read_routes`: routing rules from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from insula.core.durations import parse_duration
from insula.core.scheme import LabelScheme
from insula.knowledge.rule_toml import TomlTable, check_labels, parse_tables, read_rule_text
from insula.operations.handoff.cases import DEADLINE
from insula.safety.replies.check import check_reply
from insula.safety.signals.patterns import LANGUAGES
from insula.safety.signals.result import Level

Name = Annotated[str, Field(pattern=r"\S", max_length=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Acknowledge = bool | Mapping[str, str]
"""Whether a message is acknowledged; own texts by language in place of those that come with insula."""
MAX_CHARACTERS = 500
CHECK_SECONDS = 30.0


NEGATIONS: Mapping[bool | None, str] = {None: "", True: ", negated", False: ", not negated"}
"""Words that `negated` adds to those of a rule in messages."""


class Route(TomlTable):
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
        None, description="Minimum priority: the case is handled as if its risk were at least this. Needs `queue`."
    )
    ignore: bool = Field(
        False, description="Opens no case, except for a message that a person must see because of its risk."
    )
    acknowledge: Acknowledge = Field(
        False,
        description="Drafts an automatic confirmation of receipt: `true` for the text that comes with insula, or own "
        'texts such as `{en = "We have your message.", zh = "消息已收到。"}`. Needs `queue`.',
    )
    tags: tuple[Name, ...] = Field(
        (), description="Tags to add to the case. After a rule with only tags, the next rule is tried."
    )

    @field_validator("acknowledge", mode="before")
    @classmethod
    def _check_texts(cls, given: object) -> object:
        if isinstance(given, bool):
            return given
        if not isinstance(given, Mapping) or not given or not all(isinstance(text, str) for text in given.values()):
            raise ValueError(
                'it must be true, or a table of texts by language such as {en = "We have your message."}. Correct it'
            )
        for language, text in given.items():
            if language not in LANGUAGES:
                raise ValueError(
                    f"the language must be {' or '.join(LANGUAGES)}, because messages in other languages cannot be "
                    f"checked for danger. Got {language!r}. Remove it"
                )
            _check_text(language, text)
        return given

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.queue is not None and self.ignore:
            raise ValueError("`queue` and `ignore` cannot be combined. Remove one of them")
        if self.acknowledge:
            self._check_acknowledge()
        if self.queue is None and not self.ignore and not self.tags:
            raise ValueError("the rule must have `queue`, `ignore` or `tags`. Add one to define what it does")
        if (self.without or self.negated is not None) and not self.words:
            raise ValueError("`without` and `negated` need `words`. Add words, or remove them")
        for name in ("deadline", "priority"):
            if getattr(self, name) is not None and self.queue is None:
                raise ValueError(f"{name} needs a queue. Add queue, or leave {name} out")
        if self.deadline is not None:
            parse_duration(self.deadline, name="deadline")
        return self

    def _check_acknowledge(self) -> None:
        if self.queue is None:
            raise ValueError(
                "`acknowledge` needs `queue`: it tells the sender that a person will read the message. Add a queue, or "
                "remove `acknowledge`"
            )
        if self.risk is not None or self.priority in ("high", "immediate"):
            with_it = "`risk`" if self.risk is not None else f"`priority` {self.priority!r}"
            raise ValueError(
                f"`acknowledge` and {with_it} cannot be combined: a message that may show a danger gets no automatic "
                "answer. Remove one of them"
            )

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


class RouteFile(TomlTable):
    """The content of a routes file: rules in their order."""

    match: Literal["first", "all"] = Field(
        "first",
        description="`first`: the first rule with `queue` or `ignore` decides, and rules before it only add tags. "
        "`all`: every rule that applies takes effect; the case is in the queue of the first of them, with the shortest "
        "deadline and the highest priority, and is opened unless all that decide say `ignore`.",
    )
    routes: tuple[Route, ...] = Field(min_length=1)

    def check_labels(self, scheme: LabelScheme, origin: str) -> None:
        """Raise `DataError` if a rule names a label that a model does not have: it could never apply."""
        for route in self.routes:
            check_labels(route.labels, scheme, f"route {route.name!r}", origin)


def read_routes(file: str | Path) -> RouteFile:
    """Return the rules of a file.

    Raises `MissingFileError`, and `DataError` for what is not valid: an unknown key, two rules of one name.
    """
    return parse_routes(read_rule_text(file, "routes"), repr(str(file)))


def parse_routes(text: str, origin: str) -> RouteFile:
    """Return the rules of a TOML text; `origin` names it in messages. Raises `DataError` as `read_routes` does."""
    return parse_tables(text, RouteFile, {"routes": Route}, kind="routes", origin=origin)


def _check_text(language: str, text: str) -> None:
    """Raise `ValueError` for a text that must not be sent without a person reading it."""
    if not text.strip() or len(text) > MAX_CHARACTERS:
        raise ValueError(
            f"the text {language!r} must have 1 to {MAX_CHARACTERS} characters. Got {len(text)}. Change it"
        )
    if set(text) & set("{}[]"):
        raise ValueError(
            f"the text {language!r} is sent as it is, without placeholders. Got {text!r}. Remove the brackets"
        )
    check = check_reply(text, seconds=CHECK_SECONDS)
    if not check.allowed:
        why = " ".join(check.reasons) or check.failure
        raise ValueError(f"the text {language!r} must not be sent automatically. {why} Change it")
