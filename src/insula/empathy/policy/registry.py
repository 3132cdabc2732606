"""`POLICIES`: the policies by name; `open_policy`: a policy by its name or file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from insula.core.errors import MissingFileError
from insula.core.registry import Registry
from insula.empathy.policy.choice import StrategyPolicy
from insula.empathy.policy.policy_file import PolicyFile, read_policy

RULES, EXPLORE = "rules", "explore"
POLICIES: Registry[Callable[[], StrategyPolicy]] = Registry("reply_policies")
"""Each member takes no arguments and returns a policy."""

POLICIES.register(RULES, "insula.empathy.policy.fixed:RulesPolicy")
POLICIES.register(EXPLORE, "insula.empathy.policy.fixed:ExplorePolicy")


def open_policy(policy: str | Path | StrategyPolicy, *, accept_unproven: bool = False) -> StrategyPolicy:
    """Return a policy by its name in `POLICIES`, or from a file that `learn_policy` wrote.

    accept_unproven  also use a learned policy whose evaluation does not show that it is as good as the one before it

    Raises `MissingFileError`, and `DataError` for a file that is damaged, was changed, or holds an unproven policy.
    """
    found = find_policy(policy)
    return found.open(accept_unproven=accept_unproven) if isinstance(found, PolicyFile) else found


def find_policy(policy: str | Path | StrategyPolicy) -> StrategyPolicy | PolicyFile:
    """Return a policy by its name, or the file that holds it, proven or not."""
    if not isinstance(policy, str | Path):
        return policy
    if str(policy) in POLICIES:
        return POLICIES[str(policy)]()
    if not Path(policy).is_file():
        raise MissingFileError(
            f"The policy {str(policy)!r} is neither a file nor one of {', '.join(POLICIES)}. Learn one with: insula "
            "policy learn log.jsonl --output policy.json"
        )
    return read_policy(policy)
