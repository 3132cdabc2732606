"""The public data sets beside the project load with the kind and the row counts that their own page states."""

from __future__ import annotations

from pathlib import Path

import pytest

from insula.data import load
from insula.data.options import DataOptions

READY = Path(__file__).resolve().parents[3] / "shared" / "data" / "ready"

# folder, scheme (kind where it is an own one), train, validation, test, all (0 where there is none)
SETS = [
    ("goemotions", "goemotions", 43_410, 5_426, 5_427, 0),
    ("carer", "carer", 16_000, 2_000, 2_000, 0),
    ("crowdflower", "single", 0, 0, 0, 40_000),
    ("semeval_ec", "multi", 6_838, 886, 3_259, 0),
    ("semeval_valence", "dimensional", 1_181, 449, 937, 0),
    ("semeval_intensity", "intensity", 7_102, 1_464, 4_068, 0),
    ("semeval_intensity_class", "ordinal", 7_102, 1_464, 4_068, 0),
    ("emobank", "vad", 8_062, 1_000, 1_000, 0),
    ("tweeteval_emotion", "single", 3_257, 374, 1_421, 0),
    ("tweeteval_irony", "binary", 2_862, 955, 784, 0),
    ("tweeteval_offensive", "binary", 11_916, 1_324, 860, 0),
    ("tweeteval_hate", "binary", 8_993, 999, 2_970, 0),
    ("sst2", "polarity", 6_920, 872, 1_821, 0),
    ("sst5", "sentiment5", 8_544, 1_101, 2_210, 0),
    ("mr", "polarity", 0, 0, 0, 10_662),
    ("imdb", "polarity", 5_000, 0, 4_000, 0),
    ("smp2020_usual", "smp2020", 27_766, 2_000, 5_000, 0),
    ("smp2020_virus", "smp2020", 8_606, 2_000, 3_000, 0),
    ("hotel_zh", "polarity", 0, 0, 0, 7_765),
    ("shopping_zh", "polarity", 0, 0, 0, 62_773),
    ("meld", "ekman7", 9_989, 1_109, 2_610, 0),
    ("emorynlp", "single", 7_551, 954, 984, 0),
    ("epitome/explorations.jsonl.gz", "ordinal", 0, 0, 0, 3_084),
]  # fmt: skip


@pytest.mark.parametrize(("name", "scheme", "train", "validation", "test", "every"), SETS)
def test_ready_sets(
    monkeypatch: pytest.MonkeyPatch, name: str, scheme: str, train: int, validation: int, test: int, every: int
) -> None:
    if not (READY / name).exists():
        pytest.skip(f"the data set {name} is not beside the project")
    counts: dict[str, int] = {}

    def count(splits: dict[str, list[object]], *_: object) -> dict[str, list[object]]:
        counts.update({split: len(rows) for split, rows in splits.items()})
        return {**splits, "train": next(iter(splits.values()))}

    # Splitting and guarding have tests of their own, and near-duplicates of 60,000 rows take long.
    monkeypatch.setattr(load, "_add_missing_splits", count)
    monkeypatch.setattr(load, "remove_leaks", lambda splits, **_: (splits, {}, ()))
    data = load.load_dataset(READY / name, DataOptions(label="level" if "epitome" in name else None))
    expected = {"train": train, "validation": validation, "test": test, "all": every}
    assert counts == {split: rows for split, rows in expected.items() if rows}
    assert scheme in (data.scheme.name, data.scheme.kind)
