"""Which checkpoint an interrupted run goes on from."""

from __future__ import annotations

import json
import re
from pathlib import Path

from transformers.trainer import TRAINER_STATE_NAME

from insula.core.files import write_json


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest finished checkpoint under `folder`, None where there is none.

    The trainer writes its state last, and not atomically: a folder without a readable one was cut off and is passed
    over. A state names the best checkpoint by its path; where the run was moved, or is seen from another working
    directory, the path is corrected, since the trainer would forget the best weights without a word.
    """
    numbered = {int(found[1]): entry for entry in folder.glob("checkpoint-*")
                if (found := re.fullmatch(r"checkpoint-(\d+)", entry.name))}  # fmt: skip
    for _, checkpoint in sorted(numbered.items(), reverse=True):
        file = checkpoint / TRAINER_STATE_NAME
        try:
            state = json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            continue
        best = state.get("best_model_checkpoint")
        if best is not None and (folder / Path(best).name).is_dir():
            state["best_model_checkpoint"] = str(folder / Path(best).name)
            write_json(file, state)
        return checkpoint
    return None
