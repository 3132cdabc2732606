"""Vocabularies learnt from training texts, for networks that start from nothing: words, or pieces of words.

Both are written as a `tokenizer.json` that `tokenization.TextTokenizer` reads. Texts come prepared: in lower case,
Chinese already in words with spaces between (`text.preparation.WORD_STEPS`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from insula.core.errors import DataError

PADDING, UNKNOWN = "[PAD]", "[UNK]"
"""The first two entries of every vocabulary: token numbers 0 and 1."""

WORD_START = "▁"
"""Stands before a piece that begins a word, where a vocabulary has pieces of words."""

Kind = Literal["words", "subwords"]

# As the Penn treebank writes English (do n't, it 's), so that a negation is one word whatever it is attached to. The
# bracket emoticons of Weibo, names of users and rows of dots are one word each; so is every other mark.
WORD = r"\[[^\[\]\s]{1,8}\]|@user\b|n['’]t\b|\w+?(?=n['’]t\b)|['’](?:s|m|d|re|ve|ll)\b|\w+|\.\.+|[^\w\s]"


def train_vocabulary(texts: Sequence[str], file: Path, *, kind: Kind, size: int, min_count: int) -> list[str]:
    """Write a `tokenizer.json` of at most `size` entries and return these, by token number.

    words     the most frequent words that stand at least `min_count` times; any other is unknown (Kim 2014)
    subwords  byte-pair encoding (Sennrich et al. 2016): frequent pairs, at least `min_count` of them, are merged inside
              words until `size` is reached; only characters that no training text has are unknown

    Words of equal count stand in the order of their characters, so that the same texts give the same numbers. Raises
    `DataError` where the texts hold no word.
    """
    texts = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]  # as TextTokenizer does
    special = [PADDING, UNKNOWN]
    split = pre_tokenizers.Split(Regex(WORD), behavior="removed", invert=True)
    shared: dict[str, Any] = {
        "vocab_size": size,
        "min_frequency": min_count,
        "special_tokens": special,
        "show_progress": False,
    }
    if kind == "words":
        tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
        tokenizer.pre_tokenizer = split
        tokenizer.train_from_iterator(texts, trainers.WordLevelTrainer(**shared))
    else:
        begin = pre_tokenizers.Metaspace(replacement=WORD_START, prepend_scheme="always", split=False)
        tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, begin])
        characters = _characters(texts, size // 2, min_count)
        # Given its characters, the trainer has none to choose: where several are as frequent, it would choose anew
        # each time. For the same reason pieces are marked where they begin a word, not where they go on with one.
        trainer = trainers.BpeTrainer(initial_alphabet=characters, limit_alphabet=len(characters), **shared)
        tokenizer.train_from_iterator(texts, trainer)
    entries = [word for word, _ in sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])]
    if len(entries) <= len(special) + (kind == "subwords"):
        raise DataError(
            f"The training texts must hold words that stand at least {min_count} times. Got none after preparation. "
            "Set model.min_count=1, or check the texts with: insula data describe"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(file))
    return entries


def extend_vocabulary(file: Path, words: Sequence[str], *, size: int) -> list[str]:
    """Add words behind those of a `tokenizer.json` of kind `words`, up to `size` entries; return all entries."""
    tokenizer = Tokenizer.from_file(str(file))
    entries = [word for word, _ in sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])]
    mine = set(entries)
    entries += list(dict.fromkeys(word for word in words if word not in mine))[: max(0, size - len(entries))]
    tokenizer.model = models.WordLevel({word: number for number, word in enumerate(entries)}, UNKNOWN)
    tokenizer.save(str(file))
    return entries


def _in_order(tokenizer: Tokenizer) -> list[str]:
    numbers: dict[str, int] = tokenizer.get_vocab()
    return sorted(numbers, key=lambda entry: numbers[entry])


def whole_words(file: Path) -> list[str]:
    """Return the lower-case words that a `tokenizer.json` of an encoder has in one piece, the lowest number first.

    A network that starts from vectors of these knows something of words that no training text has (Kim 2014).
    """
    entries = Tokenizer.from_file(str(file)).get_vocab(with_added_tokens=False)
    ordered = sorted(entries, key=lambda entry: entries[entry])
    begins = next((mark for mark in ("▁", "Ġ") if any(entry.startswith(mark) for entry in ordered)), "")
    words = (entry.removeprefix(begins) for entry in ordered if entry.startswith(begins))
    return [word for word in words if word.isalpha() and word == word.lower()]


def _characters(texts: Sequence[str], most: int, min_count: int) -> list[str]:
    counts = Counter(character for text in texts for character in text if not character.isspace())
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [WORD_START, *(character for character, count in ordered[:most] if count >= min_count)]
