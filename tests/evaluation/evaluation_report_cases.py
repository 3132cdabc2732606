"""Metrics as training writes them, made up by formula, for the tests of report, charts and card."""

from __future__ import annotations

import math
import random
from typing import Any

from insula.core.builtin_schemes import get_builtin_scheme
from insula.evaluation.document import MetricsDocument
from insula.evaluation.reports.cards import build_model_card
from insula.evaluation.reports.report import render_report

TEXTS = (
    "I can't believe you did that <script>alert(1)</script> & then laughed 😂",
    "今天真的太开心了，谢谢大家一直以来的支持和鼓励！",
    "\u202eright to left override\u202c stays in its box",
    "مرحبا، أنا سعيد جدا اليوم",
    "Well, that was a thing that happened to me on the way to work this morning, and I do not even know what to say "
    "about it except that somebody should have warned me before I left the house with two left shoes on.",
    "so proud rn",
)


def rendered(metrics: dict[str, Any]) -> str:
    """The report of the content of a `metrics.json`."""
    return render_report(MetricsDocument.from_dict(metrics))


def card_of(metrics: dict[str, Any]) -> str:
    """The model card of the content of a `metrics.json`."""
    return build_model_card(MetricsDocument.from_dict(metrics))


def measured(value: float, width: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - width, "high": value + width}


def evaluation(scheme: str, *, seed: int = 0, rows: int = 3816) -> dict[str, Any]:
    dice = random.Random(seed)
    labels = list(get_builtin_scheme(scheme).names)
    kind = get_builtin_scheme(scheme).kind
    per_label, curves = [], []
    for index, label in enumerate(labels):
        precision, recall = 0.35 + 0.6 * dice.random(), 0.3 + 0.65 * dice.random()
        support = int(1200 / (index + 1)) + 6
        per_label.append(
            {
                "label": label,
                "precision": precision,
                "recall": recall,
                "f1": 2 * precision * recall / (precision + recall),
                "support": support,
                "predicted": int(support * recall / precision),
                "auroc": 0.7 + 0.3 * dice.random(),
                "average_precision": 0.3 + 0.6 * dice.random(),
                "brier": 0.1 * dice.random(),
                "threshold": 0.2 + 0.4 * dice.random() if kind == "multi" else None,
            }
        )
        power = 1 + 5 * dice.random()
        recalls = [step / 150 for step in range(151)]
        curves.append(
            {
                "label": label,
                "recall": recalls[::-1],
                "precision": [1 - 0.8 * r**power for r in recalls][::-1],
                "average_precision": 1 - 0.8 / (power + 1),
            }
        )
    counts = [
        [int(900 / (1 + 3 * abs(g - p)) * (0.4 + dice.random())) for p in range(len(labels))]
        for g in range(len(labels))
    ]
    result: dict[str, Any] = {
        "rows": rows,
        "kind": kind,
        "labels": labels,
        "headline": "macro_f1",
        "metrics": {
            "accuracy": measured(0.7384),
            "macro_f1": measured(0.7123, 0.0149),
            "micro_f1": measured(0.7385),
            "mcc": measured(0.581),
            "macro_auroc": {"value": 0.891, "low": None, "high": None},
            "brier": measured(0.361),
            "ece": measured(0.0214, 0.004),
            "jaccard": None,
            "nll": {"value": None},
        },
        "per_label": per_label,
        "per_dimension": None,
        "curves": curves,
        "scatter": None,
        "confusion": None if kind == "multi" else {"labels": labels, "counts": counts},
        "reliability": [
            {
                "low": b / 10,
                "high": (b + 1) / 10,
                "confidence": (b + 0.5) / 10 if b > 1 else None,
                "accuracy": ((b + 0.3) / 10) ** 1.15 if b > 1 else None,
                "count": 40 * b * b if b > 1 else 0,
            }
            for b in range(10)
        ],
        "slices": {
            "length": [
                {
                    "name": name,
                    "rows": 400 + 300 * i,
                    "value": 0.66 + 0.03 * i,
                    "low": 0.63 + 0.03 * i,
                    "high": 0.69 + 0.03 * i,
                }
                for i, name in enumerate(("1 to 5 words", "6 to 10 words", "11 to 20 words", "over 20 words"))
            ],
            "language": [
                {"name": "en", "rows": 3700, "value": 0.714, "low": 0.698, "high": 0.73},
                {"name": "zh", "rows": 110, "value": 0.61, "low": 0.5, "high": 0.71},
                {"name": "xx", "rows": 6, "value": None, "low": None, "high": None},
            ],
        },
        "mistakes": [
            {
                "text": text,
                "gold": [labels[i % len(labels)]],
                "predicted": [] if i == 2 else [labels[-1]],
                "confidence": 0.99 - 0.02 * i,
            }
            for i, text in enumerate(TEXTS)
        ],
        "abstention": {
            "coverage": 0.951,
            "threshold": 0.41,
            "accuracy_answered": 0.759,
            "accuracy_all": 0.7384,
            "aurc": 0.118,
            "curve": [[(i + 1) / 400, 0.2616 * ((i + 1) / 400) ** 0.8 + 0.02 * math.exp(-i / 9)] for i in range(400)],
        },
        "macro_f1_by_threshold": {
            "half": measured(0.6512),
            "validation": measured(0.7123, 0.0149),
            "test": {"value": 0.7404, "low": None, "high": None},
        }
        if kind == "multi"
        else None,
        "seen": None,
    }
    return result


def run(scheme: str = "goemotions") -> dict[str, Any]:
    """The metrics of a training run on categorical labels."""
    test = evaluation(scheme)
    labels = test["labels"]
    history: list[dict[str, Any]] = []
    for step in range(10, 1210, 10):
        history.append(
            {
                "step": step,
                "epoch": step / 400,
                "loss": 0.35 + 0.9 * math.exp(-step / 250) + 0.02 * math.sin(step),
                "learning_rate": 1e-4,
            }
        )
        if step % 200 == 0:
            history.append(
                {
                    "step": step,
                    "epoch": step / 400,
                    "validation_loss": 0.48 + 0.5 * math.exp(-step / 250) + step / 20000,
                    "validation_macro_f1": 0.7 - 0.4 * math.exp(-step / 250),
                }
            )
    return {
        "format_version": 1,
        "insula_version": "0.1.0",
        "created": "2026-11-23T17:00:00Z",
        "name": "care",
        "command": "insula train tweets --scheme " + scheme + " --output runs/care",
        "model": {"family": "encoder", "base": "minilm", "parameters": 22700000, "bytes": 90000000, "backend": "onnx"},
        "scheme": get_builtin_scheme(scheme).to_dict(),
        "data": {
            "name": "tweets",
            "rows": {"train": 30521, "validation": 3815, "test": 3816},
            "languages": {"en": 0.991, "zh": 0.008, "fr": 0.0004},
            "fingerprint": "9f2c" * 16,
            "notes": [
                "The column 'tweet' was taken as the text.",
                "312 rows with the same text as another were dropped.",
            ],
            "label_counts": {"train": {label: 9000 // (i + 1) for i, label in enumerate(labels)}},
        },
        "recipe": {
            "model": {"family": "encoder", "base": "minilm", "max_length": 128},
            "training": {
                "epochs": 3,
                "batch_size": 32,
                "learning_rate": 1e-4,
                "weight_decay": 0.01,
                "early_stopping": True,
            },
            "objective": {"name": "cross_entropy", "label_smoothing": 0.05, "class_weights": None},
            "text": {"steps": ["html", "urls", "emoji"], "options": {"emoji": {"as": "words"}}},
            "seed": 0,
        },
        "seed": 0,
        "time": {"train_seconds": 300.1, "total_seconds": 400.0, "rows_per_second": 512.4},
        "history": history,
        "decision": {
            "calibration": {"method": "temperature", "temperature": 1.31},
            "thresholds": {row["label"]: row["threshold"] for row in test["per_label"]}
            if test["kind"] == "multi"
            else None,
            "abstention": 0.41,
            "coverage": 0.95,
        },
        "test": test,
        "validation": evaluation(scheme, seed=1, rows=3815),
        "baselines": {
            "untrained": {
                "metrics": {"macro_f1": measured(0.183, 0.01)},
                "difference": {"metric": "macro_f1", **measured(0.5293)},
            },
            "majority": {
                "metrics": {"macro_f1": measured(0.221, 0.003)},
                "difference": {"metric": "macro_f1", **measured(0.4913)},
            },
            "linear": {
                "metrics": {"macro_f1": measured(0.6713, 0.016)},
                "difference": {"metric": "macro_f1", **measured(0.041, 0.0135)},
            },
        },
    }


def dimensional() -> dict[str, Any]:
    """The metrics of a training run on valence, arousal and dominance."""
    dice = random.Random(3)
    metrics = run("sentiment3")
    names = ["valence", "arousal", "dominance"]
    scatter = {}
    for name in names:
        gold = [min(5.0, max(1.0, dice.gauss(3, 0.8))) for _ in range(1000)]
        scatter[name] = [[g, min(5.0, max(1.0, 1 + 0.66 * g + dice.gauss(0, 0.35)))] for g in gold]
    metrics["scheme"] = get_builtin_scheme("vad").to_dict()
    metrics["data"]["label_counts"] = None
    metrics["data"]["languages"] = {"zh": 0.98, "en": 0.02}
    metrics["decision"] = None
    metrics["baselines"] = {
        "linear": {"metrics": {"pearson": measured(0.58)}, "difference": {"metric": "pearson", **measured(0.005, 0.01)}}
    }
    metrics["history"] = [{"step": 10, "loss": 0.9}]
    metrics["validation"] = None
    metrics["test"] = {
        "rows": 1000,
        "kind": "dimensional",
        "labels": names,
        "headline": "pearson",
        "metrics": {"pearson": measured(0.66), "ccc": measured(0.63), "mae": measured(0.31)},
        "per_label": None,
        "confusion": None,
        "reliability": None,
        "curves": None,
        "mistakes": None,
        "abstention": None,
        "per_dimension": [
            {
                "name": name,
                "mae": 0.31,
                "rmse": 0.39,
                "pearson": 0.6 + 0.05 * i,
                "spearman": 0.6,
                "ccc": 0.58 + 0.05 * i,
            }
            for i, name in enumerate(names)
        ],
        "scatter": scatter,
        "slices": {"length": [{"name": "1 to 5 words", "rows": 1000, "value": 0.6, "low": 0.5, "high": 0.7}]},
    }
    return metrics


def fresh_file() -> dict[str, Any]:
    """What `insula evaluate` gives for a new file: no training parts, some rows seen in training."""
    test = evaluation("sentiment3", rows=500)
    test["seen"] = {"rows": 12, "metrics_without": {"macro_f1": measured(0.7011)}}
    return {"format_version": 1, "name": "care", "scheme": get_builtin_scheme("sentiment3").to_dict(), "test": test}


def chinese() -> dict[str, Any]:
    """A run whose labels are Chinese words."""
    metrics = run("ekman7")
    names = get_builtin_scheme("ekman7").display["zh"]

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {names.get(key, key): renamed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [renamed(item) for item in value]
        return names.get(value, value) if isinstance(value, str) else value

    result: dict[str, Any] = renamed(metrics)
    result["data"]["languages"] = {"zh": 1.0}
    return result
