"""The tables of the benchmark page's first screen: a visitor's questions, and ten rows of quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quality_tables import main_metric
from result_files import Entry, Results
from table_text import figure, table

ENCODERS = ("minilm", "e5-small-en-zh")
KINDS = {  # data set: whose texts, what is predicted
    "tweets": ("English tweets (`tweets`)", "3 sentiments"),
    "reviews-zh": ("Chinese product reviews (`reviews-zh`)", "2 sentiments"),
    "carer": ("English tweets (CARER)", "6 emotions"),
    "tweeteval_emotion": ("English tweets (TweetEval)", "4 emotions"),
    "goemotions": ("Reddit comments (GoEmotions)", "28 labels, several a text"),
    "semeval_ec": ("English tweets (SemEval-2018 E-c)", "11 emotions, several a text"),
    "smp2020_usual": ("Chinese microblogs (SMP2020)", "6 emotions"),
    "sst2": ("English film reviews (SST-2)", "2 sentiments"),
    "semeval_valence": ("English tweets (SemEval-2018)", "valence"),
    "emobank": ("English news, fiction, letters (EmoBank)", "valence"),
}


def glance(results: Results) -> str:
    """What a visitor asks first, each with its answer in figures and the page that says more."""
    rows = [
        ("How good is it on texts like mine?", _goodness(results), "[Quality](benchmarks/quality.md)"),
        ("How fast is it?", _speed(results), "[Prediction](benchmarks/prediction.md)"),
        ("Compared with what?", _peers(results), "[Prediction](benchmarks/prediction.md#against-other-systems)"),
        ("How big is a model?", _size(results), "[Smaller models](benchmarks/prediction.md#smaller-models)"),
        ("How long does training take?", _training(results), "[Training](benchmarks/training.md)"),
        ("How do I repeat a figure?", _repeat(results), "[Repeat](benchmarks/provenance.md#repeat-a-measurement)"),
    ]
    return table(("question", "answer", "more"), [row for row in rows if row[1]])


def summary(results: Results) -> str:
    """Ten rows: a fine-tuned encoder, seed 0, against the `linear` model of the same run on the same test rows."""
    heads = ("texts", "labels", "`linear`", "fine-tuned encoder (95% interval)", "difference (paired 95% interval)")
    rows = []
    for name, (texts, labels) in KINDS.items():
        encoder = _encoder(results, name)
        difference = encoder.get("difference_to_linear") if encoder else None
        if encoder and difference:
            what = f"{labels}, Pearson r" if "pearson" in encoder["metrics"] else labels
            linear = (main_metric(encoder)["value"] or 0.0) - difference["value"]
            rows.append((texts, what, f"{linear:.3f}", figure(main_metric(encoder)), figure(difference, "+")))
    return table(heads, rows)


def _encoder(results: Results, name: str) -> Entry | None:
    cells = (cell for cell in results.quality if cell["set"] == name and cell["seed"] == 0)
    return next((cell for cell in cells if cell["model"] in ENCODERS), None)


def _goodness(results: Results) -> str:
    shown = {
        "carer": "macro-F1 {} on six emotions of English tweets",
        "smp2020_usual": "{} on six emotions of Chinese microblogs",
        "goemotions": "{} on the 28 labels of GoEmotions",
    }
    said = []
    for name, words in shown.items():
        if encoder := _encoder(results, name):
            said.append(words.format(f"{main_metric(encoder)['value']:.3f}"))
    return "A fine-tuned small encoder: " + "; ".join(said) if said else ""


def _speed(results: Results) -> str:
    arms = _arms(results)
    words = {"fp32": "a float32 encoder", "int8": "the same in INT8", "static": "a `static` model"}
    said = [f"{_rate(arms[arm])} with {what}" for arm, what in words.items() if arm in arms]
    if not said or not results.inference:
        return ""
    threads = f"{results.inference['threads']} threads of an {results.inference['processor']}"
    return f"Texts a second on {threads}: {', '.join(said)}"


def _peers(results: Results) -> str:
    times: Mapping[str, Any] = (results.inference or {}).get("times", {})
    if "pipeline" not in times.get("fp32", {}):
        return ""
    fastest = min(times["fp32"].values(), key=lambda one: one["bulk"]["median"])["bulk"]["median"]
    pipeline = times["fp32"]["pipeline"]["bulk"]["median"]
    return (
        f"The same encoder in float32 predicts {pipeline:.1f} times as fast as with a transformers pipeline, and "
        f"{fastest:.1f} times as fast as with the fastest of four other systems"
    )


def _size(results: Results) -> str:
    models = results.smaller["models"] if results.smaller else {}
    words = {"fp32": "in float32", "int8": "in INT8", "8mb": "in 4 bits with a smaller vocabulary"}
    said = [
        f"{models[name]['bytes'] / 1e6:.0f} MB {what} (macro-F1 {models[name]['macro_f1']['value']:.3f})"
        for name, what in words.items()
        if name in models
    ]
    return "On GoEmotions: " + ", ".join(said) if said else ""


def _training(results: Results) -> str:
    found = {(cell["set"], cell["model"]): cell for cell in results.quality if cell["seed"] == 0}
    words = {"linear": "`linear`", "minilm-quick": "the recipe `quick`", "minilm": "all layers of the encoder"}
    cells = {model: found.get(("tweets", model)) for model in words}
    said = [f"{_time(cell['train_seconds'])} for {words[model]}" for model, cell in cells.items() if cell]
    rows = next((cell["rows"]["train"] for cell in cells.values() if cell), 0)
    return f"{rows:,} tweets without a GPU: {', '.join(said)}" if said else ""


def _repeat(results: Results) -> str:
    if not results.quality:
        return ""
    return "`python benchmarks/quality.py tweets-linear-0`; each result file names its command, commit and versions"


def _arms(results: Results) -> Mapping[str, Any]:
    arms: Mapping[str, Any] = (results.inference or {}).get("arms", {})
    return arms


def _rate(arm: Mapping[str, Any]) -> str:
    return f"{arm['rows_per_second']['median']:,.0f}"


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
