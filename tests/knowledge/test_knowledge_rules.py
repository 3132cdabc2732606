"""Rules of a user: when they apply, what they do, and what is rejected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from insula.core.decision import DecisionRule
from insula.core.errors import DataError, MissingFileError
from insula.core.model_input import ModelInput
from insula.core.prediction import Prediction, PriorDecision
from insula.core.scheme import Kind, LabelScheme
from insula.knowledge.cues import find_cues
from insula.knowledge.rule_file import parse_rules, read_rules
from insula.knowledge.rules import Matcher, RuledDecisions, Rules

NAMES = ("joy", "anger", "disgust")
SICK = """
[[rules]]
name = "sick is praise"
words = ["sick", "超赞"]
where = {source = "skate"}
labels = ["joy"]
"""


def rules(text: str, kind: Kind = "single") -> Rules:
    ranges = dict.fromkeys(NAMES, (0.0, 1.0)) if kind == "dimensional" else {}
    return Rules.parse(text, LabelScheme("three", kind, NAMES, ranges=ranges), "'rules.toml'")


def ruled(
    found: Rules, *inputs: str | ModelInput, scores: tuple[float, ...] = (0.2, 0.1, 0.7), abstention: float = 0.0
) -> RuledDecisions:
    """Apply rules to inputs that the model decides by the same scores."""
    decision, odds = DecisionRule(abstention=abstention), np.array([scores] * len(inputs))
    if found.scheme.kind != "dimensional":
        odds = np.log(odds) - (np.log1p(-odds) if found.scheme.kind == "multi" else 0.0)
    return found.apply(inputs, decision, decision.decide(found.scheme, odds))


def decided(found: Rules, *inputs: str | ModelInput, scores: tuple[float, ...] = (0.2, 0.1, 0.7)) -> list[list[str]]:
    """Return the labels after the rules."""
    chosen = ruled(found, *inputs, scores=scores).decisions.chosen
    return [[NAMES[place] for place in np.flatnonzero(row)] for row in chosen]


def skate(text: str) -> ModelInput:
    return ModelInput(text, attributes={"source": "skate"})


def test_words_and_attributes_say_where_a_rule_applies() -> None:
    inputs = [skate("That was SICK!"), skate("homesick"), "That was sick!", skate("这个动作超赞的"), skate("fine")]
    assert decided(rules(SICK), *inputs) == [["joy"], ["disgust"], ["disgust"], ["joy"], ["disgust"]]
    assert ruled(rules(SICK), *inputs).changes == {0: ("sick is praise",), 3: ("sick is praise",)}


@pytest.mark.parametrize(
    ("text", "applies"),
    [
        ("I am not happy", True),
        ("I am happy", False),
        ("not only that, I am happy", False),
        ("no problem but I am happy", False),
    ],
)
def test_a_rule_may_ask_for_negation(text: str, applies: bool) -> None:
    found = parse_rules('[[rules]]\nname = "a"\nwords = ["happy"]\nnegated = true\nadd = {joy = -3}', "x")
    assert bool(Matcher(found).find_rules([text])) == applies


def test_phrases_without_and_language() -> None:
    found = parse_rules(
        '[[rules]]\nname = "phrase"\nwords = ["off  the wall"]\nwithout = ["poster"]\nlabels = ["joy"]\n'
        '[[rules]]\nname = "chinese"\nlanguage = "zh"\nlabels = ["joy"]\n',
        "x",
    )
    inputs = ["Off the\nwall!", "off the wall poster", "off, the wall", ModelInput("好", language="zh"), "好"]
    applying = Matcher(found).find_rules(inputs)
    assert {row: [rule.name for rule in several] for row, several in applying.items()} == {
        0: ["phrase"],
        3: ["chinese"],
    }


def test_evidence_is_added_to_the_log_odds() -> None:
    text = '[[rules]]\nname = "a"\nwords = ["bricked"]\nadd = {anger = 2.0}'
    single = ruled(rules(text), "it bricked", "fine").decisions
    odds = np.log([0.2, 0.1, 0.7]) + np.array([0, 2, 0])
    assert single.scores[0] == pytest.approx(np.exp(odds) / np.exp(odds).sum())
    assert single.scores[1] == pytest.approx([0.2, 0.1, 0.7])
    multi = ruled(rules(text, "multi"), "it bricked").decisions
    assert multi.scores[0] == pytest.approx([0.2, 1 / (1 + 9 * np.exp(-2)), 0.7])
    values = ruled(rules(text.replace("2.0", "0.3"), "dimensional"), "it bricked", "fine").decisions
    assert values.scores == pytest.approx(np.array([[0.2, 0.4, 0.7], [0.2, 0.1, 0.7]]))


@pytest.mark.parametrize("kind", ["single", "ordinal", "multi"])
def test_a_constraint_holds_against_an_override(kind: Kind) -> None:
    text = (
        '[[rules]]\nname = "no insect"\nwords = ["bug"]\nnever = ["disgust"]\n'
        '[[rules]]\nname = "always"\nwords = ["bug"]\nlabels = ["disgust"]\npriority = 9\n'
    )
    expected: list[str] = [] if kind == "multi" else ["joy"]
    assert decided(rules(text, kind), "a bug", scores=(0.4, 0.1, 0.5)) == [expected]


def test_where_all_labels_are_forbidden_the_model_is_unsure() -> None:
    text = '[[rules]]\nname = "a"\nwords = ["x"]\nnever = ["joy"]\n[[rules]]\nname = "b"\nwords = ["x"]\n'
    after = ruled(rules(text + 'never = ["anger", "disgust"]'), "x").decisions
    assert after.chosen.tolist() == [[False, False, True]]
    assert after.abstained.tolist() == [True]


def test_the_override_of_the_highest_priority_decides() -> None:
    text = "".join(
        f'[[rules]]\nname = "{name}"\nwords = ["x"]\nlabels = ["{label}"]\npriority = {priority}\n'
        for name, label, priority in (("a", "joy", 0), ("b", "anger", 2), ("c", "disgust", 2))
    )
    assert decided(rules(text), "x") == [["anger"]]
    assert ruled(rules(text), "x").changes == {0: ("b",)}


def test_rewriting_rules_follow_those_they_depend_on() -> None:
    text = (
        '[[rules]]\nname = "last"\npredicted = ["joy"]\nwords = ["x"]\nlabels = ["anger"]\npriority = 99\n'
        '[[rules]]\nname = "first"\npredicted = ["disgust"]\nlabels = ["joy"]\n'
    )
    assert decided(rules(text), "x", "y") == [["anger"], ["joy"]]
    assert ruled(rules(text), "x").changes == {0: ("first", "last")}
    assert decided(rules(text, "multi"), "y", scores=(0.1, 0.9, 0.9)) == [["joy", "anger"]]


def test_confidence_is_the_model_s_for_the_new_decision() -> None:
    after = ruled(rules(SICK), skate("sick"), skate("fine"), abstention=0.5).decisions
    assert after.confidence == pytest.approx([0.2, 0.7])
    assert after.abstained.tolist() == [False, False]  # the author of the rule is sure


@pytest.mark.parametrize(
    ("labels", "confidence", "before", "said"),
    [
        (("joy",), 0.9, ("anger", "disgust"), "anger, disgust"),
        (("joy",), 0.9, (), "none"),
        ((), 0.9, (), "none"),
        ((), None, (), "joy=0.25"),
    ],
)
def test_a_sentence_says_what_was_before(
    labels: tuple[str, ...], confidence: float | None, before: tuple[str, ...], said: str
) -> None:
    changed = Prediction(
        text="x",
        labels=labels,
        label=None,
        scores={"joy": 0.5},
        confidence=confidence,
        rules=("a", "b"),
        before=PriorDecision(before, {"joy": 0.25}),
    )
    assert changed.rule_sentence == f"changed by a, b; before: {said}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rules = 3", "must be a list"),
        ("", "'rules' is missing"),
        ('[[rules]]\nname = "a"\nwrods = ["x"]\nnever = ["joy"]', r"rules\[1\] \('a'\): 'wrods' is not known.*'words'"),
        ('[[rules]]\nname = "a"\nwords = ["x"]', "must have `add`, `never` or `labels`"),
        ('[[rules]]\nname = "a"\nnever = ["joy"]', "must have `words`, `where`, `language` or `predicted`"),
        ('[[rules]]\nname = "a"\npredicted = ["joy"]\nadd = {joy = 1}', "with `predicted` must have `labels`"),
        ('[[rules]]\nname = "a"\nwords = [" "]\nnever = ["joy"]', "must match pattern"),
        ('[[rules]]\nname = "a"\nwords = ["x"]\nadd = {joy = inf}', "must be a finite number"),
        (
            '[[rules]]\nname = "a"\nwords = ["x"]\nnever = ["jot"]',
            "must be labels of the model: joy, anger, disgust. Got 'jot'",
        ),
        ('[[rules]]\nname = "a"\nwords = ["x"]\nlabels = []', "must be one label"),
        ('[[rules]]\nname = "a"\nwords = ["x"]\nnever = ["joy", "anger", "disgust"]', "must allow some label"),
        (SICK + SICK, "must be unique. Got 'sick is praise' twice"),
        (SICK + '[[tests]]\ntext = "x"\napplies = ["sick"]', "must name rules of the file. Got 'sick'"),
        (SICK + '[[tests]]\ntext = "x"', "must have `applies` or `labels`"),
        ("[[rules]", "is not valid TOML"),
        (
            '[[rules]]\nname = "a"\npredicted = ["joy", "anger"]\nlabels = ["anger"]',
            "must not form a cycle: 'a' rewrites its own label",
        ),
        (
            '[[rules]]\nname = "a"\npredicted = ["joy"]\nlabels = ["anger"]\n'
            '[[rules]]\nname = "b"\npredicted = ["anger"]\nlabels = ["joy"]',
            "must not form a cycle: '.', '.' rewrite each other's labels",
        ),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as error:
        rules(text)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist"):
        read_rules(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "kind", "by", "word"),
    [
        ("I am not happy", "negated", "not", "happy"),
        ("It wasn't very good, I liked it", "negated", "wasn't", "good"),
        ("The room was fine but nobody answered", "contrast", "but", "answered"),
        ("so happy today", "intensified", "so", "happy"),
        ("a bit sad", "weakened", "a bit", "sad"),
        ("我不开心", "negated", "不", "开心"),
        ("这家店没有服务", "negated", "没有", "服务"),
        ("房间很干净，但是服务差", "contrast", "但是", "服务"),
        ("非常生气", "intensified", "非常", "生气"),
        ("有点难过", "weakened", "有点", "难过"),
    ],
)
def test_cues_concern_the_words_they_should(text: str, kind: str, by: str, word: str) -> None:
    start = text.index(word)
    assert (kind, by) in {(cue.kind, cue.text) for cue in find_cues(text) if cue.concerns(start, start + len(word))}


@pytest.mark.parametrize(
    "text", ["服务不错", "不但好吃", "特别开心", "别人说好", "差不多开心", "不得不说开心", "非常好", "级别高", "未来"]
)
def test_words_that_only_look_like_negation(text: str) -> None:
    assert [cue.text for cue in find_cues(text) if cue.kind == "negated"] == []


def test_negation_ends_with_its_clause() -> None:
    text = "I do not think so, happy days"
    cues = [cue for cue in find_cues(text) if cue.kind == "negated"]
    assert cues
    assert not any(cue.concerns(text.index("happy"), len(text)) for cue in cues)
