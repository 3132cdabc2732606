"""Augments the rows of a file: each row, followed by its variants, in constant memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from insula.augmentation.registry import Augmenter
from insula.augmentation.variants import Original, make_variants, prepare_variants
from insula.core.errors import CHOOSE, DataError, suggest
from insula.core.outputs import build_exists_error, require_different
from insula.core.progress import Progress, Silent
from insula.data.columns import AUGMENTED_BY, SOURCE_ROW, find_text_columns
from insula.data.formats.byte_source import STDIN
from insula.data.formats.formats import DETECTED, ReadOptions, open_rows, scan_rows
from insula.data.formats.row_reader import Row
from insula.data.formats.writers import STDOUT, open_writer
from insula.text.scripts import detect_language_by_script

LANGUAGE_NAMES = {"en": "English", "zh": "Chinese"}
LANGUAGES = tuple(LANGUAGE_NAMES)
_ROWS_PER_BATCH = 2048


@dataclass(frozen=True)
class AugmentedFile:
    """The result of augmenting a file.

    output       the file written
    rows         number of original rows written
    added        number of variants written
    counts       number of variants by method
    without      number of original rows with fewer variants than asked for
    rejected     number of rows that could not be read and were left out; `first_reject` gives line and reason
    seconds      wall-clock time
    warnings     sentences on what to know about the output and on what was repaired while reading
    """

    output: Path
    rows: int
    added: int
    counts: dict[str, int]
    without: int
    rejected: int
    first_reject: str | None
    seconds: float
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **self.__dict__,
            "output": str(self.output),
            "seconds": round(self.seconds, 3),
            "warnings": list(self.warnings),
        }


def augment_rows(
    source: str | Path,
    output: str | Path,
    chosen: Mapping[str, Augmenter],
    *,
    text: str | None = None,
    label: str | None = None,
    times: int = 1,
    language: str | None = None,
    seed: int = 0,
    overwrite: bool = False,
    reading: ReadOptions = DETECTED,
    output_format: str | None = None,
    progress: Progress | None = None,
) -> AugmentedFile:
    """Write every row of `source` to `output`, each followed by at most `times` variants.

    chosen    augmenters by name; each variant is made by one of them, drawn per variant
    text      the column of the text; None looks for common names
    label     the column of the label, which some augmenters need
    overwrite  replace an existing output
    language  `en` or `zh`; None takes texts with Chinese characters as Chinese and others as English

    Variants have the values of their row, except text, label and the columns `augmented_by` and `source_row`. The same
    file, options and seed give the same output. It appears when the last row is written. Raises `DataError`,
    `MissingFileError`, `OutputError`.
    """
    if str(source) != STDIN:
        require_different(output, source)
    if not overwrite and str(output) != STDOUT and Path(output).is_file():
        raise build_exists_error(output, "a file")
    _check(chosen, label, times, language)
    progress = progress or Silent()
    started = time.monotonic()
    with open_rows(source, batch_size=_ROWS_PER_BATCH, **reading._asdict()) as reader:
        _check_columns(reader.columns, label, str(source))
        column = find_text_columns(reader.columns, text, repr(str(source)))[0]
        maker = _VariantGenerator(chosen, column, label, times=times, language=language, seed=seed)
        columns = None if reader.columns_vary else [*reader.columns, AUGMENTED_BY, SOURCE_ROW]
        scan = partial(scan_rows, source, batch_size=_ROWS_PER_BATCH, reading=reading, progress=progress)
        every = _add_new_columns(scan()) if reader.columns_vary and Path(source).is_file() else None
        with open_writer(
            output, format=output_format, columns=columns, types=_add_column_types(reader.types), every=every
        ) as writer:
            progress.start("augmenting")
            try:
                for batch in reader:
                    maker.prepare(batch.rows)
                    writer.write([one for row in batch.rows for one in maker.expand(row)])
                    progress.advance(len(batch.rows))
            finally:
                progress.finish()
        return AugmentedFile(
            output=Path(output),
            rows=maker.rows,
            added=maker.counts.total(),
            counts={name: maker.counts[name] for name in chosen},
            without=maker.without,
            rejected=reader.reject_count,
            first_reject=reader.first_reject,
            seconds=time.monotonic() - started,
            warnings=(*_iterate_warnings(chosen), *maker.explain_missing_variants(), *reader.warnings),
        )


class _VariantGenerator:
    """Generates variants of rows and counts them."""

    def __init__(
        self,
        chosen: Mapping[str, Augmenter],
        text: str,
        label: str | None,
        *,
        times: int,
        language: str | None,
        seed: int,
    ) -> None:
        self.rows = self.without = 0
        self.counts: Counter[str] = Counter()
        self._languages: set[str] = set()
        self._chosen = dict(chosen)
        self._text, self._label = text, label
        self._times, self._language, self._seed = times, language, seed

    def prepare(self, rows: Sequence[Row]) -> None:
        """Let augmenters prepare for the texts of the next rows."""
        texts = [row.get(self._text) for row in rows]
        originals = [
            Original(text, self._get_seed(number), self._language)
            for number, text in enumerate(texts, start=self.rows + 1)
            if isinstance(text, str)
        ]
        prepare_variants(originals, self._chosen, self._times)

    def expand(self, row: Row) -> Iterator[Row]:
        """Yield a row and its variants."""
        self.rows += 1
        yield {**row, AUGMENTED_BY: None, SOURCE_ROW: self.rows}
        text = row.get(self._text)
        made = 0
        if isinstance(text, str) and text.strip():
            self._languages.add(detect_language_by_script(text, self._language))
            variants = make_variants(
                text, self._chosen, times=self._times, seed=self._get_seed(self.rows), label=self._get_label(row),
                language=self._language,
            )  # fmt: skip
            for name, changed, label in variants:
                made += 1
                self.counts[name] += 1
                variant = {**row, self._text: changed, AUGMENTED_BY: name, SOURCE_ROW: self.rows}
                yield variant if self._label is None else {**variant, self._label: label}
        self.without += made < self._times

    def explain_missing_variants(self) -> Iterator[str]:
        """Yield a sentence for each method that made no variant because of the language or the labels of the rows."""
        for name, augmenter in self._chosen.items():
            if self.counts[name] or not self._languages:
                continue
            start = f"The method {name} made no variant: "
            if self._languages.isdisjoint(augmenter.languages):
                hint = next((augmenter.hints[one] for one in sorted(self._languages & augmenter.hints.keys())), "")
                supported = " and ".join(LANGUAGE_NAMES[one] for one in augmenter.languages)
                yield f"{start}no text is in {supported}, which it supports.{hint and f' {hint}'}"
            elif augmenter.new_labels:
                yield f"{start}it changes texts with the labels {', '.join(augmenter.new_labels)} only."
            elif augmenter.needs_label:
                yield f"{start}it knows none of the labels in the column {self._label!r}."

    def _get_seed(self, number: int) -> str:
        return f"{self._seed} {number}"

    def _get_label(self, row: Row) -> str | None:
        value = None if self._label is None else row.get(self._label)
        return value if isinstance(value, str) and value else None


def _check(chosen: Mapping[str, Augmenter], label: str | None, times: int, language: str | None) -> None:
    if times < 1:
        raise DataError(f"The number of variants (times) must be at least 1. Got {times}. Use a larger number.")
    if language is not None and language not in LANGUAGES:
        raise DataError(
            f"The language must be one of {', '.join(LANGUAGES)}. Got {language!r}. Leave it out to detect it."
        )
    need = [name for name, one in chosen.items() if one.needs_label or one.preserves == "nothing"]
    if label is None and need:
        raise DataError(
            f"{_describe_methods(need, 'needs', 'need')} the label of each row. "
            "Choose its column with --label (in Python: `label`)."
        )
    if language is not None:
        unsupported = [name for name, one in chosen.items() if language not in one.languages]
        hints = [one for name in unsupported if (one := chosen[name].hints.get(language))]
        if unsupported:
            raise DataError(
                f"{_describe_methods(unsupported, 'does', 'do')} not support the language {language!r}. "
                f"{hints[0] if hints else 'Name other methods.'}"
            )


def _check_columns(columns: Sequence[str], label: str | None, source: str) -> None:
    taken = [name for name in (AUGMENTED_BY, SOURCE_ROW) if name in columns]
    if taken:
        raise DataError(
            f"The file {source!r} has a column {taken[0]!r}, so it is augmented already. Augment the original file."
        )
    if label is not None and label not in columns:
        raise DataError(
            f"The label column must be one of {', '.join(columns)}, the columns of {source!r}. "
            f"Got {label!r}.{suggest(label, columns, CHOOSE)}"
        )


def _add_new_columns(batches: Any) -> Iterator[list[Row]]:
    for rows in batches:
        yield [{**row, AUGMENTED_BY: None, SOURCE_ROW: 0} for row in rows]


def _add_column_types(types: Mapping[str, Any]) -> dict[str, Any]:
    if not types:
        return {}
    import pyarrow as pa

    return {**types, AUGMENTED_BY: pa.string(), SOURCE_ROW: pa.int64()}


def _iterate_warnings(chosen: Mapping[str, Augmenter]) -> Iterator[str]:
    yield "Use these rows for training only: insula never takes copies as validation or test rows."
    soft = [name for name, one in chosen.items() if one.is_soft]
    if soft:
        yield f"{_describe_methods(soft, 'keeps', 'keep')} most labels, not all: give the copies less weight."
    stronger = [name for name, one in chosen.items() if one.preserves == "emotion"]
    if stronger:
        yield (
            f"{_describe_methods(stronger, 'changes', 'change')} the strength of an emotion: "
            "not for intensities and other ordinal or dimensional labels."
        )


def _describe_methods(names: Sequence[str], one: str, several: str) -> str:
    """Return the start of a sentence, such as `The method swap keeps` or `The methods swap, delete keep`."""
    return f"The method {names[0]} {one}" if len(names) == 1 else f"The methods {', '.join(names)} {several}"
