"""What people see: answers in columns, summaries, progress in log files and on terminals."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.cells import cell_len

from insula.cli import progress as progress_module
from insula.cli import tables as answers_module
from insula.cli.progress import TerminalProgress, show_progress
from insula.cli.tables import PredictionPrinter, print_metrics
from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.prediction import Prediction
from insula.core.progress import Silent
from insula.evaluation.document import MetricsDocument


def prediction(text: str = "hello", **changed: Any) -> Prediction:
    given = {
        "labels": ("joy",),
        "label": "joy",
        "scores": {"joy": 0.7, "sadness": 0.2, "anger": 0.1},
        "confidence": 0.7,
    }
    return Prediction(text=text, **{**given, **changed})


def said(capsys: pytest.CaptureFixture[str], *predictions: Prediction) -> list[str]:
    answers = PredictionPrinter()
    answers.print(predictions)
    answers.explain()
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(("language", "said"), [("en", "signs of risk"), ("zh", "有风险迹象")])
def test_a_sign_of_risk_is_printed(language: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    scores = {"joy": 0.9, "fear": 0.1}
    risky = Prediction(
        text="t", labels=("joy",), label="joy", scores=scores, confidence=0.9, abstained=True, at_risk=True
    )
    printer = PredictionPrinter(language=language)
    printer.print([risky])
    printer.explain()
    printed = capsys.readouterr()
    assert printed.out.startswith("? joy")
    assert said in printed.out.splitlines()[1]
    assert not printed.err  # its confidence is above the threshold


def test_texts_line_up_in_one_column(capsys: pytest.CaptureFixture[str]) -> None:
    sad = {"labels": ("sadness",), "label": "sadness", "scores": {"joy": 0.3, "sadness": 0.5, "anger": 0.2},
           "confidence": 0.5}  # fmt: skip
    lines = said(capsys, prediction("TEXT"), prediction("TEXT", **sad), prediction("TEXT", abstained=True))
    assert lines[0] == "  joy     0.70   (sadness 0.20)  TEXT"
    assert len({line.index("TEXT") for line in lines}) == 1
    assert lines[2].startswith("? ")


def test_columns_are_as_wide_as_chinese_is(capsys: pytest.CaptureFixture[str]) -> None:
    scores = {"愤怒": 0.7, "joy": 0.2, "悲伤难过": 0.1}
    first = prediction("TEXT", labels=("愤怒",), label="愤怒", scores=scores)
    second = prediction("TEXT", labels=("joy",), label="joy", scores={**scores, "joy": 0.9}, confidence=0.9)
    lines = said(capsys, first, second)
    assert len({cell_len(line[: line.index("TEXT")]) for line in lines}) == 1


def test_several_labels_none_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    several, none, values = said(
        capsys,
        prediction(labels=("sadness", "joy")),
        prediction(labels=()),
        prediction(labels=(), label=None, scores={"valence": 3.25, "arousal": 1.0}, confidence=None),
    )
    assert "joy 0.70, sadness 0.20" in several
    assert "no clear emotion" in none
    assert "joy     0.70" in none
    assert "valence 3.25  arousal 1.00" in values


def test_labels_are_shown_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    answers = PredictionPrinter(get_builtin_scheme("goemotions"), "zh")
    answers.print(
        [
            prediction("TEXT", confidence=0.31, abstained=True),
            prediction("TEXT", labels=("sadness", "joy")),
            prediction("TEXT", labels=(), label=None),
        ]
    )
    answers.explain()
    found = capsys.readouterr()
    one, several, none = found.out.splitlines()
    assert "喜悦 0.70" in one
    assert "置信度 0.31" in one
    assert "喜悦 0.70、悲伤 0.20" in several
    assert "未识别出任何标签" in none
    assert "joy" not in found.out
    assert "不确定" in found.err


def test_confidence_is_shown_where_it_is_not_the_score(capsys: pytest.CaptureFixture[str]) -> None:
    answers = PredictionPrinter()
    answers.print([prediction(), prediction(confidence=0.31), prediction(labels=(), label=None, confidence=0.42)])
    answers.explain()
    found = capsys.readouterr()
    one, other, none = found.out.splitlines()
    assert "confidence" not in one
    assert "confidence 0.31" in other
    assert "confidence 0.42" in none
    assert "exactly these labels" in found.err


def test_marks_are_explained_only_if_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for abstained in (True, False):
        answers = PredictionPrinter()
        answers.print([prediction(abstained=abstained)])
        answers.explain()
        assert ("not sure" in capsys.readouterr().err) is abstained


def test_data_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = said(capsys, prediction("a\x1b[31mred\x07\nsecond\tline\x9b2J"))
    assert line.endswith("a[31mred second line2J")
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in line)


@pytest.mark.parametrize("text", ["word " * 60, "我今天很开心" * 30])
def test_long_texts_fit_a_terminals_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (whole,) = said(capsys, prediction(text))
    assert whole.endswith(text.strip())  # into a pipe or a file goes all of it
    monkeypatch.setattr(answers_module.sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "90")
    (line,) = said(capsys, prediction(text))
    assert 85 <= cell_len(line) <= 90
    assert line.endswith("…")


def interval(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, float | None]:
    return {"value": value, "low": low, "high": high}


def evaluation(**changed: Any) -> dict[str, Any]:
    test = {
        "headline": "macro_f1",
        "rows": 1200,
        "metrics": {"macro_f1": interval(0.5, 0.45, 0.55), "accuracy": interval(0.6), "micro_f1": interval(0.6)},
    }
    difference = interval(0.01, -0.02, 0.04)
    baselines = {"linear": {"metrics": {"macro_f1": interval(0.49)}, "difference": difference}}
    return {"test": {**test, **changed}, "scheme": {"kind": "single"}, "baselines": baselines}


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("single", "always the most frequent label"),
        ("multi", "always the labels of most rows"),
        ("dimensional", "always the mean"),
    ],
)
def test_the_majority_is_called_what_it_answers(capsys: pytest.CaptureFixture[str], kind: str, answer: str) -> None:
    metrics = evaluation()
    metrics["baselines"] = {"majority": metrics["baselines"]["linear"]}
    print_metrics(MetricsDocument.from_dict({**metrics, "scheme": {"kind": kind}}))
    assert f"  {answer}  " in capsys.readouterr().out


def test_the_summary_tells_what_is_not_clear(capsys: pytest.CaptureFixture[str]) -> None:
    print_metrics(MetricsDocument.from_dict(evaluation()))
    out = capsys.readouterr().out
    assert "1,200 test rows" in out
    assert "0.500  (0.450 to 0.550)" in out
    assert "+0.010  (-0.020 to +0.040)  no clear difference" in out
    assert "micro-F1" not in out  # it is the accuracy once more


def test_the_summary_tells_what_was_seen_in_training(capsys: pytest.CaptureFixture[str]) -> None:
    seen = {"rows": 200, "metrics_without": {"macro_f1": interval(0.4, 0.35, 0.45)}}
    print_metrics(MetricsDocument.from_dict(evaluation(seen=seen)))
    out = capsys.readouterr().out
    assert "200 of these 1,200 texts are also in the training data" in out
    assert "macro-F1 without them             0.400  (0.350 to 0.450)" in out


def test_nothing_measured_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    print_metrics(MetricsDocument(test=None, validation=None))
    assert "Nothing was measured" in capsys.readouterr().out


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: float(next(clock)))
    with show_progress(quiet=False) as progress:
        progress.start("predicting", total=100)
        for _ in range(4):
            progress.advance(10, **{"rows/s": 123_456.7, "loss": 0.51234})
        progress.say("x" * 300)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("predicting: 20 of 100, about ")
    assert lines[0].endswith("rows/s 123,457  loss 0.5123")
    assert lines[-1] == "x" * 300  # never wrapped
    assert len(lines) == 3


def test_what_was_done_before_tells_nothing_of_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now)
    with show_progress(quiet=False) as progress:
        progress.start("predicting", total=1000)
        for _ in range(5):
            now += 1
            progress.skip(100)
        now += 20
        progress.advance(10)
    [line] = capsys.readouterr().err.splitlines()
    assert line == "predicting: 510 of 1,000, about 980 s left"  # 490 more, two seconds each


def test_a_bar_measures_what_is_done_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    monkeypatch.setattr("sys.stderr", io.StringIO())
    now = 0.0
    progress = TerminalProgress()
    monkeypatch.setattr(progress._bars, "get_time", lambda: now)
    progress.start("predicting", total=1000)
    progress._bars.tasks[0]._get_time = lambda: now
    for _ in range(5):
        now += 1
        progress.skip(100)
    for _ in range(3):
        now += 20
        progress.advance(10)
    [task] = progress._bars.tasks
    assert task.completed == 530
    assert task.time_remaining == 940  # 470 more, two seconds each
    progress.finish()


def test_the_terminal_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    monkeypatch.setenv("TERM", "xterm-256color")  # a dumb one has no cursor to hide
    drawn = io.StringIO()
    monkeypatch.setattr("sys.stderr", drawn)

    def interrupted() -> None:
        with show_progress(quiet=False) as progress:
            assert isinstance(progress, TerminalProgress)
            progress.start("training", total=10)
            progress.advance(3, loss=0.5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    # The cursor is hidden while bars are drawn, and must come back.
    assert drawn.getvalue().rindex("\x1b[?25h") > drawn.getvalue().rindex("\x1b[?25l")


def test_quiet_is_silent() -> None:
    with show_progress(quiet=True) as progress:
        assert isinstance(progress, Silent)
