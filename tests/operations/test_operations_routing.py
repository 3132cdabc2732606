"""Routing rules: what applies, what is decided and why; rules that never decide, contradict or leave a gap."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from insula.core.errors import DataError, MissingFileError
from insula.core.model_input import ModelInput, Turn
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.knowledge.rule_file import read_rules
from insula.operations.routing.conditions import IncomingMessage
from insula.operations.routing.coverage import RouteProblem, find_problems
from insula.operations.routing.route_file import Route, RouteFile, parse_routes, read_routes
from insula.operations.routing.router import SAFEGUARD, RouteDecision, Router
from insula.safety.signals.detect import check_message
from insula.safety.signals.result import LEVELS, RiskCheck

FILE = """
[[routes]]
name = "risk"
risk = "concern"
queue = "crisis"
deadline = "10m"

[[routes]]
name = "gold"
where = {tier = "gold"}
tags = ["gold"]

[[routes]]
name = "angry"
predicted = ["anger", "disgust"]
score = {anger = 0.6}
queue = "care"
deadline = "30m"
priority = "concern"
tags = ["refund", "gold"]

[[routes]]
name = "unsure"
confidence_below = 0.5
abstained = true
language = "zh"
queue = "care-zh"

[[routes]]
name = "rest"
ignore = true
"""


def _message(risk: str = "none", language: str | None = "en", **fields: Any) -> IncomingMessage:
    attributes = fields.pop("attributes", {})
    scores = fields.pop("scores", {"anger": 0.7, "joy": 0.2})
    labels = tuple(fields.pop("labels", ("anger",)))
    prediction = Prediction(
        text=fields.pop("text", "hello"),
        labels=labels,
        label=labels[0] if labels else None,
        scores=scores,
        language=language,
        **{"confidence": 0.7, **fields},
    )
    check = RiskCheck(risk != "none", risk, needs_person=risk != "none")  # type: ignore[arg-type]
    return IncomingMessage(prediction, check, attributes)


def _routes(*rules: dict[str, Any], match: str = "first") -> RouteFile:
    named = [{"name": str(number), **rule} for number, rule in enumerate(rules)]
    return RouteFile.model_validate({"match": match, "routes": named})


def _problems(*rules: dict[str, Any], match: str = "first") -> list[tuple[str, tuple[str, ...]]]:
    return [(problem.kind, problem.rules) for problem in find_problems(_routes(*rules, match=match))]


def _decide(message: IncomingMessage, text: str = FILE) -> RouteDecision:
    return Router(parse_routes(text, "test")).route(message)


def test_the_first_rule_that_decides_wins() -> None:
    assert find_problems(parse_routes(FILE, "test")) == []
    decision = _decide(_message(attributes={"tier": "gold"}))
    assert (decision.action, decision.rule, decision.queue) == ("queue", "angry", "care")
    assert (decision.deadline, decision.priority, decision.tags) == (1800, "concern", ("gold", "refund"))
    assert [(step.rule, step.applies) for step in decision.steps] == [
        ("risk", False), ("gold", True), ("angry", True),
    ]  # fmt: skip
    assert decision.reason == (
        "Rule 'angry': predicted anger or disgust (got anger); score of anger at least 0.6 (got 0.7)."
    )


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        (_message("high"), "risk"),
        (_message("concern"), "risk"),
        (_message(scores={"anger": 0.6}), "angry"),
        (_message(scores={"anger": 0.59}), "rest"),
        (_message(scores={"joy": 0.9}), "rest"),
        (_message(labels=("joy",)), "rest"),
        (_message(labels=("joy", "disgust")), "angry"),
        (_message(labels=(), confidence=0.49, abstained=True, language="zh"), "unsure"),
        (_message(labels=(), confidence=0.5, abstained=True, language="zh"), "rest"),
        (_message(labels=(), confidence=None, abstained=True, language="zh"), "rest"),
        (_message(labels=(), confidence=0.4, abstained=False, language="zh"), "rest"),
        (_message(labels=(), confidence=0.4, abstained=True, language=None), "rest"),
    ],
)
def test_each_condition_must_be_met(message: IncomingMessage, rule: str) -> None:
    assert _decide(message).rule == rule


def test_all_rules_that_apply_act_with_match_all() -> None:
    rules = [
        {"predicted": ["anger"], "queue": "care", "deadline": "1h", "tags": ["a"]},
        {"where": {"tier": "gold"}, "queue": "gold", "deadline": "10m", "priority": "high", "tags": ["b", "a"]},
        {"language": "en", "ignore": True, "tags": ["c"]},
        {"language": "zh", "queue": "never"},
    ]
    decision = Router(_routes(*rules, match="all")).route(_message(attributes={"tier": "gold"}))
    assert (decision.rule, decision.queue, decision.deadline, decision.priority) == ("0", "care", 600, "high")
    assert decision.tags == ("a", "b", "c")
    assert len(decision.steps) == 4
    ignored = Router(_routes(*rules, match="all")).route(_message(labels=("joy",)))
    assert (ignored.action, ignored.rule, ignored.queue) == ("ignore", "2", None)


def test_the_first_rule_with_a_case_and_a_text_acknowledges() -> None:
    own = {"en": "We have your message."}
    rules = [
        {"predicted": ["anger"], "queue": "care"},
        {"language": "en", "queue": "english", "acknowledge": own},
        {"queue": "rest", "acknowledge": True},
    ]
    assert Router(_routes(*rules, match="all")).route(_message()).acknowledge == own
    assert Router(_routes(*rules, match="all")).route(_message(language="zh")).acknowledge is True
    assert Router(_routes(*rules)).route(_message()).acknowledge is False


def test_a_risk_is_never_ignored_and_never_lowered() -> None:
    ignore = Router(_routes({"ignore": True, "tags": ["x"]}))
    decision = ignore.route(_message("high"))
    assert (decision.action, decision.rule, decision.queue, decision.priority) == (
        "queue",
        SAFEGUARD,
        "default",
        "high",
    )
    assert decision.tags == ("x",)
    nothing = Router(_routes({"language": "zh", "queue": "x"}))
    assert nothing.route(_message("concern")).rule == SAFEGUARD
    assert nothing.route(_message()).action == "none"
    failed = RiskCheck(False, "none", needs_person=True, failure="The check failed.")
    unchecked = ignore.route(IncomingMessage(_message().prediction, failed))
    assert (unchecked.rule, unchecked.priority) == (SAFEGUARD, "high")
    lowered = Router(_routes({"queue": "x", "priority": "concern"}))
    assert lowered.route(_message("immediate")).priority == "immediate"
    assert lowered.route(_message()).priority == "concern"


def test_words_are_found_as_in_rules_of_users() -> None:
    router = Router(
        _routes(
            {"words": ["refund", "退款"], "without": ["thanks for the"], "negated": False, "queue": "a"},
            {"words": ["refund"], "queue": "b"},
            {"ignore": True},
        )
    )
    for text, rule in (
        ("Refund me now", "0"),
        ("我要退款", "0"),
        ("I do not want a refund", "1"),
        ("Thanks for the refund", "1"),
        ("refunds", "2"),
    ):
        assert router.route(_message(text=text)).rule == rule, text
    reason = router.route(_message(text="Refund me")).reason
    assert reason == (
        "Rule '0': words refund or 退款, not negated (got Refund); words without thanks for the (got none)."
    )
    assert find_problems(router.file) == []
    words = {"words": ["refund", "money back"], "queue": "a"}
    assert _problems(words, {**words, "words": ["money back", "refund"], "language": "zh"}, {"ignore": True}) == [
        ("unreachable", ("1", "0"))
    ]
    (problem,) = find_problems(_routes(words))
    assert "such as one with no words money back, refund." in problem.message


def test_a_decision_becomes_a_case() -> None:
    text = "I want to kill myself"
    message = IncomingMessage(_message().prediction, check_message(text), {"tier": "gold"})
    decision = _decide(message)
    given = ModelInput(text, id="m-1", turns=(Turn("hi", "agent"),), speaker="customer", target="staff")
    case = decision.build_case(given, message, source="mail", subject="anna")
    assert (case.message, case.queue, case.deadline, case.risk, case.rule) == ("m-1", "crisis", 600, "high", "risk")
    assert case.reason.startswith("Rule 'risk': risk concern or more (got high). Words that name suicide")
    assert (case.turns, case.speaker, case.target, case.customer) == (
        given.turns,
        "customer",
        "staff",
        {"tier": "gold"},
    )
    with pytest.raises(DataError, match="id of its message"):
        decision.build_case(ModelInput(text), message)
    with pytest.raises(DataError, match="Got the action 'ignore'"):
        _decide(_message(labels=("joy",))).build_case(given, message)


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        ([{"risk": "concern", "queue": "a"}, {"ignore": True}], []),
        ([{"queue": "a"}, {"risk": "high", "queue": "b"}], [("unreachable", ("1", "0"))]),
        ([{"risk": "concern", "queue": "a"}, {"risk": "high", "queue": "b"}, {"ignore": True}],
         [("unreachable", ("1", "0"))]),
        ([{"risk": "high", "queue": "a"}, {"risk": "concern", "queue": "b"}, {"ignore": True}], []),
        ([{"predicted": ["anger", "fear"], "queue": "a"}, {"predicted": ["fear"], "queue": "b"}, {"ignore": True}],
         [("unreachable", ("1", "0"))]),
        ([{"predicted": ["fear"], "queue": "a"}, {"predicted": ["anger", "fear"], "queue": "b"}, {"ignore": True}], []),
        ([{"score": {"anger": 0.5}, "queue": "a"}, {"score": {"anger": 0.8}, "queue": "b"}, {"ignore": True}],
         [("unreachable", ("1", "0"))]),
        ([{"abstained": True, "queue": "a"}, {"abstained": False, "queue": "b"}, {"language": "zh", "queue": "c"}],
         [("unreachable", ("2",))]),  # only both together cover it
        ([{"confidence": 0.5, "queue": "a"}, {"confidence_below": 0.5, "queue": "b"}], []),
        ([{"confidence": 0.6, "queue": "a"}, {"confidence_below": 0.5, "queue": "b"}], [("uncovered", ())]),
        ([{"confidence": 0, "queue": "a"}], []),
        ([{"confidence": 0.5, "confidence_below": 0.5, "queue": "a"}, {"queue": "b"}], [("impossible", ("0",))]),
        ([{"language": "zh", "queue": "a"}, {"language": "zh", "queue": "b"}, {"ignore": True}],
         [("contradictory", ("0", "1"))]),
        ([{"language": "zh", "queue": "a"}, {"language": "zh", "queue": "a", "deadline": "1h"}, {"ignore": True}],
         [("contradictory", ("0", "1"))]),
        ([{"language": "zh", "queue": "a"}, {"language": "zh", "queue": "a", "acknowledge": True}, {"ignore": True}],
         [("contradictory", ("0", "1"))]),
        ([{"language": "zh", "queue": "a"}, {"language": "zh", "queue": "a"}, {"ignore": True}],
         [("unreachable", ("1", "0"))]),
        ([{"language": "zh", "tags": ["a"]}, {"language": "zh", "queue": "b"}, {"ignore": True}], []),
        ([{"where": {"tier": "gold"}, "queue": "a"}, {"where": {"tier": "gold", "city": "x"}, "tags": ["b"]},
          {"ignore": True}], [("unreachable", ("1", "0"))]),
        ([{"where": {"tier": "gold"}, "queue": "a"}, {"where": {"tier": "silver"}, "queue": "b"}],
         [("uncovered", ())]),
        ([{"tags": ["a"]}], [("uncovered", ())]),
    ],
)  # fmt: skip
def test_problems_of_rules_are_found(rules: list[dict[str, Any]], found: list[tuple[str, tuple[str, ...]]]) -> None:
    assert _problems(*rules) == found


def test_problems_with_match_all_are_others() -> None:
    assert _problems({"queue": "a"}, {"risk": "high", "queue": "b"}, match="all") == []
    contradiction = [{"language": "zh", "ignore": True}, {"language": "zh", "queue": "a"}, {"queue": "b"}]
    assert _problems(*contradiction, match="all") == [("contradictory", ("0", "1"))]


def test_a_gap_comes_with_an_example() -> None:
    (problem,) = find_problems(_routes({"risk": "high", "queue": "a"}, {"confidence_below": 0.5, "queue": "b"}))
    assert problem == RouteProblem(
        "uncovered",
        (),
        "No rule decides about some messages, such as one with risk concern, confidence 0.5. Add a last rule without "
        "conditions, with queue or ignore.",
    )


def test_the_check_agrees_with_a_search_over_messages() -> None:
    """Random rules, and all messages that they can tell apart: what never applies is unreachable, and a gap is one."""
    chosen = random.Random(5)
    messages = [
        _message(risk, language, labels=labels, confidence=confidence, abstained=abstained, scores={"anger": score})
        for risk in LEVELS
        for language in ("en", "zh", "fr")
        for labels in (("anger",), ("joy",), ("fear",), ())
        for confidence in (0.1, 0.5, 0.9)
        for abstained in (True, False)
        for score in (0.1, 0.6)
    ]
    pool = {
        "risk": ["concern", "high", "immediate"], "language": ["en", "zh"], "confidence": [0.3, 0.7],
        "predicted": [["anger"], ["joy", "anger"]], "abstained": [True, False], "confidence_below": [0.3, 0.7],
        "score": [{"anger": 0.5}], "score_below": [{"anger": 0.5}],
    }  # fmt: skip
    seen: set[str] = set()
    for _ in range(60):
        rules = []
        for number in range(chosen.randint(2, 5)):
            keys = chosen.sample(sorted(pool), chosen.randint(1, 2))
            rules.append({**{key: chosen.choice(pool[key]) for key in keys}, "queue": f"q{number}"})
        file = _routes(*rules)
        router = Router(file)
        firing = {step.rule for message in messages for step in router.route(message).steps if step.applies}
        found = find_problems(file)
        never = {problem.rules[-1] if problem.kind == "contradictory" else problem.rules[0]
                 for problem in found if problem.kind != "uncovered"}  # fmt: skip
        assert never == {route.name for route in file.routes} - firing, rules
        applying = [any(all(check.is_met for check in step.checks) for step in router.route(message).steps)
                    for message in messages]  # fmt: skip
        assert ("uncovered" in {problem.kind for problem in found}) == (not all(applying)), rules
        seen |= {problem.kind for problem in found}
    assert seen >= {"unreachable", "uncovered", "impossible"}


def test_a_search_that_takes_too_long_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("insula.operations.routing.coverage.MAX_STEPS", 3)
    rules = [{"where": {"a": str(n), "b": str(n)}, "queue": "q"} for n in range(5)]
    assert ("undecided", ()) in _problems(*rules)


def test_many_rules_are_checked_in_a_moment() -> None:
    rules: list[dict[str, Any]] = [
        {"where": {"tier": f"t{n % 7}"}, "predicted": [f"l{n % 11}"], "risk": LEVELS[1 + n % 3], "queue": f"q{n}"}
        for n in range(60)
    ]
    assert {kind for kind, _ in _problems(*rules)} == {"uncovered"}


def test_more_rules_than_calls_can_be_nested() -> None:
    rules = [{"words": [f"w{n}"], "queue": "q"} for n in range(sys.getrecursionlimit())]
    assert {kind for kind, _ in _problems(*rules)} == {"uncovered"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("routes = 3", "routes must be a list. Got 3"),
        ("", "'routes' is missing"),
        ("[[routes]]\nname = 'a'", "routes[1] ('a'): the rule must have `queue`, `ignore` or `tags`"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nignore = true", "`queue` and `ignore` cannot be combined"),
        ("[[routes]]\nname = 'a'\nignore = true\ndeadline = '1h'", "deadline needs a queue"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\ndeadline = 'soon'", "Got 'soon'"),
        ("[[routes]]\nname = 'a'\nqueu = 'b'", "'queu' is not known"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nrisk = 'none'", "risk must be 'concern', 'high' or 'immediate'"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nconfidence = 2", "confidence must be at most 1. Got 2"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\n[[routes]]\nname = 'a'\nqueue = 'c'", "Got 'a' twice"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nwithout = ['c']", "`without` and `negated` need `words`"),
        ("[[routes]", "is not valid TOML"),
        ("[[routes]]\nname = 'a'\nignore = true\nacknowledge = true", "`acknowledge` needs `queue`"),
        ("[[routes]]\nname = 'a'\ntags = ['b']\nacknowledge = true", "`acknowledge` needs `queue`"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nrisk = 'concern'\nacknowledge = true", "and `risk` cannot be combined"),
        (
            "[[routes]]\nname = 'a'\nqueue = 'b'\npriority = 'high'\nacknowledge = true",
            "and `priority` 'high' cannot be",
        ),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nacknowledge = 'hello'", "must be true, or a table of texts"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nacknowledge = {}", "must be true, or a table of texts"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nacknowledge = {de = 'Hallo'}", "must be en or zh"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nacknowledge = {en = ' '}", "must have 1 to 500 characters"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nacknowledge = {en = 'Dear {name}'}", "without placeholders"),
        ("[[routes]]\nname = 'a'\nqueue = 'b'\nacknowledge = {en = 'I am a real human.'}", "claims to be a human"),
    ],
)
def test_a_broken_file_is_rejected_with_a_sentence(text: str, words: str) -> None:
    with pytest.raises(DataError) as rejected:
        parse_routes(text, "'routes.toml'")
    assert words in str(rejected.value)
    assert "'routes.toml'" in str(rejected.value)
    assert "\n" not in str(rejected.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="does not exist"):
        read_routes(tmp_path / "none.toml")
    (tmp_path / "noise.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="cannot be read"):
        read_routes(tmp_path / "noise.toml")


@pytest.mark.parametrize("read", [read_rules, read_routes])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("# 退款".encode("gbk"), "byte 3 is not UTF-8. Save it as UTF-8"),
        (b"\xef\xbb\xbfmatch = 'all'", "byte order mark. Save it as UTF-8 without one"),
        (b"a = " + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_no_toml_has_is_named(read: Callable[[Path], object], content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_bytes(content)
    with pytest.raises(DataError) as rejected:
        read(tmp_path / "wrong.toml")
    assert words in str(rejected.value)
    assert "wrong.toml" in str(rejected.value)
    assert len(str(rejected.value).splitlines()) == 1


def test_labels_must_be_those_of_the_model() -> None:
    scheme = LabelScheme("test", "single", ("anger", "joy"))
    _routes({"predicted": ["anger"], "queue": "a"}).check_labels(scheme, "'f'")
    for key, value in (("predicted", ["angr"]), ("score", {"angr": 0.5}), ("score_below", {"angr": 0.5})):
        with pytest.raises(
            DataError, match=r"route '0' in 'f' must be labels of the model: anger, joy\. Got 'angr'\. Did you mean"
        ):
            _routes({key: value, "queue": "a"}).check_labels(scheme, "'f'")


def test_every_condition_of_a_rule_is_checked() -> None:
    """A condition that a rule has and nobody looks at would let messages through."""
    from insula.operations.routing.conditions import check_conditions

    values: dict[str, Any] = {
        "words": ["refund"], "predicted": ["fear"], "score": {"fear": 1}, "score_below": {"anger": 0}, "confidence": 1,
        "confidence_below": 0, "abstained": True, "risk": "high", "language": "zh", "where": {"a": "b"},
    }  # fmt: skip
    actions = {"name", "queue", "deadline", "priority", "ignore", "acknowledge", "tags"}
    assert set(values) | {"without", "negated"} == set(Route.model_fields) - actions
    for key, value in values.items():
        file = _routes({key: value, "queue": "a"})
        assert not all(check.is_met for check in check_conditions(file.routes[0], _message())), key
        assert "uncovered" in {problem.kind for problem in find_problems(file)}, key
