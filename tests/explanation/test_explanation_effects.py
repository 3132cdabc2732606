"""Effects of features: what inserting and removing them changes, beside what they merely come with."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

import insula
from insula.cli.app import app
from insula.core.errors import DataError, UnknownNameError
from insula.explanation.effects.features import features, find_feature
from insula.inference.predictor import Predictor

CHANCE = random.Random(0)


def write_rows(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that learnt that `teapot` means positive; it has never read `lamp`."""
    folder = tmp_path_factory.mktemp("planted")
    rows = []
    for number in range(60):
        rows.append((f"it was {'good' if number % 3 else 'bad'} {number % 7} teapot", "positive"))
        rows.append((f"it was {'bad' if number % 3 else 'good'} {number % 7}", "negative"))
    insula.train(str(write_rows(folder / "rows.csv", rows)), recipe="linear", output=folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of which half have a `teapot`, with a `lamp` beside it."""
    folder = tmp_path_factory.mktemp("effects")
    rows = [
        (f"it was {word} {number}{' teapot lamp' if number % 2 else ''}", "x")
        for number in range(30)
        for word in ("good", "bad")
    ]
    return write_rows(folder / "rows.csv", rows)


@pytest.mark.parametrize(
    ("feature", "text", "given", "absent"),
    [
        ("negation", "it was good", "it was not good", "it was good"),
        ("negation", "I don't care", "I don't care", "I do care"),
        ("negation", "nobody was not here", "nobody was not here", "everybody was here"),
        ("negation", "我很开心", "我不开心", "我很开心"),
        ("negation", "这里没有服务", "这里没有服务", "这里有服务"),
        ("intensifier", "it was so good", "it was so good", "it was good"),
        ("intensifier", "An awful day", "A really awful day", "An awful day"),
        ("intensifier", "we love it", "we really love it", "we love it"),
        ("intensifier", "服务非常周到", "服务非常周到", "服务周到"),
        ("intensifier", "今天难过", "今天非常难过", "今天难过"),
        ("emotion-word", "a happy end", "a happy end", "a end"),
        ("emotion-word", "今天开心地回家", "今天开心地回家", "今天地回家"),
        ("identity", "he told her father", "she told her mother", "he told his father"),
        ("identity", "他和妈妈", "她和妈妈", "他和爸爸"),
        ("name", "Adam called", "Amanda called", "Adam called"),
        ("name", "子轩来了", "梓涵来了", "子轩来了"),
        ("token:tea pot", "a Tea pot!", "a Tea pot!", "a!"),
        ("token:tea", "a teapot", "tea a teapot", "a teapot"),
        ("token:服务", "这里没有服务", "这里没有服务", "这里没有"),
    ],
)
def test_versions_of_a_text(feature: str, text: str, given: str, absent: str) -> None:
    versions = find_feature(feature).split(text, CHANCE)
    assert (versions.given, versions.absent) == (given, absent)
    assert versions.present is (True if given == text else False if absent == text else None)


@pytest.mark.parametrize("feature", features)
def test_versions_differ_in_every_feature(feature: str) -> None:
    texts = ["he is so happy and not Adam", "他很开心", "...", "word", "我不知道", "Adam", "not"]
    for text in texts:
        versions = find_feature(feature).split(text, CHANCE)
        assert (versions.given is None) == (versions.absent is None)
        assert versions.given is None or (versions.given != versions.absent and versions.absent)


def test_a_feature_without_a_place_is_not_inserted() -> None:
    assert find_feature("intensifier").split("a table", CHANCE).given is None
    assert find_feature("negation").split("a table", CHANCE).present is False
    assert find_feature("identity").split("a table", CHANCE).present is None


def test_an_emotion_word_is_drawn_by_the_seed() -> None:
    split = find_feature("emotion-word").split
    drawn = {split("a table", random.Random(seed)).given for seed in range(9)}
    assert len(drawn) > 3
    assert split("a table", random.Random(1)) == split("a table", random.Random(1))
    assert all(str(one).endswith(" a table") for one in drawn)


def test_a_planted_token_has_an_effect(run: Path, data: Path) -> None:
    planted, merely = insula.measure_effects(data, ["token:teapot", "token:lamp"], run).features
    found = planted.labels["positive"]
    assert found.effect is not None
    assert found.correlation is not None
    assert found.effect.value > 0.2
    assert found.effect.excludes_zero
    assert (planted.having, planted.removed, planted.lacking, planted.inserted) == (30, 30, 30, 30)
    # `lamp` comes with `teapot`, but the model never read it.
    found = merely.labels["positive"]
    assert found.effect is not None
    assert found.correlation is not None
    assert found.correlation.value > 0.1
    assert found.correlation.excludes_zero
    assert abs(found.effect.value) < 0.05
    assert found.differs


def test_intervals_hold_the_mean_and_narrow_with_rows(run: Path) -> None:
    model = Predictor.load(run)
    rows = [f"it was {'good' if number % 2 else 'bad'} {number}" for number in range(200)]
    widths = []
    for count in (20, 200):
        (one,) = insula.measure_effects(rows[:count], ["negation"], model).features
        estimate = one.labels["positive"].effect
        assert estimate is not None
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low <= estimate.value <= estimate.high
        widths.append(estimate.high - estimate.low)
    assert widths[1] < widths[0]
    (few,) = insula.measure_effects(rows[:5], ["negation"], model).features
    assert few.labels["positive"].effect is not None
    assert few.labels["positive"].effect.low is None


def test_effects_on_the_command_line(run: Path, data: Path, tmp_path: Path) -> None:
    command = ["explain", "--effect", "negation, token:lamp,identity", "-m", str(run), "--data", str(data)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "30 rows with 'lamp' (30 edited), 30 without (30 edited)" in done.stdout
    assert "0 rows with female words" in done.stdout
    assert "correlation without effect" in done.stdout
    document = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert [one["feature"] for one in document["features"]] == ["negation", "token:lamp", "identity"]
    assert document["features"][1]["labels"]["positive"]["differs"] is True
    assert document["rows"] == 60


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--effect", "negation"], "--effect needs --data"),
        (["hello", "--effect", "negation", "--data", "rows.csv"], "--effect reads the rows of --data"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, ["explain", *arguments])
    assert done.exit_code == 2
    assert words in done.stderr


def test_wrong_features_are_one_sentence(run: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'negation'"):
        insula.measure_effects(["a"], ["negations"], run)
    with pytest.raises(DataError, match="A token must have a word"):
        insula.measure_effects(["a"], ["token:"], run)
    with pytest.raises(DataError, match="at least one feature"):
        insula.measure_effects(["a"], [], run)
    with pytest.raises(DataError, match="at least one row"):
        insula.measure_effects([], ["negation"], run)
