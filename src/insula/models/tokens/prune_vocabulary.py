"""Leaving tokens out of a tokenizer that no text needs: those of other subjects, other languages, other times."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.core.errors import ModelFolderError
from insula.core.files import write_text


def prune_vocabulary(file: Path, tokens: Iterable[NDArray[np.int64]], *, least: int, into: Path) -> NDArray[np.int64]:
    """Write a smaller `tokenizer.json` into `into`; return the old numbers of the tokens kept, in their new order.

    tokens  training texts as token numbers of the tokenizer in `file`
    least   a token that stands fewer times than this in them is left out

    Special tokens are kept, and every single character, at the beginning of a word and inside one: so a word that was
    left out falls into shorter pieces, and becomes unknown only where one of its characters has no piece of its own,
    which no training text of `least` 1 can tell. A text of kept tokens alone has the same tokens as before.

    Of WordPiece only (BERT and its kin). Raises `ModelFolderError` for other tokenizers: theirs build pieces from pairs
    or from probabilities, and a missing one would change how others are cut.
    """
    content = json.loads(file.read_text(encoding="utf-8"))
    model = content["model"]
    if model.get("type") != "WordPiece":
        raise ModelFolderError(
            f"The tokenizer {str(file)!r} must be WordPiece for its vocabulary to be pruned. Got {model.get('type')}. "
            "Keep its vocabulary whole."
        )
    counts = Counter(int(number) for row in tokens for number in row)
    prefix = model.get("continuing_subword_prefix", "##")
    added = {one["content"]: one["id"] for one in content.get("added_tokens") or ()}  # maybe not in the vocabulary
    special = {*added.values(), model["vocab"].get(model.get("unk_token"))}
    ordered = sorted((added | model["vocab"]).items(), key=lambda entry: entry[1])
    kept = [
        (piece, number)
        for piece, number in ordered
        if number in special or counts[number] >= least or len(piece.removeprefix(prefix)) == 1
    ]
    fresh = {number: place for place, (_, number) in enumerate(kept)}
    model["vocab"] = {piece: fresh[number] for piece, number in kept if piece in model["vocab"]}
    for one in content.get("added_tokens") or ():
        one["id"] = fresh[one["id"]]
    if content.get("post_processor"):
        content["post_processor"] = _renumbered(content["post_processor"], lambda number: fresh[number])
    if content.get("padding"):
        content["padding"]["pad_id"] = fresh[content["padding"]["pad_id"]]
    write_text(into, json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    return np.array([number for _, number in kept], dtype=np.int64)


def _renumbered(part: Any, fresh: Callable[[int], int]) -> Any:
    """Return a post-processor with its token numbers changed, in any of the three forms that they have there."""
    if isinstance(part, list):
        return [_renumbered(one, fresh) for one in part]
    if not isinstance(part, dict):
        return part
    changed = {key: _renumbered(value, fresh) for key, value in part.items()}
    for key in ("cls", "sep"):  # BertProcessing, RobertaProcessing: ["[CLS]", 101]
        if isinstance(changed.get(key), list) and len(changed[key]) == 2:
            changed[key] = [changed[key][0], fresh(changed[key][1])]
    if isinstance(changed.get("ids"), list):  # TemplateProcessing: {"ids": [101], "tokens": ["[CLS]"]}
        changed["ids"] = [fresh(number) for number in changed["ids"]]
    return changed
