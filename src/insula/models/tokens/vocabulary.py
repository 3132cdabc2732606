"""Vocabularies built from training texts, for networks trained from scratch: words or subwords.

Both are written as a `tokenizer.json` for `tokenization.TextTokenizer`. Texts are already prepared: lower case, and
Chinese segmented into words with spaces (`text.preparation.WORD_STEPS`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from insula.core.errors import DataError

PADDING, UNKNOWN = "[PAD]", "[UNK]"
"""The first two entries of every vocabulary: token ids 0 and 1."""

WORD_START = "▁"
"""Prefix of subwords at the start of a word."""

Kind = Literal["words", "subwords"]

# English contractions are split as in the Penn Treebank (do n't, it 's), so that a negation is one word for all verbs.
# Weibo emoticons in brackets, user names and ellipses are one word each, and so is every other punctuation mark.
WORD = r"\[[^\[\]\s]{1,8}\]|@user\b|n['’]t\b|\w+?(?=n['’]t\b)|['’](?:s|m|d|re|ve|ll)\b|\w+|\.\.+|[^\w\s]"


def train_vocabulary(texts: Sequence[str], file: Path, *, kind: Kind, size: int, min_count: int) -> list[str]:
    """Write a `tokenizer.json` of at most `size` entries and return the entries by token id.

    words     the most frequent words with at least `min_count` occurrences; all others are unknown (Kim 2014)
    subwords  byte-pair encoding (Sennrich et al. 2016): pairs inside words with at least `min_count` occurrences are
              merged until `size` is reached; only characters that occur in no training text are unknown

    Words of equal count are sorted by their characters, so that the same texts give the same ids. Raises `DataError` if
    the texts contain no words.
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
        mark_start = pre_tokenizers.Metaspace(replacement=WORD_START, prepend_scheme="always", split=False)
        tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, mark_start])
        characters = _find_characters(texts, size // 2, min_count)
        # The trainer breaks ties between equally frequent characters at random, so it is given its alphabet. For the
        # same reason the start of a word is marked and not its continuation.
        trainer = trainers.BpeTrainer(initial_alphabet=characters, limit_alphabet=len(characters), **shared)
        tokenizer.train_from_iterator(texts, trainer)
    entries = _sort_by_id(tokenizer)
    if len(entries) <= len(special) + (kind == "subwords"):
        raise DataError(
            f"The training texts must contain words with at least {min_count} occurrences. Got none after preparation. "
            "Set model.min_count=1, or check the texts with: insula data describe"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(file))
    return entries


def extend_vocabulary(file: Path, words: Sequence[str], *, size: int) -> list[str]:
    """Append words to a `tokenizer.json` of kind `words`, up to `size` entries; return all entries."""
    tokenizer = Tokenizer.from_file(str(file))
    entries = _sort_by_id(tokenizer)
    known = set(entries)
    entries += list(dict.fromkeys(word for word in words if word not in known))[: max(0, size - len(entries))]
    tokenizer.model = models.WordLevel({word: number for number, word in enumerate(entries)}, UNKNOWN)
    tokenizer.save(str(file))
    return entries


def list_whole_words(file: Path) -> list[str]:
    """Return the lower-case words that are one token in the `tokenizer.json` of an encoder, in order of token id.

    With pretrained vectors for them, a network also knows words that occur in no training text (Kim 2014).
    """
    entries = _sort_by_id(Tokenizer.from_file(str(file)), with_added_tokens=False)
    prefix = next((mark for mark in ("▁", "Ġ") if any(entry.startswith(mark) for entry in entries)), "")
    words = (entry.removeprefix(prefix) for entry in entries if entry.startswith(prefix))
    return [word for word in words if word.isalpha() and word == word.lower()]


def _sort_by_id(tokenizer: Tokenizer, *, with_added_tokens: bool = True) -> list[str]:
    ids: dict[str, int] = tokenizer.get_vocab(with_added_tokens=with_added_tokens)
    return sorted(ids, key=lambda entry: ids[entry])


def _find_characters(texts: Sequence[str], most: int, min_count: int) -> list[str]:
    counts = Counter(character for text in texts for character in text if not character.isspace())
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [WORD_START, *(character for character, count in ordered[:most] if count >= min_count)]
