"""The learned score of risk: it belongs to one starter model, reads long messages whole, and rejects other files."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from insula.core.decision import DecisionRule
from insula.core.errors import ModelFolderError
from insula.inference.backends import scores_risk
from insula.inference.files import predict_file
from insula.inference.predictor import Predictor
from insula.inference.risk.hidden_states import HiddenStateEncoder
from insula.inference.risk.scorer import RiskScorer, load_risk_scorer
from insula.models.locate import STARTER_FOLDER
from insula.models.risk.head import HEAD, RISK_FOLDER, SETTINGS
from insula.safety.signals.result import KINDS
from signal_cases import FOLDER

SIGNALS = [
    ("suicide", "I have written the letters and on Friday I am going to kill myself.", "信都写好了，周五我就去自杀。"),
    ("self_harm", "I cut my arms again last night and it is still bleeding.", "昨晚我又割了自己的胳膊，血还在流。"),
    (
        "medical_emergency",
        "My dad has collapsed, he isn't breathing and his lips are blue.",
        "我爸突然倒下没呼吸了，嘴唇发紫，怎么办？",
    ),
]
ORDINARY = [
    "The parcel arrived a day early, thanks!",
    "Can we move the meeting to three?",
    "今天的面条很好吃。",
    "明天几点开会？",
]
GRIEF = (
    "My father died last week and I miss him so much.", "My dog died last night and I can't stop crying.",
    "My best friend died in a car crash and I feel empty.", "Since mum died I can't sleep.",
    "His funeral is tomorrow and I don't know what to say.", "I buried my cat today and cried all evening.",
    "我外婆昨天走了，我一直哭。", "爸爸上周去世了，我很想他。",
)  # fmt: skip


@pytest.fixture(scope="module")
def scorer() -> RiskScorer:
    return load_risk_scorer()


@pytest.mark.parametrize(("kind", "english", "chinese"), SIGNALS)
def test_a_signal_has_a_high_score_and_its_kind(scorer: RiskScorer, kind: str, english: str, chinese: str) -> None:
    for found in scorer.score([english, chinese]):
        assert found.value >= 0.5
        assert set(found.kinds) == set(KINDS)
        assert max(found.kinds, key=found.kinds.__getitem__) == kind


def test_ordinary_messages_have_low_scores(scorer: RiskScorer) -> None:
    assert all(found.value < 0.2 for found in scorer.score(ORDINARY))


def test_grief_is_no_sign_of_risk(scorer: RiskScorer) -> None:
    """A score that takes a death for a danger leaves those who mourn without an answer."""
    assert sum(found.value >= 0.5 for found in scorer.score(GRIEF)) <= 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_everyday_feelings_are_rarely_a_sign_of_risk(scorer: RiskScorer, language: str) -> None:
    """Messages of somebody who had not seen the check; the thresholds were chosen on them."""
    rows = map(json.loads, (FOLDER / "feelings.jsonl").read_text(encoding="utf-8").splitlines())
    texts = [row["text"] for row in rows if row["language"] == language]
    assert len(texts) == 50
    assert sum(found.value >= 0.5 for found in scorer.score(texts)) <= 5


def test_the_score_of_a_message_does_not_depend_on_others(scorer: RiskScorer) -> None:
    together = scorer.logits([*ORDINARY, SIGNALS[0][1]])
    alone = np.concatenate([scorer.logits([text]) for text in (*ORDINARY, SIGNALS[0][1])])
    # The network is quantised: the scale of its activations is fixed, but sums round differently.
    assert np.abs(together - alone).max() < 0.05


def test_a_long_message_is_read_to_its_end(scorer: RiskScorer) -> None:
    long = "The bus was late again and we waited. " * 200
    assert scorer.score([long])[0].value < 0.5
    assert scorer.score([long + SIGNALS[0][1]])[0].value >= 0.5
    assert scorer.score([]) == []


def test_hidden_states_leave_the_predictions_alone() -> None:
    """The bytes that add an output to the network change nothing else: the logits are the same."""
    states = HiddenStateEncoder(STARTER_FOLDER, "logits")
    (window,) = states.encode(["What a lovely day"])[0].windows
    ((_, logits, _),) = states.compute([window])
    assert np.allclose(logits, Predictor.load("starter").logits(["What a lovely day"]), atol=1e-4)


def test_a_changed_network_is_opened_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A session would keep a copy of content that it is given: as much memory as the model, for each session."""
    opened = []

    def open_model(model: str | bytes, *arguments: Any, **options: Any) -> Any:
        opened.append(model)
        return session(model, *arguments, **options)

    session = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", open_model)
    logits = Predictor.load("starter").logits(["What a lovely day"])
    assert isinstance(opened[0], str)
    assert not Path(opened[0]).exists()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))  # nowhere to write
    assert np.array_equal(Predictor.load("starter").logits(["What a lovely day"]), logits)
    assert isinstance(opened[1], bytes)


@pytest.mark.parametrize("name", [HEAD, "model.onnx"])
def test_a_head_of_another_model_is_rejected(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "risk"
    shutil.copytree(RISK_FOLDER, folder)
    settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    settings["sha256"][name] = "0" * 64
    (folder / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(ModelFolderError, match=rf"trained with another {name}\. .*make_risk_head\.py"):
        RiskScorer(folder)


def test_a_missing_head_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"head\.json.* is missing"):
        RiskScorer(tmp_path)


CHEERFUL = "Tonight I am going to kill myself. Thank you all, I feel so happy and free!"


@pytest.fixture(scope="module")
def always_sure() -> Predictor:
    """The starter model without a limit of confidence, so that only a sign of risk makes it abstain."""
    return Predictor.load("starter").with_limits(abstention=0)


@pytest.mark.parametrize("text", [CHEERFUL, *SIGNALS[0][1:], *SIGNALS[2][1:]])
def test_a_sign_of_risk_makes_an_answer_unsure(always_sure: Predictor, text: str) -> None:
    risky, ordinary = always_sure.predict([text, ORDINARY[0]])
    assert (risky.abstained, risky.at_risk, risky.to_dict()["at_risk"]) == (True, True, True)
    assert (ordinary.abstained, ordinary.at_risk, "at_risk" in ordinary.to_dict()) == (False, False, False)


def test_every_way_to_an_answer_abstains_alike(always_sure: Predictor, tmp_path: Path) -> None:
    texts = [*ORDINARY, CHEERFUL, *(text for _, *both in SIGNALS for text in both)]
    expected = [one.abstained for one in always_sure.predict(texts)]
    assert sum(expected) == len(texts) - len(ORDINARY)
    assert always_sure.decide(texts).abstained.tolist() == expected
    assert [one.abstained for one in always_sure.answer(texts, always_sure.logits(texts))] == expected
    assert [one.at_risk for one in always_sure.stream(texts)] == expected
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    result = predict_file(always_sure, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["abstained"] for row in rows] == expected
    assert f"{sum(expected)} of {len(texts)} texts" in result.warnings[0]
    assert "show signs of risk" in result.warnings[0]


def test_a_model_without_the_head_does_not_check(always_sure: Predictor) -> None:
    """The head fits one network; other models have answers that their own training decides."""
    assert scores_risk(always_sure.backend)
    other = Predictor(
        scheme=always_sure.scheme,
        preparation=always_sure.preparation,
        decision=DecisionRule(),
        backend=_Constant(len(always_sure.scheme.names)),
    )
    assert not other.predict([CHEERFUL])[0].abstained


class _Constant:
    def __init__(self, outputs: int) -> None:
        self._outputs = outputs

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), self._outputs), dtype=np.float32)


def test_the_risk_of_rows_that_need_none_is_unknown(always_sure: Predictor) -> None:
    encoded = always_sure.encode([CHEERFUL, ORDINARY[0]])
    found = always_sure.backend.compute_with_risk(encoded.state, lambda logits: np.array([False] * len(logits)))
    assert np.isnan(found[:, -1]).all()
    assert np.array_equal(found[:, :-1], always_sure.compute(encoded))


def test_a_busy_machine_hides_no_sign_of_risk(always_sure: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock is an hour later: a limit of time would end every check without a result."""
    hours = itertools.count(step=3600.0)
    monkeypatch.setattr("insula.safety.signals.detect.time.perf_counter", lambda: next(hours))
    monkeypatch.setattr(always_sure.backend.risk_head, "thresholds", {"en": 50.0, "zh": 50.0})  # the rules alone
    assert always_sure.predict([CHEERFUL])[0].at_risk
