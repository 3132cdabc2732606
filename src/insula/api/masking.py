"""`mask_texts`, `mask_file` and `reveal_texts`: mask personal data in texts and files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from insula.core.environment import require
from insula.core.errors import DataError
from insula.core.progress import Progress, choose_progress
from insula.data.formats.formats import ReadOptions
from insula.data.mask_rows import MaskedFile, MaskText, mask_rows
from insula.safety.find import check_kinds
from insula.safety.kinds import TOKEN
from insula.safety.mask import MaskedText, mask

if TYPE_CHECKING:
    from insula.safety.pseudonyms import Pseudonyms


def mask_texts(
    texts: Iterable[str], *, kinds: Collection[str] | None = None, key_file: str | Path | None = None
) -> list[MaskedText]:
    """Return the texts with personal data replaced by tokens such as `[EMAIL]`, and the positions of that data.

    kinds     kinds to mask; None masks all. "all" means the built-in kinds, "presidio" those that Presidio adds;
              "lac" and "spacy:FOLDER" find names with a name model
    key_file  file with a key in hexadecimal: pseudonyms replace the tokens, and `reveal_texts` decrypts them

    Raises `DataError`, `MissingFileError`, and `MissingExtraError` if a key is given without the extra `privacy`, or a
    kind of Presidio without the extra `presidio`.
    """
    wanted = check_kinds(kinds)
    pseudonyms = _load_pseudonyms(key_file)
    return [mask(text, kinds=wanted, pseudonyms=pseudonyms) for text in texts]


def reveal_texts(texts: Iterable[str], key_file: str | Path) -> list[str]:
    """Return the texts with the pseudonyms of this key decrypted; tokens and pseudonyms of other keys stay."""
    pseudonyms = _load_pseudonyms(key_file)
    return [pseudonyms.reveal(text) for text in texts] if pseudonyms else list(texts)


def mask_file(
    source: str | Path,
    output: str | Path,
    *,
    kinds: Collection[str] | None = None,
    columns: Sequence[str] | None = None,
    key_file: str | Path | None = None,
    reveal: bool = False,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    output_format: str | None = None,
    progress: Progress | None = None,
) -> MaskedFile:
    """Write a copy of a file with masked personal data in all texts, or in those of `columns`.

    kinds     kinds to mask; None masks all. "all" means the built-in kinds, "presidio" those that Presidio adds;
              "lac" and "spacy:FOLDER" find names with a name model
    key_file  file with a key in hexadecimal: pseudonyms replace the tokens
    reveal    decrypt the pseudonyms of the key instead of masking
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Cells that a format stores as numbers are not changed. Rows that cannot be read are left out and counted. Raises
    `DataError`, `MissingFileError`, `OutputError`, `MissingExtraError`.
    """
    wanted = check_kinds(kinds)
    pseudonyms = _load_pseudonyms(key_file)
    if reveal and pseudonyms is None:
        raise DataError("Revealing a file needs the key that masked it. Got none. Pass the key file as `key_file`.")
    change = _build_revealing(pseudonyms) if reveal and pseudonyms else _build_masking(wanted, pseudonyms)
    return mask_rows(
        source, output, change,
        columns=columns, reading=ReadOptions(input_format, separator, header), output_format=output_format,
        progress=choose_progress(progress),
    )  # fmt: skip


def _build_masking(kinds: frozenset[str], pseudonyms: Pseudonyms | None) -> MaskText:
    def change(text: str) -> tuple[str, dict[str, int]]:
        masked = mask(text, kinds=kinds, pseudonyms=pseudonyms)
        return masked.text, masked.counts

    return change


def _build_revealing(pseudonyms: Pseudonyms) -> MaskText:
    def change(text: str) -> tuple[str, dict[str, int]]:
        counts: dict[str, int] = {}
        for token in TOKEN.finditer(text):
            if pseudonyms.reveal(token[0]) != token[0]:
                kind = token["kind"].lower()
                counts[kind] = counts.get(kind, 0) + 1
        return pseudonyms.reveal(text), counts

    return change


def _load_pseudonyms(key_file: str | Path | None) -> Pseudonyms | None:
    if key_file is None:
        return None
    require("cryptography", extra="privacy", purpose="make pseudonyms")
    from insula.safety.pseudonyms import Pseudonyms, read_key

    return Pseudonyms(read_key(key_file))
