"""`PolicyFile`: a learned policy as a readable JSON file with its version, its evaluation and a checksum."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from insula import __version__
from insula.core.errors import DataError
from insula.empathy.policy.estimates import OffPolicyEstimates
from insula.empathy.policy.limits import ExplorationLimits
from insula.empathy.policy.outcomes import Rewards
from insula.empathy.policy.thompson import ThompsonPolicy, parse_arms

FORMAT = "insula reply policy 1"
MAX_BYTES = 10_000_000
_VERSION_DIGITS = 12
_NUMBERS = re.compile(r"\[\s+([^\[\]{}\"]+?)\s+\]")


@dataclass(frozen=True)
class PolicyFile:
    """A learned policy.

    limits      of exploration
    rewards     with which it was learned
    log         facts of the log: `sha256`, `rows` that it was learned from, `held_out` rows, `until`
    held_out    share of the choices that no policy may be learned from, by the hash of their ids
    arms        as `describe_arms` returns them
    evaluation  on the held-out rows; None if they had too little support
    failure     the sentence that says why there is no evaluation
    """

    limits: ExplorationLimits
    rewards: Rewards
    log: Mapping[str, Any]
    held_out: float
    arms: Mapping[str, Any]
    evaluation: OffPolicyEstimates | None = None
    failure: str | None = None

    @property
    def version(self) -> str:
        """The version: a digest of what the probabilities depend on, so that an evaluation does not change it."""
        return _hash([self.limits.to_dict(), self.arms])[:_VERSION_DIGITS]

    @property
    def is_proven(self) -> bool:
        """Whether the evaluation shows that it is at least as good as the policy that wrote the log."""
        return self.evaluation is not None and self.evaluation.is_proven

    def open(self, *, accept_unproven: bool = False) -> ThompsonPolicy:
        """Return the policy; raise `DataError` for an unproven one unless it is accepted."""
        if not self.is_proven and not accept_unproven:
            raise DataError(
                f"The policy {self.version} is not proven: {self.explain_unproven()} Record more outcomes and learn "
                "it again, or accept an unproven policy explicitly."
            )
        return self.build()

    def build(self) -> ThompsonPolicy:
        """Return the policy, proven or not, to evaluate it."""
        return ThompsonPolicy(parse_arms(self.arms), self.limits, self.version)

    def explain_unproven(self) -> str:
        """Return why an unproven policy may not be used, as a sentence."""
        if self.evaluation is None:
            return self.failure or "It was not evaluated."
        gain = self.evaluation.gain
        return (
            f"The interval of its gain over the policy that wrote the log, {gain.low:+.3f} to {gain.high:+.3f}, begins "
            "below 0."
        )

    def with_evaluation(self, evaluation: OffPolicyEstimates) -> PolicyFile:
        """Return the policy with another evaluation."""
        return replace(self, evaluation=evaluation, failure=None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        content = {
            "format": FORMAT,
            "insula": __version__,
            "version": self.version,
            "limits": self.limits.to_dict(),
            "rewards": {"sent": 1.0, "edited": self.rewards.edited, "rejected": 0.0},
            "log": dict(self.log),
            "held_out": self.held_out,
            "evaluation": None if self.evaluation is None else self.evaluation.to_dict(),
            "failure": self.failure,
            "strategies": dict(self.arms),
        }
        return {**content, "sha256": _hash(content)}

    def format(self) -> str:
        """Return the content of the file."""
        text = json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)
        return _NUMBERS.sub(_join_lines, text) + "\n"


def read_policy(file: str | Path) -> PolicyFile:
    """Return the policy in a file; raise `DataError` if it is none, is damaged or was changed by hand."""
    try:
        content = Path(file).read_bytes()[:MAX_BYTES]
        row = json.loads(content)
        if not isinstance(row, dict) or row.get("format") != FORMAT:
            raise ValueError(f"its format must be {FORMAT!r}")
        if row.pop("sha256", None) != _hash(row):
            raise ValueError("its content does not match its checksum")
        evaluation = row["evaluation"]
        found = PolicyFile(
            ExplorationLimits.from_dict(row["limits"]),
            Rewards(float(row["rewards"]["edited"])),
            row["log"],
            float(row["held_out"]),
            row["strategies"],
            None if evaluation is None else OffPolicyEstimates.from_dict(
                {name: value for name, value in evaluation.items() if name != "proven"}
            ),
            row["failure"],
        )  # fmt: skip
        parse_arms(found.arms)
        if found.version != row["version"]:
            raise ValueError("its version does not match its content")
    except FileNotFoundError as error:
        raise DataError(f"The policy {str(file)!r} does not exist. Learn one with: insula policy learn") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"The policy {str(file)!r} cannot be used: {error}. Learn it again with: insula policy learn"
        ) from error
    return found


def _join_lines(found: re.Match[str]) -> str:
    """Return a list of numbers on one line."""
    return f"[{' '.join(found[1].split())}]"


def _hash(content: Any) -> str:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
