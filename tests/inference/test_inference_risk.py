"""The learned score of risk: it belongs to one starter model, reads long messages whole, and rejects other files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from insula.core.errors import ModelFolderError
from insula.inference.predictor import Predictor
from insula.inference.risk.hidden_states import HiddenStates
from insula.inference.risk.scorer import HEAD, RISK_FOLDER, SETTINGS, RiskScorer, load_risk_scorer
from insula.models.locate import STARTER_FOLDER
from insula.safety.signals.result import KINDS

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
    states = HiddenStates(STARTER_FOLDER, "logits")
    (window,) = states.encode(["What a lovely day"])[0].windows
    ((_, logits),) = states.compute([window])
    assert np.allclose(logits, Predictor.load("starter").logits(["What a lovely day"])[0][: len(logits)], atol=1e-4)


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
