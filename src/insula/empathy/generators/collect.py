"""`ask_generator` and `choose_drafts`: what generators write, and the drafts that pass the screen, in order."""

from __future__ import annotations

from collections.abc import Sequence

from insula.core.errors import DataError
from insula.empathy.drafts import Draft
from insula.empathy.generators.registry import DraftGenerator, DraftRequest, Proposals
from insula.empathy.generators.screen import screen_draft


def ask_generator(generator: DraftGenerator, asked: DraftRequest) -> Proposals:
    """Return what a generator writes; one that fails must not take the drafts of the others with it."""
    try:
        return generator.write(asked)
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
        return Proposals(failure=f"The generator {generator.name} failed ({type(error).__name__}).")


def choose_drafts(asked: DraftRequest, written: Sequence[Proposals]) -> tuple[tuple[Draft, ...], int, tuple[str, ...]]:
    """Return the drafts that pass the screen, the best first; the number left out as unsafe; and what failed.

    written  what each generator wrote; if there are several, the drafts are ranked

    Raises `DataError` with the first failure if a strategy was named for which no generator has a draft.
    """
    found: dict[str, Draft] = {}
    stopped, failures = 0, list[str]()
    for proposals in written:
        stopped += proposals.stopped
        if proposals.failure is not None:
            failures.append(proposals.failure)
        for draft in proposals.drafts:
            if screen_draft(draft, asked) is None:
                found.setdefault(draft.text, draft)
            else:
                stopped += 1
    if not found and not stopped and failures and asked.strategy != "auto":
        raise DataError(failures[0])
    drafts = list(found.values())
    if len(written) > 1:
        from insula.empathy.generators.ranking import rank_drafts

        drafts = rank_drafts(drafts, asked)
    return tuple(drafts), stopped, tuple(failures)
