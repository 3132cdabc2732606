"""`DraftGenerator`: the interface of everything that writes drafts; `GENERATORS`: its kinds by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from insula.core.model_input import ModelInput
from insula.core.registry import Registry
from insula.empathy.drafts import Draft
from insula.empathy.state import ConversationState

TEMPLATES, ANSWERS, ENDPOINT, LOCAL = "templates", "answers", "endpoint", "local"


@dataclass(frozen=True)
class DraftRequest:
    """A request to a generator. No generator gets a message with a sign of danger.

    given     the message, with the earlier turns
    state     what the drafts answer to
    strategy  one of `strategies.STRATEGIES`, or `auto`
    count     largest number of drafts
    pool      number of drafts that the templates write even if `count` is smaller, so that a policy has several
              strategies to choose from; 0 without a policy
    """

    given: ModelInput
    state: ConversationState
    strategy: str = "auto"
    count: int = 3
    pool: int = 0


@dataclass(frozen=True)
class Proposals:
    """The drafts of a generator.

    drafts   drafts; every one is screened before anybody sees it
    stopped  number of drafts that the generator itself left out because the safety check stopped them
    failure  sentence on what went wrong; None if nothing did
    """

    drafts: tuple[Draft, ...] = ()
    stopped: int = 0
    failure: str | None = None


class DraftGenerator(Protocol):
    """Writes drafts of a reply."""

    name: str

    def write(self, asked: DraftRequest) -> Proposals:
        """Return drafts; errors become a `failure` and are not raised."""

    def describe(self) -> Mapping[str, Any]:
        """Return plain JSON types: everything that the drafts depend on, without secrets."""


GENERATORS: Registry[Callable[..., DraftGenerator]] = Registry("draft_generators")
"""Each member takes the settings of a generator as keyword arguments, and returns it."""

GENERATORS.register(TEMPLATES, "insula.empathy.generators.templates:TemplateWriter")
GENERATORS.register(ANSWERS, "insula.empathy.generators.answers:AnswerFinder")
GENERATORS.register(ENDPOINT, "insula.empathy.generators.endpoint:ChatEndpoint")
GENERATORS.register(LOCAL, "insula.empathy.generators.local_model:LocalModel")


def open_generators(settings: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[DraftGenerator, ...]:
    """Return the templates, and the generators with settings, in the order of the settings.

    settings  from the name of a generator to its keyword arguments: `{"answers": {"file": "answers.jsonl"}}`

    Raises `UnknownNameError` for a generator that does not exist, and what opening one raises.
    """
    chosen = dict(settings or {})
    return tuple(GENERATORS[name](**given) for name, given in {TEMPLATES: {}, **chosen}.items())
