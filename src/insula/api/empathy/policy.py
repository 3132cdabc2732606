"""Policies of replies: what people did with drafts, and which strategy comes first because of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.errors import DataError
from insula.core.files import atomic_file
from insula.core.outputs import require_different
from insula.data.formats.formats import ReadOptions

if TYPE_CHECKING:
    from insula.empathy.policy.choice import Choice, StrategyPolicy
    from insula.empathy.policy.estimates import OffPolicyEstimates
    from insula.empathy.policy.outcomes import DraftOutcome
    from insula.empathy.policy.policy_file import PolicyFile
    from insula.empathy.policy.record import RecordedOutcomes
    from insula.empathy.reply import Reply


def open_policy(policy: str | Path, *, accept_unproven: bool = False) -> StrategyPolicy:
    """Return a policy for `reply`, which then reads its file only once.

    policy           `rules` (the order of the rules, no chance), `explore` (the same with limited exploration), or a
                     file of `learn_policy`
    accept_unproven  also return a learned policy whose evaluation does not show that it is as good as the policy that
                     wrote its log

    Raises `MissingFileError`, and `DataError` for a file that is damaged, was changed, or holds an unproven policy.
    """
    from insula.empathy.policy.registry import open_policy as open_one

    return open_one(policy, accept_unproven=accept_unproven)


def record_outcome(
    given: Reply | Choice,
    action: str,
    log: str | Path,
    *,
    used: int | str | None = None,
    time: datetime | None = None,
) -> DraftOutcome:
    """Append what a person did with the drafts of a reply to a log, and return it. No text is stored.

    given   a reply with a `choice`, or that choice
    action  `sent`: a draft was sent as it was; `edited`: sent with changes; `rejected`: none was used
    log     a JSON Lines file; the last line about a choice counts
    used    number of the draft that was sent, from 1, or its strategy; default: the first one
    time    default: now

    Raises `DataError` for a reply without a choice and for wrong arguments, `OutputError`.
    """
    from insula.empathy.policy.choice import Choice
    from insula.empathy.policy.outcomes import append_outcomes, build_outcome
    from insula.empathy.policy.record import choose_used

    choice = given if isinstance(given, Choice) else given.choice
    if choice is None:
        raise DataError(
            "The reply has no choice to learn from: it has no drafts, or was written without a policy. Use "
            'reply(..., policy="explore").'
        )
    if isinstance(given, Choice) and isinstance(used, int):
        raise DataError("A draft number needs the whole reply. Got a choice. Pass the reply, or the strategy used.")
    if used is not None and not isinstance(given, Choice):
        used = choose_used([one.to_dict() for one in given.drafts], str(used))
    outcome = build_outcome(choice, action, used if used is None else str(used), time=time)
    append_outcomes(log, [outcome])
    return outcome


def record_outcome_file(
    source: str | Path,
    log: str | Path,
    *,
    action: str | None = None,
    used: int | str | None = None,
    action_column: str = "action",
    used_column: str = "used",
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
) -> RecordedOutcomes:
    """Append what people did with the drafts in a file of replies to a log. Nothing else of the file is stored.

    source         a file of `reply_file(..., policy=...)` with a column for the action, or replies as JSON
    action, used   of every row, as in `record_outcome`; default: the columns `action_column` and `used_column`, of
                   which the second one may be missing

    Rows without an action, and replies without a choice, are counted and left out. Raises `DataError`,
    `MissingFileError`, `OutputError`.
    """
    from insula.empathy.policy.outcomes import ACTIONS
    from insula.empathy.policy.record import OutcomeColumns, record_file

    require_different(log, source, name="log")
    if action is not None and action not in ACTIONS:
        raise DataError(f"The action must be one of {', '.join(ACTIONS)}. Got {action!r}. Choose one.")
    columns = OutcomeColumns(action, None if used is None else str(used), action_column, used_column)
    return record_file(source, log, columns, reading=ReadOptions(input_format, separator, header))


def learn_policy(
    log: str | Path,
    output: str | Path,
    *,
    explore: float = 0.2,
    floor: float = 0.02,
    edited: float = 0.5,
    held_out: float = 0.5,
) -> PolicyFile:
    """Learn a policy from a log, evaluate it on choices that it was not learned from, and write it to a JSON file.

    explore   largest share of messages for which the policy may put another strategy first than the one it rates best
    floor     smallest probability of every strategy that fits
    edited    reward of a draft that was sent with changes; as it was: 1, not used: 0
    held_out  share of the choices for the evaluation

    `reply(..., policy=output)` uses it only if it is proven: `is_proven` says whether the interval of its gain over the
    policy that wrote the log begins at 0 or above. Raises `DataError` for wrong arguments and for a log without choices
    to learn from, `MissingFileError`, `OutputError`.
    """
    from insula.empathy.policy.learn import learn_from_log
    from insula.empathy.policy.limits import ExplorationLimits
    from insula.empathy.policy.outcomes import Rewards, read_outcomes

    require_different(output, log)
    limits, rewards = ExplorationLimits(explore, floor), Rewards(edited)
    with atomic_file(output) as file:
        found = learn_from_log(read_outcomes(log), limits=limits, rewards=rewards, held_out=held_out)
        file.write_text(found.format(), encoding="utf-8")
    return found


def evaluate_policy(
    policy: str | Path | StrategyPolicy, log: str | Path, *, edited: float | None = None
) -> OffPolicyEstimates:
    """Return what a log says about a policy that did not write it: IPS, SNIPS, DR and the gain, with intervals.

    policy  `rules`, `explore`, a file of `learn_policy`, which is evaluated on the choices held out from learning, or
            the result of `open_policy`
    edited  as in `learn_policy`; default: that of a learned policy, else 0.5

    Raises `DataError` if the log has too little support, `MissingFileError`.
    """
    from insula.empathy.policy.learn import evaluate_on_log
    from insula.empathy.policy.outcomes import Rewards, read_outcomes
    from insula.empathy.policy.registry import find_policy

    rewards = None if edited is None else Rewards(edited)
    return evaluate_on_log(find_policy(policy), read_outcomes(log), rewards=rewards)
