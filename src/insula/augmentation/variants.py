"""The variants of a text: changed copies by augmenters that are drawn at random from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.text.scripts import detect_language_by_script


class Original(NamedTuple):
    """A text to make variants of, with the random seed and, if known, its language."""

    text: str
    seed: str
    language: str | None = None


class Variant(NamedTuple):
    """A changed copy of a text, its method, and its label."""

    method: str
    text: str
    label: str | None


def make_variants(
    text: str,
    chosen: Mapping[str, Augmenter],
    *,
    times: int,
    seed: str,
    label: str | None = None,
    language: str | None = None,
) -> Iterator[Variant]:
    """Yield at most `times` variants of a text that differ from it and from each other.

    chosen    augmenters by name; each variant is made by the first one, in random order, that changes the text
    seed      of the random choices; it must differ between rows
    label     the label of the row, None if there is none or several
    language  `en` or `zh`; None takes a text with Chinese characters as Chinese and another as English
    """
    if not text.strip():
        return
    spoken = detect_language_by_script(text, language)
    seen = {text.strip()}
    for number in range(times):
        chance, names = _shuffle_methods(chosen, seed, number)
        for name in names:
            found = chosen[name](text, AugmentationContext(chance, spoken, label))
            if found is not None and found[0].strip() not in seen:
                seen.add(found[0].strip())
                yield Variant(name, *found)
                break


def prepare_variants(originals: Sequence[Original], chosen: Mapping[str, Augmenter], times: int) -> None:
    """Let augmenters that are fast on many texts prepare the texts that `make_variants` will try first."""
    for name, augmenter in chosen.items():
        if augmenter.prepare is None:
            continue
        wanted: dict[str, list[str]] = {}
        for text, seed, language in originals:
            spoken = detect_language_by_script(text, language)
            firsts = (_shuffle_methods(chosen, seed, number)[1][0] for number in range(times))
            if spoken in augmenter.languages and text.strip() and name in firsts:
                wanted.setdefault(spoken, []).append(text)
        for spoken, texts in wanted.items():
            augmenter.prepare(texts, spoken)


def _shuffle_methods(chosen: Mapping[str, Augmenter], seed: str, number: int) -> tuple[random.Random, list[str]]:
    """Return the random generator of a variant, and the augmenters in the order to try."""
    chance = random.Random(f"{seed} {number}")
    names = list(chosen)
    chance.shuffle(names)
    return chance, names
