"""`Rules`: applies the rules of a user to decisions, and says what it changed."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from insula.core.arrays import BoolArray, FloatArray, Int64Array
from insula.core.decision import DecisionRule, Decisions, compute_confidence
from insula.core.model_input import ModelInput, TextOrInput, get_text
from insula.core.scheme import LabelScheme
from insula.knowledge.cues import HAN, Cue, find_cues, is_negated
from insula.knowledge.rule_file import Rule, RuleFile, parse_rules
from insula.knowledge.rule_toml import read_rule_text

_NO_LETTER_BEFORE, _NO_LETTER_AFTER = rf"(?<![^\W_{HAN}])", rf"(?![^\W_{HAN}])"
MIN_PROBABILITY = 1e-12  # of a score whose logarithm is taken
SAME = 1e-9  # scores that differ by less are equal


@dataclass(frozen=True)
class RuledDecisions:
    """Decisions after the rules, and the rows that they changed, with the names of the rules that did."""

    decisions: Decisions
    changes: Mapping[int, tuple[str, ...]]


class Rules:
    """Rules that are ready to be applied to the decisions of one label scheme.

    file    their content
    text    the TOML that they come from, as it is stored in a model folder
    scheme  the labels
    """

    def __init__(self, file: RuleFile, text: str, scheme: LabelScheme, origin: str) -> None:
        file.check_labels(scheme, origin)
        self.file = file
        self.text = text
        self.scheme = scheme
        self.matcher = Matcher(file)

    @classmethod
    def read(cls, path: str | Path, scheme: LabelScheme) -> Rules:
        """Read a file. Raises `MissingFileError`, and `DataError` if it is invalid or does not fit the labels."""
        return cls.parse(read_rule_text(path), scheme, repr(str(path)))

    @classmethod
    def parse(cls, text: str, scheme: LabelScheme, origin: str) -> Rules:
        """Read TOML. Raises `DataError` as `read` does."""
        return cls(parse_rules(text, origin), text, scheme, origin)

    def apply(self, inputs: Sequence[TextOrInput], decision: DecisionRule, decisions: Decisions) -> RuledDecisions:
        """Return the decisions after the rules; the given ones are not changed.

        First the evidence of `add` is added, then labels of `never` are excluded, then the override with the highest
        priority decides, then rules with `predicted` rewrite the decision. Scores stay the model's but for `add`;
        the confidence is the probability that they give to the new decision. An override ends an abstention.
        """
        found = self.matcher.find_rules(inputs)
        if not found:
            return RuledDecisions(decisions, {})
        rows, applying = np.fromiter(found, dtype=np.int64), list(found.values())
        before = decisions.of_rows(rows)
        scores, allowed = self._add_evidence(before.scores, applying), self._find_allowed(applying)
        chosen = decision.choose(self.scheme, scores, allowed)
        # One of several mutually exclusive labels must be left: if all are forbidden, the model's own stays, unsure.
        stuck = np.logical_and(~allowed.any(axis=1), self.scheme.kind != "multi")
        chosen[stuck] = before.chosen[stuck]
        overriding = [self._apply_overrides(*row) for row in zip(chosen, allowed, applying, strict=True)]
        after = self._build_decisions(decision, before, scores, chosen, stuck, [bool(names) for names in overriding])
        changes = {}
        for place in np.flatnonzero(_find_differences(before, after)).tolist():
            names = [
                rule.name
                for rule in applying[place]
                if rule.add
                or before.chosen[place, self._find_columns(rule.never)].any()
                or rule.name in overriding[place]
            ]
            changes[int(rows[place])] = tuple(names)
        return RuledDecisions(_replace_rows(decisions, rows, after), changes)

    def _build_decisions(
        self,
        decision: DecisionRule,
        before: Decisions,
        scores: FloatArray,
        chosen: BoolArray,
        stuck: BoolArray,
        overridden: Sequence[bool],
    ) -> Decisions:
        """Return the decisions with their confidence; an override never abstains."""
        if before.confidence is None:
            return Decisions(scores, chosen, None, before.abstained)
        confidence = compute_confidence(self.scheme.kind, scores, chosen)
        # A model that abstains at a high confidence does so because the text is unlike its training texts.
        unlike = before.abstained & (before.confidence >= decision.abstention)
        abstained = (confidence < decision.abstention) | unlike | stuck
        return Decisions(scores, chosen, confidence, abstained & ~np.asarray(overridden, dtype=bool))

    def find_matches(self, given: TextOrInput) -> list[Match]:
        """Return the positions of the words of all rules that apply to an input."""
        applying = self.matcher.find_rules([given]).get(0, [])
        return [match for rule in applying for match in self.matcher.find_matches(rule, get_text(given))]

    def _add_evidence(self, scores: FloatArray, found: Iterable[list[Rule]]) -> FloatArray:
        """Return scores with the evidence of `add`."""
        added = np.zeros(scores.shape)
        for place, rules in enumerate(found):
            for rule in rules:
                for label, evidence in rule.add.items():
                    added[place, self.scheme.names.index(label)] += evidence
        if not added.any():
            return scores.astype(np.float64, copy=True)
        if not self.scheme.is_categorical:
            low, high = np.array([self.scheme.ranges[name] for name in self.scheme.names]).T
            value: FloatArray = np.clip(scores + added, low, high)
            return value
        inside = np.clip(scores, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
        if self.scheme.kind == "multi":
            odds = np.log(inside) - np.log1p(-inside) + added
            return np.where(added != 0, 1.0 / (1.0 + np.exp(-odds)), scores)
        weighed = np.log(inside) + added
        weighed = np.exp(weighed - weighed.max(axis=1, keepdims=True))
        return np.where(added.any(axis=1, keepdims=True), weighed / weighed.sum(axis=1, keepdims=True), scores)

    def _find_allowed(self, found: Iterable[list[Rule]]) -> BoolArray:
        """Return (rows, labels): the labels that no constraint forbids."""
        allowed = []
        for rules in found:
            row = np.ones(len(self.scheme.names), dtype=bool)
            for rule in rules:
                row[self._find_columns(rule.never)] = False
            allowed.append(row)
        return np.stack(allowed)

    def _apply_overrides(self, chosen: BoolArray, allowed: BoolArray, rules: Sequence[Rule]) -> list[str]:
        """Let overrides decide one row in place; return their names."""
        names: list[str] = []
        for rule in rules:
            if rule.labels is None or (names and not rule.predicted):
                continue
            wanted = [label for label in self._find_columns(rule.labels) if allowed[label]]
            if rule.labels and not wanted:  # a constraint forbids all of them
                continue
            if rule.predicted:
                rewritten = self._find_columns(rule.predicted)
                if not chosen[rewritten].any():
                    continue
                chosen[rewritten] = False
                if self.scheme.kind != "multi":
                    chosen[:] = False
            else:
                chosen[:] = False
            chosen[wanted] = True
            names.append(rule.name)
        return names

    def _find_columns(self, labels: Sequence[str]) -> list[int]:
        return [self.scheme.names.index(label) for label in labels]


def _find_differences(one: Decisions, other: Decisions) -> BoolArray:
    """Return (rows,) whether scores, labels or abstention differ."""
    scores = (np.abs(one.scores - other.scores) > SAME).any(axis=1)
    differ: BoolArray = scores | (one.chosen != other.chosen).any(axis=1) | (one.abstained != other.abstained)
    return differ


def _replace_rows(decisions: Decisions, rows: Int64Array, new: Decisions) -> Decisions:
    """Return the decisions with some rows replaced."""
    scores, chosen = decisions.scores.astype(np.float64, copy=True), decisions.chosen.copy()
    abstained, confidence = decisions.abstained.copy(), decisions.confidence
    scores[rows], chosen[rows], abstained[rows] = new.scores, new.chosen, new.abstained
    if confidence is not None and new.confidence is not None:
        confidence = confidence.astype(np.float64, copy=True)
        confidence[rows] = new.confidence
    return Decisions(scores, chosen, confidence, abstained)


@dataclass(frozen=True, slots=True)
class Match:
    """A word of a rule in a text: characters `start` to `end` (exclusive)."""

    rule: str
    start: int
    end: int


class Matcher:
    """Finds the rules that apply to texts.

    Most texts contain no words of any rule. So all texts are searched at once for the words of all rules, and only the
    texts with one are looked at closely.
    """

    def __init__(self, file: RuleFile) -> None:
        self._rules = file.rules
        self._everywhere = any(not rule.words for rule in file.rules)
        self._hints: dict[str, list[int]] = {}
        for place, rule in enumerate(file.rules):
            for word in rule.words:
                self._hints.setdefault(max(word.lower().split(), key=len), []).append(place)
        self._patterns = {word: _compile_word(word) for rule in file.rules for word in (*rule.words, *rule.without)}

    def find_rules(self, inputs: Sequence[TextOrInput]) -> dict[int, list[Rule]]:
        """Return, for each row with any, the rules that apply to it in their order; `predicted` is not looked at."""
        hinted: dict[int, set[int]] = {}
        texts = [get_text(given).lower() for given in inputs]
        joined = "\n".join(texts)
        starts = list(self._find_starts(texts))
        for hint, places in self._hints.items():
            place = joined.find(hint)
            while place >= 0:
                row = bisect.bisect_right(starts, place) - 1
                hinted.setdefault(row, set()).update(places)
                place = joined.find(hint, starts[row + 1]) if row + 1 < len(starts) else -1
        found = {}
        for row in range(len(inputs)) if self._everywhere else sorted(hinted):
            near = hinted.get(row, set())
            rules = [
                rule
                for place, rule in enumerate(self._rules)
                if (place in near or not rule.words) and self.applies(rule, inputs[row])
            ]
            if rules:
                found[row] = rules
        return found

    def applies(self, rule: Rule, given: TextOrInput) -> bool:
        """Return whether a rule applies to an input, without regard to `predicted`."""
        attributes = given.attributes if isinstance(given, ModelInput) else {}
        if any(attributes.get(name) != value for name, value in rule.where.items()):
            return False
        if rule.language is not None and (isinstance(given, str) or given.language != rule.language):
            return False
        text = get_text(given)
        if any(self._patterns[word].search(text) for word in rule.without):
            return False
        return not rule.words or next(self.find_matches(rule, text), None) is not None

    def find_matches(self, rule: Rule, text: str) -> Iterator[Match]:
        """Yield where the words of a rule are in a text, as `negated` wants them."""
        cues: list[Cue] | None = None
        for word in rule.words:
            for match in self._patterns[word].finditer(text):
                if rule.negated is not None:
                    cues = find_cues(text) if cues is None else cues
                    if is_negated(cues, *match.span()) != rule.negated:
                        continue
                yield Match(rule.name, *match.span())

    @staticmethod
    def _find_starts(texts: Sequence[str]) -> Iterator[int]:
        place = 0
        for text in texts:
            yield place
            place += len(text) + 1


def _compile_word(word: str) -> re.Pattern[str]:
    """Return the pattern of a word or phrase: whole words, any white space between them; Chinese anywhere."""
    inner = r"\s+".join(re.escape(part) for part in word.split())
    before = "" if re.match(rf"[{HAN}\W]", word.strip()) else _NO_LETTER_BEFORE
    after = "" if re.search(rf"[{HAN}\W]$", word.strip()) else _NO_LETTER_AFTER
    # Only the word ignores case: a range of all Chinese characters that does takes milliseconds to compile.
    return re.compile(f"{before}(?i:{inner}){after}")
