"""Removes tokens from a tokenizer that the training texts do not use."""

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


def prune_vocabulary(
    file: Path, tokens: Iterable[NDArray[np.int64]], *, min_count: int, output: Path
) -> NDArray[np.int64]:
    """Write a smaller `tokenizer.json` to `output`; return the old ids of the kept tokens in their new order.

    tokens     training texts as token ids of the tokenizer in `file`
    min_count  the least number of times that a token must occur in them to be kept

    Special tokens are always kept, and so are single characters, both at the start of a word and inside: a word whose
    token was removed is split into shorter pieces. It becomes unknown only if one of its characters has no piece. A
    text of kept tokens is tokenised as before.

    Supports only WordPiece (BERT and similar encoders). Raises `ModelFolderError` for other tokenizers, which build
    pieces from pairs or probabilities: removing one piece would change how other words are split.
    """
    content = json.loads(file.read_text(encoding="utf-8"))
    model = content["model"]
    if model.get("type") != "WordPiece":
        raise ModelFolderError(
            f"The vocabulary of tokenizer {str(file)!r} can be pruned only for WordPiece. Got {model.get('type')}. "
            "Keep the whole vocabulary."
        )
    counts = Counter(int(number) for row in tokens for number in row)
    prefix = model.get("continuing_subword_prefix", "##")
    added = {one["content"]: one["id"] for one in content.get("added_tokens") or ()}  # may be missing in the vocabulary
    special = {*added.values(), model["vocab"].get(model.get("unk_token"))}
    ordered = sorted((added | model["vocab"]).items(), key=lambda entry: entry[1])
    kept = [
        (piece, number)
        for piece, number in ordered
        if number in special or counts[number] >= min_count or len(piece.removeprefix(prefix)) == 1
    ]
    fresh = {number: place for place, (_, number) in enumerate(kept)}
    model["vocab"] = {piece: fresh[number] for piece, number in kept if piece in model["vocab"]}
    for one in content.get("added_tokens") or ():
        one["id"] = fresh[one["id"]]
    if content.get("post_processor"):
        content["post_processor"] = _renumber(content["post_processor"], lambda number: fresh[number])
    if content.get("padding"):
        content["padding"]["pad_id"] = fresh[content["padding"]["pad_id"]]
    write_text(output, json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    return np.array([number for _, number in kept], dtype=np.int64)


def _renumber(part: Any, fresh: Callable[[int], int]) -> Any:
    """Return a post-processor with its token ids changed, in all three forms that may contain them."""
    if isinstance(part, list):
        return [_renumber(one, fresh) for one in part]
    if not isinstance(part, dict):
        return part
    changed = {key: _renumber(value, fresh) for key, value in part.items()}
    for key in ("cls", "sep"):  # BertProcessing, RobertaProcessing: ["[CLS]", 101]
        if isinstance(changed.get(key), list) and len(changed[key]) == 2:
            changed[key] = [changed[key][0], fresh(changed[key][1])]
    if isinstance(changed.get("ids"), list):  # TemplateProcessing: {"ids": [101], "tokens": ["[CLS]"]}
        changed["ids"] = [fresh(number) for number in changed["ids"]]
    return changed
