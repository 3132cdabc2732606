"""`check_rules`: a rules file, its tests, and whether it fits a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from insula.core.model_input import ModelInput
from insula.core.prediction import Prediction
from insula.inference.predictor import Predictor
from insula.knowledge.rule_file import read_rules
from insula.knowledge.rules import Matcher


@dataclass(frozen=True)
class FailedTest:
    """A failed test of a rules file: its text, and the difference in one sentence."""

    text: str
    problem: str


@dataclass(frozen=True)
class CheckedRules:
    """The result of checking a rules file.

    rules    number of rules
    tests    number of its tests
    failed   the tests that failed
    open     number of tests that need a model, which was not given
    """

    rules: int
    tests: int
    failed: tuple[FailedTest, ...]
    open: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**self.__dict__, "failed": [dict(one.__dict__) for one in self.failed]}


def check_rules(file: str | Path, model: str | Path | Predictor | None = None) -> CheckedRules:
    """Read a rules file and run the tests in it; with a model, also check that its labels fit.

    Raises `MissingFileError`, and `DataError` for what is not valid: an unknown key or label, a loop.
    """
    found = read_rules(file)
    inputs = [ModelInput(test.text, language=test.language, attributes=test.where) for test in found.tests]
    predictions: list[Prediction] | None = None
    if model is not None:
        loaded = model if isinstance(model, Predictor) else Predictor.load(model)
        predictions = loaded.with_rules(file).predict(inputs)
    applying = Matcher(found).find_rules(inputs)
    failed, unknown = [], 0
    for row, test in enumerate(found.tests):
        names = [rule.name for rule in applying.get(row, [])]
        if test.applies is not None and sorted(names) != sorted(test.applies):
            failed.append(FailedTest(test.text, _describe_difference("rules that apply", test.applies, names)))
        elif test.labels is not None:
            if predictions is None:
                unknown += 1
            elif sorted(labels := predictions[row].labels) != sorted(test.labels):
                failed.append(FailedTest(test.text, _describe_difference("labels", test.labels, labels)))
    return CheckedRules(len(found.rules), len(found.tests), tuple(failed), unknown)


def _describe_difference(what: str, wanted: Any, got: Any) -> str:
    return f"The {what} must be {', '.join(wanted) or 'none'}. Got {', '.join(got) or 'none'}."
