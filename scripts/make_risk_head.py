"""Make the learned score of risk: a small network on the hidden states of the starter model.

    python scripts/make_risk_head.py --data ../shared/data

Run it again whenever the starter model changes: the head fits only the model that it was trained on. It is trained on
messages composed by rule (`risk_sentences`), ordinary texts (`risk_rows`), and the development cases of
`tests/safety/signals`; its thresholds are chosen on other ordinary texts and on emotional everyday messages.
`benchmarks/results/risk_head.json` gets its figures by cross-validation, with whole templates and development cases
left out. The hidden states and the trained heads are kept in the folder of the runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from insula.core.arrays import BoolArray, Float32Array, Int64Array  # noqa: E402
from insula.core.files import hash_file, write_json  # noqa: E402
from insula.inference.risk.hidden_states import HiddenStateEncoder  # noqa: E402
from insula.models.locate import STARTER_FOLDER  # noqa: E402
from insula.models.risk.head import BASE_FILES, HEAD, RISK_FOLDER, SETTINGS  # noqa: E402
from insula.safety.signals.result import KINDS  # noqa: E402
from insula.text.scripts import detect_language_by_script  # noqa: E402
from risk_rows import VALIDATION, RiskRow, composed_rows, feeling_rows, ordinary_rows  # noqa: E402
from signal_cases import SignalCase, signal_cases  # noqa: E402

INNER = 128
EPOCHS, BATCH, RATE, DECAY = 3, 64, 1e-3, 0.02
CASE_WEIGHT = 3.0  # of a development case, relative to a composed message
KIND_WEIGHT = 0.3  # of the loss of a kind of risk, relative to that of any risk
FOLDS = 3
ALARMS = {"en": 0.004, "zh": 0.005}  # share of the ordinary validation rows that the score alone may take for a signal
FEELING_ALARMS = 0.1  # share of the emotional everyday messages (`feeling_rows`) that it may


@dataclass(frozen=True)
class Texts:
    """The hidden states of texts: (tokens, width) of all windows, tokens of each window, windows of each text."""

    states: Float32Array
    lengths: Int64Array
    counts: Int64Array

    def first_windows(self) -> Int64Array:
        """Return the place of the first window of each text."""
        return np.cumsum(self.counts) - self.counts

    def batch(self, windows: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return padded (windows, tokens, width) states and their (windows, tokens, 1) mask."""
        starts = np.cumsum(self.lengths) - self.lengths
        longest = int(self.lengths[list(windows)].max())
        states = np.zeros((len(windows), longest, self.states.shape[1]), dtype=np.float32)
        mask = np.zeros((len(windows), longest, 1), dtype=np.float32)
        for row, window in enumerate(windows):
            length = self.lengths[window]
            states[row, :length] = self.states[starts[window] : starts[window] + length]
            mask[row, :length] = 1
        return torch.from_numpy(states), torch.from_numpy(mask)


class Head(nn.Module):
    """Features of each token, their mean and their maximum, and from these the logits of any risk and of each kind."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, INNER)
        self.outer = nn.Linear(2 * INNER, 1 + len(KINDS))
        self.drop_states, self.drop_features = nn.Dropout(0.1), nn.Dropout(0.3)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return (windows, 1 + kinds) logits."""
        tokens = nn.functional.gelu(self.inner(self.norm(self.drop_states(states))), approximate="tanh")
        mean = (tokens * mask).sum(1) / mask.sum(1)
        highest = tokens.masked_fill(mask == 0, -9.0).amax(1)
        logits: torch.Tensor = self.outer(self.drop_features(torch.cat([mean, highest], 1)))
        return logits


def main(arguments: list[str]) -> int:
    """Train, measure by cross-validation, choose the thresholds, write; return the exit status."""
    given = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    reader = Reader(given.base, given.tensor, given.runs)
    cases = signal_cases("development") + signal_cases("held_out")
    ordinary_texts, validation = ordinary_rows(given.data)
    rows = [*composed_rows(), *ordinary_texts]
    rows += [RiskRow(case.text, case.language, case.signal, f"case:{case.id}") for case in cases]
    weights = np.array([CASE_WEIGHT if row.group.startswith("case:") else 1.0 for row in rows], dtype=np.float32)
    texts = reader.read([row.text for row in rows], "rows")
    ordinary = {name: reader.read(found, name) for name, found in validation.items()}
    feelings = {language: reader.read(found, f"feelings-{language}") for language, found in feeling_rows().items()}
    left_out = np.zeros(len(rows), dtype=np.float32)
    folds = np.array([int(hashlib.sha256(row.group.encode()).hexdigest()[:8], 16) % FOLDS for row in rows])
    thresholds: list[dict[str, float]] = []
    for fold in range(FOLDS if given.cross_validate else 0):
        head = read_or_train(texts, rows, weights, folds != fold, given.runs, reader.key)
        scores = score(head, texts)
        thresholds.append(choose_thresholds(head, ordinary, feelings))
        limits = np.array([thresholds[-1][detect_language_by_script(row.text)] for row in rows], dtype=np.float32)
        left_out[folds == fold] = (scores - limits)[folds == fold]
        print(f"fold {fold}: thresholds {thresholds[-1]}", flush=True)
    if given.cross_validate:
        write_json(ROOT / "benchmarks" / "results" / "risk_head.json", measure(rows, left_out, cases))
    everything = np.ones(len(rows), dtype=np.bool_)
    head = read_or_train(texts, rows, weights, everything, given.runs, reader.key)
    write_head(head, choose_thresholds(head, ordinary, feelings), given)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs"), help="folder of hidden states and heads (default: runs)"
    )
    parser.add_argument("--base", type=Path, default=STARTER_FOLDER, help="model folder (default: the starter model)")
    parser.add_argument(
        "--tensor", default="layer_norm_8", help="tensor of its network (default: layer_norm_8, its fourth layer)"
    )
    parser.add_argument("--output", type=Path, default=RISK_FOLDER, help="folder of the head (default: the package)")
    parser.add_argument(
        "--no-cross-validation", dest="cross_validate", action="store_false", help="only make the head, sooner"
    )
    return parser


class Reader:
    """Reads texts once: hidden states are kept in a folder, by model, tensor and texts."""

    def __init__(self, base: Path, tensor: str, runs: Path) -> None:
        self._states = HiddenStateEncoder(base, tensor)
        self.key = f"{tensor} {hash_file(base / 'model.onnx')}"
        self._folder = runs / "risk-states"
        self._folder.mkdir(parents=True, exist_ok=True)

    def read(self, texts: Sequence[str], name: str) -> Texts:
        """Return the hidden states of these texts."""
        digest = hashlib.sha256("\0".join((self.key, *texts)).encode()).hexdigest()[:16]
        file = self._folder / f"{name}-{digest}.npz"
        if not file.exists():
            tokens = self._states.encode(texts)
            windows = [window for text in tokens for window in text.windows]
            found: list[Any] = [None] * len(windows)
            for places, states, mask in self._states.compute(windows):
                for place, row, used in zip(places, states, mask.astype(bool), strict=True):
                    found[place] = row[used].astype(np.float16)
            np.savez(
                file,
                states=np.concatenate(found),
                lengths=np.array([len(one) for one in found]),
                counts=np.array([len(text.windows) for text in tokens]),
            )
            print(f"{name}: {len(texts):,} texts read", flush=True)
        with np.load(file) as kept:
            return Texts(kept["states"], kept["lengths"], kept["counts"])


def read_or_train(
    texts: Texts, rows: Sequence[RiskRow], weights: Float32Array, used: BoolArray, runs: Path, key: str
) -> Head:
    """Return a trained head.

    runs  folder that keeps it, so that other thresholds can be chosen without training
    key   of the hidden states
    """
    kept = [f"{row.kind} {weight} {row.text}" for row, weight, one in zip(rows, weights, used, strict=True) if one]
    settings = (key, INNER, EPOCHS, BATCH, RATE, DECAY, KIND_WEIGHT)
    digest = hashlib.sha256("\0".join((str(settings), *kept)).encode()).hexdigest()[:16]
    file = runs / "risk-heads" / f"{digest}.pt"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(train(texts, rows, weights, used).state_dict(), file.with_suffix(".part"))
        file.with_suffix(".part").replace(file)
    head = Head(texts.states.shape[1])
    head.load_state_dict(torch.load(file, weights_only=True))
    return head.eval()


def train(texts: Texts, rows: Sequence[RiskRow], weights: Float32Array, used: BoolArray) -> Head:
    """Return a head trained on the first windows of the rows that are used."""
    torch.manual_seed(0)
    order = np.random.default_rng(0)
    head = Head(texts.states.shape[1])
    places = np.flatnonzero(used)
    windows = texts.first_windows()
    targets = np.zeros((len(rows), 1 + len(KINDS)), dtype=np.float32)
    for place, row in enumerate(rows):
        if row.kind is not None:
            targets[place, [0, 1 + KINDS.index(row.kind)]] = 1  # type: ignore[arg-type]
    loss_weights = torch.tensor([1.0] + [KIND_WEIGHT] * len(KINDS))
    optimiser = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * (len(places) // BATCH + 1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    for _ in range(EPOCHS):
        for batch in _batches(order.permutation(places), texts.lengths[windows], order):
            logits = head(*texts.batch(windows[batch]))
            wanted = torch.from_numpy(targets[batch]) * 0.98 + 0.01
            losses = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
            loss = (losses * loss_weights * torch.from_numpy(weights[batch])[:, None]).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return head.eval()


def _batches(places: Int64Array, lengths: Int64Array, order: np.random.Generator) -> list[Int64Array]:
    """Return batches of texts of similar length, in random order."""
    batches = []
    for first in range(0, len(places), 20 * BATCH):
        some = places[first : first + 20 * BATCH]
        some = some[np.argsort(lengths[some], kind="stable")]
        batches += [some[start : start + BATCH] for start in range(0, len(some), BATCH)]
    return [batches[place] for place in order.permutation(len(batches))]


@torch.no_grad()
def score(head: Head, texts: Texts) -> Float32Array:
    """Return the logit of any risk of each text: the highest of its windows."""
    found = np.zeros(len(texts.lengths), dtype=np.float32)
    order = np.argsort(texts.lengths, kind="stable")
    for first in range(0, len(order), BATCH):
        some = order[first : first + BATCH]
        found[some] = head(*texts.batch(some)).numpy()[:, 0]
    highest: Float32Array = np.maximum.reduceat(found, texts.first_windows())
    return highest


def choose_thresholds(head: Head, ordinary: dict[str, Texts], feelings: dict[str, Texts]) -> dict[str, float]:
    """Return for each language the lowest logit that exceeds neither share of alarms.

    The shares are `ALARMS` of its ordinary rows, and `FEELING_ALARMS` of its emotional everyday messages.
    """
    found: dict[str, list[Float32Array]] = {}
    for language, name, _, _ in VALIDATION:
        found.setdefault(language, []).append(score(head, ordinary[name]))
    limits = {
        language: (
            np.quantile(np.concatenate(scores), 1 - ALARMS[language]),
            np.quantile(score(head, feelings[language]), 1 - FEELING_ALARMS, method="higher"),
        )
        for language, scores in found.items()
    }
    print(f"limits of ordinary rows and of feelings: {limits}", flush=True)
    return {language: round(float(max(both)), 3) for language, both in limits.items()}


def measure(rows: Sequence[RiskRow], scores: Float32Array, cases: Sequence[SignalCase]) -> dict[str, Any]:
    """Return the share of rows above the threshold that were left out, by language and kind of text."""
    found: dict[str, list[bool]] = {}
    wording = {f"case:{case.id}": case.wording or "lookalikes" for case in cases}
    for row, value in zip(rows, scores.tolist(), strict=True):
        if row.group in wording:
            found.setdefault(f"cases {row.language} {wording[row.group]}", []).append(value >= 0)
        elif not row.group.startswith("ordinary:"):
            name = "lookalikes" if row.kind is None else "signals"
            found.setdefault(f"templates {row.language} {name}", []).append(value >= 0)
    result = {name: {"count": sum(some), "of": len(some)} for name, some in sorted(found.items())}
    print(json.dumps(result, indent=1))
    values = {
        row.group.removeprefix("case:"): _sigmoid(value) for row, value in zip(rows, scores.tolist(), strict=True)
    }
    return {
        "folds": FOLDS,
        "alarms_allowed": ALARMS,
        "alarms_allowed_on_feelings": FEELING_ALARMS,
        "left_out": result,
        "scores_of_cases": {case.id: round(values[case.id], 3) for case in cases},
    }


def _sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def write_head(head: Head, thresholds: dict[str, float], given: argparse.Namespace) -> None:
    """Write the weights in half precision, and the settings with the checksums of all files that belong together."""
    given.output.mkdir(parents=True, exist_ok=True)
    weights = {name: value.numpy().astype(np.float16) for name, value in head.state_dict().items()}
    save_file(weights, given.output / HEAD)
    digests = {HEAD: hash_file(given.output / HEAD)} | {name: hash_file(given.base / name) for name in BASE_FILES}
    settings = {"tensor": given.tensor, "thresholds": thresholds, "sha256": digests}
    write_json(given.output / SETTINGS, settings)
    print(f"thresholds {thresholds}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
