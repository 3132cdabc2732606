"""`augment_file`: more rows from the same labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from insula.augmentation.augment_rows import AugmentedFile, augment_rows
from insula.augmentation.registry import choose_augmenters
from insula.core.progress import Progress
from insula.data.formats.formats import ReadOptions


def augment_file(
    source: str | Path,
    output: str | Path,
    *,
    methods: Sequence[str],
    text: str | None = None,
    label: str | None = None,
    times: int = 1,
    language: str | None = None,
    seed: int = 0,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    output_format: str | None = None,
    progress: Progress | None = None,
) -> AugmentedFile:
    """Write the rows of a file and variants of their texts to another file, for training only.

    methods   names of augmenters; each variant is made by one of them, drawn with the seed
    text      column of the text; None looks for its usual names
    label     column of the label, which `emoji` and `negation` need
    times     number of variants per row; rows in which no method finds something to change get fewer
    language  `en` or `zh`; None takes texts with Chinese characters as Chinese and others as English
    seed      the same file, options and seed give the same output

    All columns are kept; `augmented_by` names the method (empty for original rows), `source_row` numbers the original
    row. Raises `DataError`, `UnknownNameError`, `MissingFileError`, `OutputError`.
    """
    return augment_rows(
        source, output, choose_augmenters(methods), text=text, label=label, times=times, language=language, seed=seed,
        reading=ReadOptions(input_format, separator, header), output_format=output_format, progress=progress,
    )  # fmt: skip
