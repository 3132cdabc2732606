"""`read_rules`: the rules of a user, from a TOML file, and the tests that it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.scheme import LabelScheme
from insula.knowledge.rule_toml import TomlTable, check_labels, parse_tables, read_rule_text

RULES = "rules.toml"
"""The name of the rules in a model folder."""
Name = Annotated[str, Field(pattern=r"\S", max_length=200)]
Words = Annotated[tuple[Name, ...], Field(max_length=1000)]


class Rule(TomlTable):
    """The conditions and the effect of a rule.

    name       what predictions and explanations call it
    words      it applies where one of these words or phrases is in the text; empty: to every text
    without    but not where one of these is
    negated    only where a word of `words` is negated (true), or is not (false)
    where      only to inputs with these attributes, such as `source = "skate"`
    language   only to inputs of this language
    predicted  only where one of these labels is decided; the rule rewrites that decision

    add        adds to the evidence for labels: to their log-odds, of a dimension to its value
    never      hard constraint: these labels are never decided
    labels     override: exactly these labels are decided
    priority   of several overrides the one with the highest priority decides; then the first in the file
    """

    name: Name
    words: Words = ()
    without: Words = ()
    negated: bool | None = None
    where: Mapping[Name, Name] = {}
    language: str | None = Field(None, pattern="^[a-z]{2}$")
    predicted: tuple[Name, ...] = ()
    add: Mapping[Name, float] = {}
    never: tuple[Name, ...] = ()
    labels: tuple[Name, ...] | None = None
    priority: int = 0
    note: str = ""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.add and not self.never and self.labels is None:
            raise ValueError(
                f"the rule {self.name!r} must have `add`, `never` or `labels`. Add one to define what it does"
            )
        if not (self.words or self.where or self.language or self.predicted):
            raise ValueError(
                f"the rule {self.name!r} must have `words`, `where`, `language` or `predicted`. Add one to define when "
                "it applies"
            )
        if self.predicted and (self.labels is None or self.add or self.never):
            raise ValueError(
                f"the rule {self.name!r} with `predicted` must have `labels`, and neither `add` nor `never`"
            )
        if self.negated is not None and not self.words:
            raise ValueError(f"the rule {self.name!r} has `negated` without `words`. Add `words`, or remove `negated`")
        return self

    @property
    def named_labels(self) -> tuple[str, ...]:
        """All labels that it names."""
        return (*self.predicted, *self.add, *self.never, *(self.labels or ()))


class RuleTest(TomlTable):
    """A text with the expected effect of the rules.

    where, language  attributes and language of the input
    applies          names of the rules that should apply to the text and its attributes, no more and no fewer
    labels           the labels that should be decided; a model is needed where no override decides them
    """

    text: str = Field(min_length=1)
    where: Mapping[Name, Name] = {}
    language: str | None = None
    applies: tuple[Name, ...] | None = None
    labels: tuple[Name, ...] | None = None

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if self.applies is None and self.labels is None:
            raise ValueError(f"the test of {self.text[:40]!r} must have `applies` or `labels`. Add the expected result")
        return self


class RuleFile(TomlTable):
    """The content of a rules file: rules in the order in which they are applied, and tests."""

    rules: tuple[Rule, ...] = Field(min_length=1)
    tests: tuple[RuleTest, ...] = ()

    @property
    def attributes(self) -> frozenset[str]:
        """The names of the attributes that rules look at."""
        return frozenset(name for rule in self.rules for name in rule.where)

    def check_labels(self, scheme: LabelScheme, origin: str) -> None:
        """Raise `DataError` if a rule does not fit a label scheme."""
        for rule in self.rules:
            check_labels(rule.named_labels, scheme, f"rule {rule.name!r}", origin)
            if not scheme.is_categorical and (rule.never or rule.labels is not None):
                raise DataError(
                    f"The rule {rule.name!r} in {origin} must have add, and not never or labels: the model predicts "
                    "values. "
                    "Use add."
                )
            if scheme.kind != "multi" and rule.labels is not None and len(rule.labels) != 1:
                raise DataError(
                    f"The labels of rule {rule.name!r} in {origin} must be one label, since the model predicts exactly "
                    f"one. Got {len(rule.labels)}. Keep one of them."
                )
            if scheme.kind != "multi" and set(rule.never) == set(scheme.names):
                raise DataError(
                    f"The rule {rule.name!r} in {origin} must allow some label. Got all in never. Remove one."
                )


def read_rules(file: str | Path) -> RuleFile:
    """Return the rules of a file; rules with `predicted` are sorted topologically, each after the rules it depends on.

    Raises `MissingFileError`, and `DataError` for invalid content: an unknown key, a repeated name, a cycle.
    """
    return parse_rules(read_rule_text(file), repr(str(file)))


def parse_rules(text: str, origin: str) -> RuleFile:
    """Return the rules of a TOML text; `origin` names it in messages. Raises `DataError` as `read_rules` does."""
    found = parse_tables(text, RuleFile, {"rules": Rule, "tests": RuleTest}, kind="rules", origin=origin)
    names = {rule.name for rule in found.rules}
    for test in found.tests:
        if unknown := [name for name in test.applies or () if name not in names]:
            raise DataError(
                f"A test in {origin} must name rules of the file. Got "
                f"{unknown[0]!r}.{suggest(unknown[0], names, CHOOSE)}"
            )
    return found.model_copy(update={"rules": tuple(_sort_rules(found.rules, origin))})


def _sort_rules(rules: Sequence[Rule], origin: str) -> list[Rule]:
    """Return rules by priority, the first of the file first among equals; rewriting rules last, in their own order."""
    ranked = sorted(rules, key=lambda rule: -rule.priority)
    rewriting = [rule for rule in ranked if rule.predicted]
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for place, rule in enumerate(rewriting):
        before = [other for other, one in enumerate(rewriting) if set(one.labels or ()) & set(rule.predicted)]
        sorter.add(place, *before)
    try:
        sorter.prepare()
    except CycleError as error:
        names = [repr(rewriting[place].name) for place in dict.fromkeys(error.args[1])]
        loop = f"{', '.join(names)} rewrite each other's labels. Remove one"
        if len(names) == 1:
            loop = f"{names[0]} rewrites its own label. Remove it from labels or predicted"
        raise DataError(f"The rules in {origin} must not form a cycle: {loop}.") from None
    order: list[int] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return [rule for rule in ranked if not rule.predicted] + [rewriting[place] for place in order]
