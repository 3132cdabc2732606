"""How soon a monitor finds a rise, and how often it is wrong: `results/monitoring.json`.

    PYTHONPATH=src:RIVER python benchmarks/monitoring.py      RIVER: a folder with river (pip install --target)

The starter predicts GoEmotions' validation and test rows once. A replay draws from these predictions so that `anger`
is predicted for 4% of the messages, and after the change for 6%; or so that the share of negative messages changes as
from GoEmotions to SMP2020. Fifty quiet replays of 20,000 messages have no change. The detectors see messages of the
same seed: ours with the true usual share and with one that it learns, CUSUM for the same rise with the limit that
Wald's approximation gives for as many false alarms, CUSUM with the limit of five standard deviations that textbooks
name, river's ADWIN, and two that always and never raise an alarm.

Fifty replays are few. The first three see 2,000 more of each kind, and `best` is what no test can surpass: the power of
the most powerful test (Neyman and Pearson) that knows both shares and where the change is, looks once at the messages
within which it must find it, and has as many false alarms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

OUTPUT = Path(__file__).parent / "results" / "monitoring.json"
REPLAYS, MESSAGES = 50, 20_000
MORE = 2_000
"""Further replays of our detectors."""
FALSE_ALARM_EVERY = 1_000_000
"""Messages between two false alarms: the default of a shift alert, and at most one in fifty quiet replays."""
QUIET, RAISED = 0.04, 0.06
WITHIN = 2_000
LEVEL, NEGATIVE = "sentiment", "negative"

Hits = Any


def main(arguments: list[str]) -> int:
    """Replay and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    from insula.core.files import write_json
    from provenance import provenance

    shares = predicted_shares()
    changes = {"anger": (QUIET, RAISED), "texts": (shares["goemotions"], shares["smp2020_usual"])}
    cells = {name: measured(make, changes) for name, make in DETECTORS.items()}
    for name in list(DETECTORS)[:3]:
        cells[name]["more"] = measured_more(DETECTORS[name])
    settings = {"replays": REPLAYS, "messages": MESSAGES, "quiet": QUIET, "raised": RAISED, "within": WITHIN,
                "more_replays": MORE, "best": round(best_power(), 4)}  # fmt: skip
    write_json(given.output, {**settings, "negative": shares, "detectors": cells, **provenance()})
    return 0


def predicted_shares() -> dict[str, float]:
    """Return the share of messages that the starter predicts to be negative, on both sets."""
    from insula.core.levels import find_levels
    from insula.data.load import load_dataset
    from insula.inference.predictor import Predictor
    from sets import READY

    model = Predictor.load("starter")
    level = find_levels(model.scheme)[LEVEL]
    place = level.scheme.names.index(NEGATIVE)
    found = {}
    for name, parts in (("goemotions", ("validation", "test")), ("smp2020_usual", ("test",))):
        splits = load_dataset(str(READY / name), seed=0).splits
        texts = [row.text for part in parts for row in splits[part]]
        found[name] = round(float(level.choose_parents(model.decide(texts).chosen)[:, place].mean()), 6)
    return found


def best_power() -> float:
    """Return the largest probability of finding the rise within `WITHIN` messages.

    Whatever raises an alarm within these messages is a test of them. In quiet messages, it may do so with probability
    `WITHIN / FALSE_ALARM_EVERY`; on the border, the most powerful test draws.
    """
    from scipy.stats import binom

    level, counts = WITHIN / FALSE_ALARM_EVERY, np.arange(WITHIN + 1)
    tails = binom.sf(counts, WITHIN, QUIET)  # of more hits than this
    border = int(np.argmax(tails <= level))
    drawn = (level - tails[border]) / binom.pmf(border, WITHIN, QUIET)
    return float(binom.sf(border, WITHIN, RAISED) + drawn * binom.pmf(border, WITHIN, RAISED))


def ours(hits: Hits, **settings: Any) -> int | None:
    """Return the first alarm of the monitor's detector."""
    from insula.operations.monitoring.settings import AlertRule
    from insula.operations.monitoring.shift import ShiftDetector

    rule = AlertRule(name="rise", kind="shift", labels=("anger",), **settings)
    changes = ShiftDetector.restore(rule, None).update(hits)
    return changes[0].place if changes else None


def cusum(hits: Hits, usual: float) -> int | None:
    """Return the first alarm of the CUSUM of the log likelihood ratio of a rise by half; an earlier insula had it."""
    raised = usual * RAISED / QUIET
    fall = usual * np.log(usual / raised) + (1 - usual) * np.log((1 - usual) / (1 - raised))
    limit = 1.0
    for _ in range(100):  # (e^limit - limit - 1) / fall messages between two false alarms
        limit = np.log(FALSE_ALARM_EVERY * fall + limit + 1)
    path = np.cumsum(np.where(hits, np.log(raised / usual), np.log((1 - raised) / (1 - usual))))
    above = np.flatnonzero(path - np.minimum(np.minimum.accumulate(path), 0) >= limit)
    return int(above[0]) + 1 if len(above) else None


def textbook_cusum(hits: Hits, usual: float) -> int | None:
    """Return the first alarm of the standardised CUSUM with slack 1/2 of a rise by half and a limit of 5."""
    deviation = (usual * (1 - usual)) ** 0.5
    path = np.cumsum((hits - usual) / deviation - usual / 2 / deviation / 2)
    above = np.flatnonzero(path - np.minimum(np.minimum.accumulate(path), 0) >= 5)
    return int(above[0]) + 1 if len(above) else None


def adwin(hits: Hits) -> int | None:
    """Return the first alarm of ADWIN with its defaults, falls left out."""
    from river.drift import ADWIN

    detector = ADWIN()
    for place, hit in enumerate(hits, 1):
        before = detector.estimation
        detector.update(float(hit))
        if detector.drift_detected and detector.estimation > before:
            return place
    return None


DETECTORS: dict[str, Callable[[Hits, float], int | None]] = {
    "shift, usual share given": lambda hits, usual: ours(hits, expected_share=usual),
    "shift, usual share learned": lambda hits, usual: ours(hits),
    "CUSUM, limit by Wald": cusum,
    "CUSUM, five standard deviations": textbook_cusum,
    "ADWIN": lambda hits, usual: adwin(hits),
    "always": lambda hits, usual: 1,
    "never": lambda hits, usual: None,
}
"""Each returns after how many messages the first alarm is raised; None without one."""


def measured(detect: Callable[[Hits, float], int | None], changes: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Return false alarms in quiet replays, and the delays after each change."""
    rng = np.random.default_rng(0)
    quiet = [detect(rng.random(MESSAGES) < QUIET, QUIET) for _ in range(REPLAYS)]
    cell: dict[str, Any] = {"quiet_replays_with_alarm": sum(alarm is not None for alarm in quiet)}
    for name, (before, after) in changes.items():
        change = MESSAGES // 2
        delays, early = [], 0
        for _ in range(REPLAYS):
            hits = np.concatenate([rng.random(change) < before, rng.random(change) < after])
            alarm = detect(hits, before)
            early += alarm is not None and alarm <= change
            delays.append(change if alarm is None else max(0, alarm - change))
        found = sum(0 < delay <= WITHIN for delay in delays)
        median = statistics.median(delays)
        cell[name] = {"before": before, "after": after, "median_delay": median, "within": found, "early": early}
    return cell


def measured_more(detect: Callable[[Hits, float], int | None]) -> dict[str, float]:
    """Return the shares of further replays: with a rise that is found in time, and quiet ones with an alarm."""
    rng = np.random.default_rng(1)
    change = MESSAGES // 2
    alarms = found = late = 0
    for _ in range(MORE):
        alarms += detect(rng.random(MESSAGES) < QUIET, QUIET) is not None
        alarm = detect(np.concatenate([rng.random(change) < QUIET, rng.random(change) < RAISED]), QUIET)
        found += alarm is not None and change < alarm <= change + WITHIN
        late += alarm is None or alarm > change + WITHIN
    return {"quiet_with_alarm": alarms / MORE, "within": found / MORE, "late": late / MORE}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
