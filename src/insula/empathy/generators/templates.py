"""`TemplateWriter`: drafts from the sentences that come with insula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from insula.core.errors import DataError
from insula.empathy.conversation import list_other_turns
from insula.empathy.drafts import write_drafts
from insula.empathy.generators.registry import TEMPLATES, DraftRequest, Proposals


class TemplateWriter:
    """Composes drafts of fixed sentences; the same message gets the same drafts."""

    name = TEMPLATES

    def write(self, asked: DraftRequest) -> Proposals:
        """Return drafts; a strategy without sentences for this message is a failure."""
        said = [turn.text for turn in list_other_turns(asked.given)]
        try:
            drafts, stopped = write_drafts(
                asked.given.text,
                asked.state,
                strategy=asked.strategy,
                count=max(asked.count, asked.pool),
                said=said,
            )
        except DataError as error:
            return Proposals(failure=str(error))
        return Proposals(drafts, stopped)

    def describe(self) -> Mapping[str, Any]:
        """Return nothing: the sentences change with the version of insula only."""
        return {}
