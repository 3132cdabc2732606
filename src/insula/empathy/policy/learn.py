"""`learn_from_log`: a Thompson policy from a log of outcomes, evaluated on choices that it was not learned from."""

from __future__ import annotations

from insula.core.errors import DataError
from insula.core.sentences import pluralise
from insula.empathy.policy.choice import StrategyPolicy
from insula.empathy.policy.context import encode
from insula.empathy.policy.estimates import OffPolicyEstimates, estimate_policy, hash_to_unit
from insula.empathy.policy.limits import DEFAULT_LIMITS, ExplorationLimits
from insula.empathy.policy.outcomes import DEFAULT_REWARDS, DraftOutcome, OutcomeLog, Rewards
from insula.empathy.policy.policy_file import PolicyFile
from insula.empathy.policy.thompson import describe_arms, fit_arms

HELD_OUT = 0.5


def learn_from_log(
    log: OutcomeLog,
    *,
    limits: ExplorationLimits = DEFAULT_LIMITS,
    rewards: Rewards = DEFAULT_REWARDS,
    held_out: float = HELD_OUT,
) -> PolicyFile:
    """Return a policy with its evaluation.

    limits    of the exploration of the new policy
    held_out  share of the choices that the policy is not learned from: it is evaluated on them. The hash of its id
              decides for a choice, so that it is on the same side in every later log

    Signs of danger, strategies that the caller named and choices without an alternative teach nothing. Raises
    `DataError` for a share out of range, and for a log without choices to learn from.
    """
    if not 0.1 <= held_out <= 0.9:
        raise DataError(
            f"The share of held-out choices must be from 0.1 to 0.9. Got {held_out:g}. Choose another value."
        )  # fmt: skip
    decisions = log.decisions
    learned = [one for one in decisions if not is_held_out(one, held_out)]
    if not learned:
        raise DataError(
            f"The log has nothing to learn from: {pluralise(len(log.outcomes), 'outcome')}, "
            f"{len(decisions)} of choices among several strategies. Record more, with the policy explore or rules."
        )
    rest = [one for one in decisions if is_held_out(one, held_out)]
    arms = describe_arms(
        fit_arms(
            (
                one.choice.strategy,
                encode(one.choice.context, leads=one.choice.strategy == one.choice.candidates[0]),
                rewards.compute(one),
            )
            for one in learned
        )
    )
    facts = {
        "sha256": log.sha256,
        "rows": len(learned),
        "held_out": len(rest),
        "until": max(one.time for one in decisions),
    }
    found = PolicyFile(limits, rewards, facts, held_out, arms)
    try:
        return found.with_evaluation(estimate_policy(found.build(), rest, rewards))
    except DataError as error:
        return PolicyFile(limits, rewards, facts, held_out, arms, failure=str(error))


def evaluate_on_log(
    policy: StrategyPolicy | PolicyFile, log: OutcomeLog, *, rewards: Rewards | None = None
) -> OffPolicyEstimates:
    """Return the estimates of a policy on a log; a learned one is evaluated on the choices held out from learning.

    rewards  default: those that a learned policy was learned with

    Raises `DataError` if the log has too little support.
    """
    if isinstance(policy, PolicyFile):
        rest = [one for one in log.decisions if is_held_out(one, policy.held_out)]
        return estimate_policy(policy.build(), rest, rewards or policy.rewards)
    return estimate_policy(policy, log.decisions, rewards or DEFAULT_REWARDS)


def is_held_out(outcome: DraftOutcome, share: float) -> bool:
    """Whether a choice is held out from learning."""
    return hash_to_unit(outcome.choice.id, "held out") < share
