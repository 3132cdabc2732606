"""Policies of replies: choices with exact propensities, outcomes without text, learning, and no use without proof."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from insula import (
    evaluate_policy,
    learn_policy,
    load_model,
    open_policy,
    record_outcome,
    record_outcome_file,
    reply,
    reply_file,
)
from insula.core.errors import DataError, MissingFileError, OutputError
from insula.empathy.drafts import Draft
from insula.empathy.policy.choice import Choice, LeadChooser
from insula.empathy.policy.context import FEATURES, VALUES, DraftContext, encode
from insula.empathy.policy.estimates import MIN_ROWS, estimate_policy
from insula.empathy.policy.fixed import ExplorePolicy, RulesPolicy
from insula.empathy.policy.learn import is_held_out, learn_from_log
from insula.empathy.policy.limits import ExplorationLimits
from insula.empathy.policy.outcomes import (
    DraftOutcome,
    OutcomeLog,
    Rewards,
    append_outcomes,
    build_outcome,
    read_outcomes,
)
from insula.empathy.policy.policy_file import read_policy
from insula.empathy.policy.registry import POLICIES
from insula.empathy.policy.simulator import Simulator, World
from insula.empathy.policy.thompson import compute_best_probabilities
from insula.empathy.state import ConversationState
from insula.empathy.strategies import Strategy, rank_strategies
from insula.inference.predictor import Predictor

SAD = "I failed the exam again. I can't tell my parents."
WEAK = "Some nights I wish I could just not be here for a while."
DANGER = "I am going to kill myself tonight."
STATE = ConversationState("en", "sadness", "negative", "normal", "study", "heard")
DRAFTS = [Draft(f"A draft: {name}.", name) for name in rank_strategies(STATE)]
LIMITS = ExplorationLimits()


@pytest.fixture(scope="module")
def starter() -> Predictor:
    return load_model("starter")


def simulate(count: int, *, seed: int = 0, policy: Any = None, world: World = "differing") -> list[DraftOutcome]:
    """Return outcomes of simulated messages."""
    people = Simulator(random.Random(seed), world)
    chooser = LeadChooser(policy or ExplorePolicy(), random.Random(seed + 1))
    messages = [people.draw_message() for _ in range(count)]
    return [people.react(one, people.choose(chooser, one)) for one in messages]


@pytest.fixture(scope="module")
def outcomes() -> list[DraftOutcome]:
    return simulate(4000)


@pytest.fixture(scope="module")
def log(outcomes: list[DraftOutcome], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("policy") / "outcomes.jsonl"
    append_outcomes(file, outcomes)
    return file


@pytest.fixture(scope="module")
def learned(log: Path) -> Path:
    learn_policy(log, file := log.with_name("policy.json"))
    return file


def choose(policy: Any = None, seed: int = 0, **options: Any) -> Choice:
    chooser = LeadChooser(policy or ExplorePolicy(), random.Random(seed))
    return chooser.choose(DRAFTS, STATE, **{"turn": 1, "safe": True, **options})


def test_a_propensity_is_how_often_a_strategy_comes_first() -> None:
    chosen = [choose(seed=seed) for seed in range(3000)]
    found = Counter(one.strategy for one in chosen)
    for place, strategy in enumerate(chosen[0].candidates):
        assert found[strategy] / len(chosen) == pytest.approx(chosen[0].probabilities[place], abs=0.025)
    assert {one.propensity for one in chosen} == {0.8, 0.1}
    assert all(one.explored == (one.strategy != "question") for one in chosen)
    assert len({one.id for one in chosen}) == len(chosen)


@pytest.mark.parametrize(
    ("options", "why"),
    [({"safe": False}, "risk"), ({"named": True}, "named"), ({"safe": False, "named": True}, "risk")],
)
def test_a_danger_and_a_named_strategy_leave_nothing_to_chance(options: dict[str, bool], why: str) -> None:
    for seed in range(200):
        found = choose(seed=seed, **options)
        assert (found.why, found.strategy, found.propensity, found.explored) == (why, "question", 1.0, False)


def test_only_fitting_strategies_with_a_draft_are_candidates() -> None:
    advice = Draft("You could rest.", "suggestions")  # the person wants to be heard
    assert LeadChooser(ExplorePolicy()).choose(
        [*DRAFTS[:2], advice], STATE, turn=1, safe=True
    ).candidates == ("question", "affirmation")  # fmt: skip
    alone = LeadChooser(ExplorePolicy()).choose(DRAFTS[:1], STATE, turn=1, safe=True)
    assert (alone.why, alone.propensity) == ("single", 1.0)


def test_a_choice_survives_json() -> None:
    found = choose(turn=7)
    assert found.context.turn == VALUES["turn"][-1]
    assert Choice.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strategy": "shouting"}, "candidates"),
        ({"candidates": ["question", "question", "restatement"]}, "candidates"),
        ({"candidates": []}, "candidates"),
        ({"probabilities": [0.5, 0.1, 0.1]}, "sum to 1"),
        ({"probabilities": [0.0, 0.5, 0.5], "strategy": "question"}, "above 0"),
        ({"probabilities": [1.0, "0", 0.0]}, "numbers from 0 to 1"),
        ({"probabilities": [1.0]}, "one number for each"),
        ({"why": "luck"}, "`why`"),
        ({"id": ""}, "short texts"),
        ({"id": "x" * 101}, "short texts"),
        ({"note": "She said hello."}, "the difference is note"),
        ({"context": "sad"}, "object"),
        ({"context": {"language": "en"}}, "The context of a choice must have exactly the fields"),
        ({"context": {**choose().context.to_dict(), "feeling": "My name is Anna."}}, "The field 'feeling'"),
        ({"context": {**choose().context.to_dict(), "turn": True}}, "The field 'turn'"),
    ],
)
def test_no_text_and_no_nonsense_passes_for_a_choice(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Choice.from_dict({**choose().to_dict(), **change})


def test_a_context_has_no_topic_and_no_event() -> None:
    assert not {"topic", "event"} & set(VALUES)
    assert DraftContext.from_state(STATE, turn=1) == DraftContext.from_state(
        replace(STATE, topic="loss", event="failed_exam"), turn=1
    )
    values = encode(DraftContext.from_state(STATE, turn=2), leads=True)
    assert {name for name, value in zip(FEATURES, values, strict=True) if value} == {
        "base", "leads", "negative", "wants to be heard", "loss", "second turn or later"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("weights", "best", "wanted"),
    [
        ([0.5, 0.3, 0.2], 0, [0.8, 0.02 + 0.16 * 0.6, 0.02 + 0.16 * 0.4]),  # more than the limit
        ([0.99, 0.01, 0.0], 0, [0.96, 0.02, 0.02]),  # less than the floor
        ([0.1, 0.9], 1, [0.1, 0.9]),
        ([1.0, 0.0], 0, [0.98, 0.02]),
        ([1.0], 0, [1.0]),
    ],
)
def test_exploration_keeps_its_limits(weights: list[float], best: int, wanted: list[float]) -> None:
    assert LIMITS.apply(weights, best) == pytest.approx(wanted)
    assert sum(LIMITS.apply(weights, best)) == pytest.approx(1)


@pytest.mark.parametrize(("explore", "floor"), [(0.6, 0.02), (-0.1, 0.0), (0.1, 0.2), (0.1, -1.0)])
def test_limits_out_of_range_are_errors(explore: float, floor: float) -> None:
    with pytest.raises(DataError, match="must be from 0 to"):
        ExplorationLimits(explore, floor)


@pytest.mark.parametrize(
    ("means", "spreads"), [([0.5, 0.6], [0.1, 0.2]), ([0.5, 0.6, 0.4], [0.1, 0.05, 0.3]), ([0.3, 0.3, 0.3], [0.1] * 3)]
)
def test_the_probability_of_the_best_is_that_of_sampling(means: list[float], spreads: list[float]) -> None:
    source = random.Random(0)
    drawn = Counter(
        max(range(len(means)), key=[source.gauss(*pair) for pair in zip(means, spreads, strict=True)].__getitem__)
        for _ in range(20_000)
    )
    wanted = [drawn[place] / 20_000 for place in range(len(means))]
    assert compute_best_probabilities(means, spreads) == pytest.approx(wanted, abs=0.015)


def test_a_reply_has_a_choice_only_with_a_policy(starter: Predictor) -> None:
    assert reply(SAD, starter).choice is None
    seen = set()
    for _ in range(60):
        found = reply(SAD, starter, policy="explore", n=1)
        assert found.choice is not None
        assert [one.strategy for one in found.drafts] == [found.choice.strategy]
        assert type(found).from_dict(json.loads(json.dumps(found.to_dict()))) == found
        seen.add(found.choice.strategy)
    assert len(seen) > 1, "nothing was explored in 60 replies"
    rules = reply(SAD, starter, policy="rules")
    assert rules.drafts == reply(SAD, starter).drafts
    assert rules.choice is not None
    assert rules.choice.propensity == 1
    with pytest.raises(MissingFileError, match="neither a file nor one of explore, rules"):
        reply(SAD, starter, policy="thompsn")


class AlwaysLast:
    """A policy that explores as often as it can: any message whose choice it makes is explored."""

    name = version = "always-last"

    def weigh(self, context: DraftContext, candidates: Any) -> list[float]:
        return [0.01 / (len(candidates) - 1)] * (len(candidates) - 1) + [0.99]


def test_a_danger_is_never_explored(starter: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        assert reply(DANGER, starter, policy=AlwaysLast()).choice is None
        weak = reply(WEAK, starter, policy=AlwaysLast())
        assert weak.check_in is not None
        assert weak.choice is not None
        assert (weak.choice.why, weak.choice.propensity, weak.choice.explored) == ("risk", 1.0, False)
    assert reply(SAD, starter, policy=AlwaysLast()).choice is not None

    def fail() -> None:
        raise OSError

    monkeypatch.setattr("insula.inference.risk.scorer.load_risk_scorer", fail)
    failed = reply(SAD, starter, policy=AlwaysLast())
    assert failed.hand_off is not None
    assert failed.choice is None, "the detector failed"


def test_an_outcome_is_recorded_without_a_word(starter: Predictor, tmp_path: Path) -> None:
    file = tmp_path / "logs" / "outcomes.jsonl"
    found = reply(SAD, starter, policy="explore")
    record_outcome(found, "rejected", file)
    record_outcome(found, "edited", file, used=2)
    text = file.read_text(encoding="utf-8")
    assert not any(word in text for word in ("exam", "parents", "sorry"))
    log = read_outcomes(file)
    assert (len(log.outcomes), log.repeated, log.rejected) == (1, 1, 0)
    assert log.outcomes[0].used == found.drafts[1].strategy
    assert Rewards().compute(log.outcomes[0]) == 0, "another strategy was used"
    assert [Rewards(0.7).compute(build_outcome(choose(), one)) for one in ("sent", "edited", "rejected")] == [1, 0.7, 0]
    with pytest.raises(DataError, match="no choice to learn from"):
        record_outcome(reply(SAD, starter), "sent", file)
    with pytest.raises(DataError, match="must be one of sent, edited, rejected"):
        record_outcome(found, "liked", file)
    with pytest.raises(DataError, match="Got number 9"):
        record_outcome(found, "sent", file, used=9)
    with pytest.raises(DataError, match="used no draft"):
        record_outcome(found, "rejected", file, used=1)
    with pytest.raises(DataError, match="must be from 0 to 1"):
        Rewards(2)


def test_lines_that_are_no_outcome_are_counted(log: Path, tmp_path: Path) -> None:
    good = log.read_text(encoding="utf-8").splitlines()[0]
    bad = ["nonsense", "[]", json.dumps({"choice": {}}), good.replace('"time": "', '"time": "soon'), good[:-2]]
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join([good, "", *bad]), encoding="utf-8")
    found = read_outcomes(file)
    assert (len(found.outcomes), found.rejected) == (1, len(bad))
    assert found.first_reject == "line 3: It is not a JSON object."
    file.write_text("nonsense\n", encoding="utf-8")
    with pytest.raises(DataError, match="has no outcome; line 1"):
        read_outcomes(file)
    with pytest.raises(MissingFileError, match="insula policy record"):
        read_outcomes(tmp_path / "none.jsonl")


def test_a_file_of_replies_is_recorded_row_by_row(starter: Predictor, tmp_path: Path) -> None:
    source, drafts, log = tmp_path / "tickets.jsonl", tmp_path / "drafts.jsonl", tmp_path / "log.jsonl"
    rows = [
        {"message": SAD, "action": "sent"},
        {"message": SAD, "action": "Edited", "used": "2"},
        {"message": DANGER, "action": "sent"},
        {"message": SAD},
        {"message": SAD, "action": "liked"},
        {"message": WEAK, "action": "rejected"},
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    reply_file(source, drafts, starter, policy="explore")
    found = record_outcome_file(drafts, log)
    assert found.actions == {"sent": 1, "edited": 1, "rejected": 1}
    assert (found.rows, found.no_choice, found.no_action, found.rejected) == (6, 1, 1, 1)
    assert found.first_reject is not None
    assert found.first_reject.startswith("row 5: The action must be one of")
    kept = read_outcomes(log)
    assert [one.choice.why for one in kept.outcomes] == ["policy", "policy", "risk"]
    assert len(kept.decisions) == 2
    again = tmp_path / "again.jsonl"
    reply_file(source, again, starter, policy="explore")
    assert again.read_bytes() == drafts.read_bytes(), "the same job must make the same choices"
    with pytest.raises(DataError, match="no column 'done'"):
        record_outcome_file(drafts, log, action_column="done")
    with pytest.raises(DataError, match="must have the column 'reply'"):
        record_outcome_file(source, log)
    with pytest.raises(OutputError, match="must differ"):
        record_outcome_file(drafts, drafts)


def test_a_learned_policy_is_better_proven_and_readable(learned: Path, log: Path) -> None:
    policy = open_policy(learned)
    people = Simulator(random.Random(0))
    assert people.compute_value(policy) > people.compute_value(RulesPolicy()) + 0.04
    found = evaluate_policy(learned, log)
    assert found.is_proven
    assert found.dr.low <= people.compute_value(policy) <= found.dr.high
    text = learned.read_text(encoding="utf-8")
    assert '"wants to be heard": ' in text
    assert len(text.splitlines()) < 500
    assert read_policy(learned).version == policy.version
    for message in (people.draw_message() for _ in range(300)):
        weights = policy.weigh(message.context, message.candidates)
        assert sum(weights) == pytest.approx(1)
        assert 1 - max(weights) <= LIMITS.explore + 1e-9
        assert min(weights) >= LIMITS.floor - 1e-9


def test_learning_again_gives_the_same_file(learned: Path, log: Path, tmp_path: Path) -> None:
    learn_policy(log, tmp_path / "policy.json")
    assert (tmp_path / "policy.json").read_bytes() == learned.read_bytes()


def test_nothing_is_evaluated_on_what_it_was_learned_from(outcomes: list[DraftOutcome]) -> None:
    whole = OutcomeLog(tuple(outcomes))
    found = learn_from_log(whole, held_out=0.3)
    held = [one for one in whole.decisions if is_held_out(one, 0.3)]
    assert found.evaluation is not None
    assert found.evaluation.rows == found.log["held_out"] == len(held)
    assert found.log["rows"] + len(held) == len(whole.decisions)
    assert sum(arm["rows"] for arm in found.arms.values()) == found.log["rows"]
    swapped = [one if is_held_out(one, 0.3) else replace(one, action="rejected", used=None) for one in outcomes]
    assert learn_from_log(OutcomeLog(tuple(swapped)), held_out=0.3).arms != found.arms
    flipped = [replace(one, action="rejected", used=None) if is_held_out(one, 0.3) else one for one in outcomes]
    assert learn_from_log(OutcomeLog(tuple(flipped)), held_out=0.3).arms == found.arms


def test_dangers_and_named_strategies_teach_nothing(outcomes: list[DraftOutcome]) -> None:
    risky = [one for one in outcomes if one.choice.why == "risk"]
    assert len(risky) > 100
    assert not any(one.choice.explored for one in risky)
    with pytest.raises(DataError, match="nothing to learn from"):
        learn_from_log(OutcomeLog(tuple(risky)))


def test_an_unproven_policy_is_refused_unless_accepted(tmp_path: Path) -> None:
    append_outcomes(file := tmp_path / "log.jsonl", simulate(3000, world="agreeing"))
    found = learn_policy(file, tmp_path / "policy.json")
    assert found.evaluation is not None
    assert not found.is_proven
    with pytest.raises(DataError, match="begins below 0"):
        open_policy(tmp_path / "policy.json")
    accepted = open_policy(tmp_path / "policy.json", accept_unproven=True)
    assert accepted.version == found.version


@pytest.mark.parametrize(
    ("count", "policy", "words"),
    [
        (MIN_ROWS // 2, ExplorePolicy(), "needs 200 choices"),
        (1500, RulesPolicy(), "never chose them"),
        (1500, ExplorePolicy(ExplorationLimits(0.015, 0.0)), "count as"),
    ],
)
def test_a_log_with_too_little_support_is_refused(count: int, policy: Any, words: str, tmp_path: Path) -> None:
    class Other:
        name = version = "other"

        def weigh(self, context: DraftContext, candidates: tuple[Strategy, ...]) -> list[float]:
            return [0.0] * (len(candidates) - 1) + [1.0]

    log = OutcomeLog(tuple(simulate(count, policy=policy)))
    with pytest.raises(DataError, match=words):
        estimate_policy(Other(), log.decisions)
    if count < 1000:
        found = learn_from_log(log)
        assert not found.is_proven
        assert found.failure is not None
        (tmp_path / "policy.json").write_text(found.format(), encoding="utf-8")
        with pytest.raises(DataError, match="too little support"):
            read_policy(tmp_path / "policy.json").open()


@pytest.mark.parametrize(
    ("old", "new"),
    [('"explore": 0.2', '"explore": 0.5'), ('"proven": true', '"proven": false'), ("policy 1", "policy 9")],
)
def test_a_policy_that_was_changed_by_hand_is_refused(learned: Path, tmp_path: Path, old: str, new: str) -> None:
    text = learned.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "policy.json"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=r"cannot be used: its (content|format)"):
        open_policy(file)
    file.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be used"):
        open_policy(file)


def test_every_registered_policy_weighs_every_message() -> None:
    people = Simulator(random.Random(3))
    for name in POLICIES:
        policy = open_policy(name)
        assert policy.name == name
        for message in (people.draw_message() for _ in range(50)):
            weights = policy.weigh(message.context, message.candidates)
            assert len(weights) == len(message.candidates)
            assert sum(weights) == pytest.approx(1)
            assert min(weights) >= 0


def test_the_simulator_s_exact_value_is_the_mean_of_its_rewards(outcomes: list[DraftOutcome]) -> None:
    decided = [Rewards().compute(one) for one in outcomes if one.choice.why == "policy"]
    wanted = Simulator(random.Random(0)).compute_value(ExplorePolicy())
    assert sum(decided) / len(decided) == pytest.approx(wanted, abs=0.025)
