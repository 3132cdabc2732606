"""The output of commands for people: one line per prediction, and the figures of a run."""

from __future__ import annotations

import shlex
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme

UNSURE = "?"
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "none": "no clear emotion",
        "confidence": "confidence",
        "and": ", ",
        "changed": "changed by {rules}; before: {before}",
        "at_risk": "signs of risk: let a person read the text",
        "score": "score: the probability of a label; confidence: the probability that exactly these labels apply",
        "unsure": "the model is not sure: its confidence is below the abstention threshold",
        "unsure_energy": "the model is not sure: its confidence is below the abstention threshold, or the text is "
        "unlike its training texts",
    },
    "zh": {
        "none": "未识别出任何标签",
        "confidence": "置信度",
        "and": "、",
        "changed": "规则 {rules} 改变了结果；改变之前：{before}",
        "at_risk": "有风险迹象：请人工查看",
        "score": "得分：标签成立的概率；置信度：恰好是这些标签的概率",
        "unsure": "不确定：置信度低于拒答阈值",
        "unsure_energy": "不确定：置信度低于拒答阈值，或文本与训练文本差异较大",
    },
}
SAME = 5e-3  # equal in two decimals
MIN_TEXT = 20  # cells kept for the text on a narrow terminal


class PredictionPrinter:
    """Prints predictions: the decided label, its score, the runner-up, the text. `?` marks abstentions.

    The confidence is printed if it is not the score of the only label, so for multi-label models.

    scheme    labels whose display names are printed (default: the names themselves)
    language  `en` or `zh`
    """

    def __init__(self, scheme: LabelScheme | None = None, language: str = "en") -> None:
        self._words = WORDS[language]
        self._shown = {} if scheme is None else {name: scheme.display_name(name, language) for name in scheme.names}
        self.unsure = 0
        self.confident = 0

    def print(self, predictions: Sequence[Prediction]) -> None:
        """Print one line per prediction."""
        if not predictions:
            return
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        heads = [self._format_head(prediction) for prediction in predictions]
        for prediction, head in zip(predictions, heads, strict=True):
            mark = UNSURE if prediction.abstained else " "
            self.unsure += prediction.abstained and not prediction.at_risk
            if (confidence := _get_distinct_confidence(prediction)) is not None:
                self.confident += 1
                head = f"{head}   {self._words['confidence']} {confidence:.2f}"
            typer.echo(crop(f"{mark} {head}  ", join_lines(prediction.text), width))
            if prediction.before is not None:
                typer.echo(f"    {self._describe_change(prediction)}")
            if prediction.at_risk:
                typer.echo(f"    {self._words['at_risk']}")

    def _describe_change(self, prediction: Prediction) -> str:
        separator, before = self._words["and"], [self._shown.get(one, one) for one in prediction.labels_before]
        return self._words["changed"].format(
            rules=separator.join(prediction.rules), before=separator.join(before) or self._words["none"]
        )

    def explain(self, *, by_energy: bool = False) -> None:
        """Explain the confidence and the marks, if any were printed.

        by_energy  whether the model also abstains by the energy of its logits
        """
        if self.confident:
            typer.echo(self._words["score"], err=True)
        if self.unsure:
            typer.echo(f"{UNSURE} {self._words['unsure_energy' if by_energy else 'unsure']}", err=True)

    def _format_head(self, prediction: Prediction) -> str:
        longest = max(count_cells(self._shown.get(name, name)) for name in prediction.scores)
        if prediction.confidence is None:  # values of a dimensional scheme
            return "  ".join(self._format_score(name, prediction, 0) for name in prediction.scores)
        ranked = prediction.ranked
        decided = ranked[: len(prediction.labels)]
        if len(decided) == 1:
            rest = next(iter(ranked[1:]), None)
            shown = self._format_score(decided[0], prediction, longest)
            # The runner-up in brackets has the same width in every line, so that the texts line up.
            return f"{shown}   ({self._format_score(rest, prediction, longest)})" if rest is not None else shown
        if not decided:
            # As wide as a label with its score, so that the runner-up lines up.
            none = pad(self._words["none"], longest + 5)
            return f"{none}   ({self._format_score(ranked[0], prediction, longest)})"
        return self._words["and"].join(self._format_score(name, prediction, 0) for name in decided)

    def _format_score(self, name: str, prediction: Prediction, width: int) -> str:
        return f"{pad(self._shown.get(name, name), width)} {prediction.scores[name]:.2f}"


def _get_distinct_confidence(prediction: Prediction) -> float | None:
    """Return the confidence, or None where it says no more than the score of the only label."""
    confidence, label = prediction.confidence, prediction.label
    if confidence is None or (label is not None and abs(confidence - prediction.scores[label]) < SAME):
        return None
    return confidence


def pad(text: str, width: int) -> str:
    """Pad the text with blanks to a width in cells."""
    return text + " " * (width - count_cells(text))


def crop(head: str, text: str, width: int | None) -> str:
    """Return both, with the text cut to the width of the terminal."""
    if width is None or count_cells(head) + count_cells(text) <= width:
        return head + text
    room = max(width - count_cells(head), MIN_TEXT) - 1
    kept = ""
    for character in text:
        room -= count_cells(character)
        if room < 0:
            break
        kept += character
    return f"{head}{kept}…"


def join_lines(text: str) -> str:
    """Return the text without line ends and control characters: data must not control the terminal."""
    return "".join(_drop_invisible(" ".join(text.split())))


def _drop_invisible(text: str) -> Iterable[str]:
    return (character for character in text if unicodedata.category(character) not in ("Cc", "Cs"))


def count_cells(text: str) -> int:
    """Return the width of a text in a terminal; a Chinese character takes two cells."""
    from rich.cells import cell_len

    return cell_len(text)


if TYPE_CHECKING:
    from insula.evaluation.document import MetricsDocument
    from insula.evaluation.result import Interval
    from insula.training.run import Run

FURTHER_METRICS = ("accuracy", "micro_f1", "quadratic_kappa", "ccc", "mae", "macro_auroc", "ece")
FIRST_COLUMN = 34
SAMPLE_TEXTS = {"en": "Two hours on hold and nobody called back.", "zh": "等了两个小时，还是没人回电话。"}


def print_run(run: Run) -> None:
    """Print the scores of a run and where its files are."""
    print_metrics(run.document)
    time, languages = run.document.time, run.document.data.languages or {"en": 1.0}
    text = SAMPLE_TEXTS.get(max(languages, key=lambda code: languages[code]), SAMPLE_TEXTS["en"])
    typer.echo(f"\ntrained in {time.train_seconds or 0:.0f} s, {time.total_seconds or 0:.0f} s in all")
    typer.echo(f"model    {run.model}")
    typer.echo(f"report   {run.report}")
    typer.echo(f'try      insula predict "{text}" --model {shlex.quote(str(run.path))}')


def print_metrics(document: MetricsDocument) -> None:
    """Print the headline metric with its interval, further metrics, and the score of each baseline."""
    for line in _format_lines(document):
        typer.echo(line)


def _format_lines(document: MetricsDocument) -> Iterator[str]:
    from insula.core.sentences import pluralise
    from insula.evaluation.reports.baseline_names import find_baseline_name

    evaluation, kind = document.main, document.scheme.kind
    if evaluation is None:
        yield "Nothing was measured: there were no rows to evaluate on."
        return
    name, figures = evaluation.headline_name, evaluation.metrics
    yield f"\n{pluralise(evaluation.rows, f'{document.main_split} row')}, 95% intervals in brackets"
    yield _format_row(_format_title(name), _format_figure(figures[name]))
    for other in FURTHER_METRICS:
        if other == "micro_f1" and kind != "multi":
            continue  # with one label per row it equals accuracy
        if other != name and other in figures and figures[other].value is not None:
            yield _format_row(_format_title(other), _format_figure(figures[other]))
    for title, level in evaluation.levels.items():
        shown = f"{_format_title(level.headline)}, {title} ({len(level.labels)} labels)"
        yield _format_row(shown, _format_figure(level.metrics[level.headline]))
    if document.baselines:
        yield f"\n{_format_title(name)} of the baselines on the same rows, and this model minus each"
        for baseline, entry in document.baselines.items():
            answer = find_baseline_name(baseline, kind).answer
            yield _format_row(
                answer, f"{_format_number(entry.metrics[name].value)}   {format_difference(entry.difference.interval)}"
            )
    for seen, words in (
        (evaluation.seen, "are also in the training data"),
        (evaluation.overlap, "were also in the training file"),
    ):
        if seen is not None and seen.rows:
            rest = (seen.metrics_without or {}).get(name)
            yield f"\n{seen.rows:,} of these {evaluation.rows:,} texts {words}"
            yield (
                _format_row(f"{_format_title(name)} without them", _format_figure(rest))
                if rest
                else "  (no row is left without them)"
            )


def _format_row(what: str, figures: str) -> str:
    return f"  {what:<{FIRST_COLUMN}}{figures}"


def _format_figure(measured: Interval) -> str:
    low, high = measured.low, measured.high
    ends = "" if low is None or high is None else f"  ({low:.3f} to {high:.3f})"
    return _format_number(measured.value) + ends


def format_difference(difference: Interval) -> str:
    """Return a difference with its interval, marked if the interval includes zero."""
    value, low, high = difference.value, difference.low, difference.high
    if value is None:
        return "not comparable"
    if low is None or high is None:
        return f"{value:+.3f}"
    clear = "" if difference.excludes_zero else "  no clear difference"
    return f"{value:+.3f}  ({low:+.3f} to {high:+.3f}){clear}"


def _format_number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"


def _format_title(name: str) -> str:
    from insula.evaluation.metrics.metric_names import get_metric_title

    return get_metric_title(name)
