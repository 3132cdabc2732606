"""Atomic checkpoints: staged, synced, marked complete, then renamed."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from transformers import Trainer
from transformers.trainer import TRAINER_STATE_NAME, TRAINING_ARGS_NAME
from transformers.trainer_utils import rotate_checkpoints

from insula.core.files import write_json

COMPLETE = "complete.json"
CLOCK = "clock.json"
_STAGE = "unfinished"


class AtomicCheckpoints(Trainer):
    """A trainer whose checkpoints are complete or absent, even if the process is killed.

    A checkpoint is written to a staging folder, synced to disk and gets a list of its files with their sizes; only then
    is the folder renamed. Nothing in it is unpickled: tensors are read with `weights_only`.
    """

    _staging: Path | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.began, self.seconds_before = time.monotonic(), 0.0

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._staging) if self._staging is not None else super()._get_output_dir(trial)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self.args.output_dir)
        stage = folder / _STAGE
        if self.args.should_save:
            shutil.rmtree(stage, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        self._staging = stage
        try:
            super()._save_checkpoint(model, trial)
        finally:
            self._staging = None
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            made = stage / f"checkpoint-{self.state.global_step}"
            self.add_to_checkpoint(made)
            _mark_complete(made, folder / made.name)
            shutil.rmtree(stage, ignore_errors=True)
        best = self.state.best_model_checkpoint
        if best is not None:  # recorded with the path of the staging folder
            self.state.best_model_checkpoint = str(folder / Path(best).name)
        if self.args.should_save:
            rotate_checkpoints(str(folder), self.args.save_total_limit, self.state.best_model_checkpoint)
        self.accelerator.wait_for_everyone()

    def add_to_checkpoint(self, folder: Path) -> None:
        """Write the elapsed time and other state of a resumed run, before the checkpoint is complete."""
        write_json(folder / CLOCK, {"seconds": self.seconds_before + time.monotonic() - self.began})

    def restore_from(self, checkpoint: Path) -> None:
        """Restore the state that `add_to_checkpoint` wrote."""
        if (checkpoint / CLOCK).exists():
            self.seconds_before = float(json.loads((checkpoint / CLOCK).read_text(encoding="utf-8"))["seconds"])

    def _run_epoch(self, **kwargs: Any) -> None:
        # A resumed run may have finished its last step already.
        if self.state.global_step < self.state.max_steps and not self.control.should_training_stop:
            super()._run_epoch(**kwargs)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        super()._save(output_dir, state_dict)
        # A pickle that insula does not read.
        (Path(output_dir or self.args.output_dir) / TRAINING_ARGS_NAME).unlink(missing_ok=True)


def find_last_checkpoint(folder: Path) -> Path | None:
    """Return the newest complete checkpoint under `folder`, None if there is none.

    The state of the trainer contains the path of the best checkpoint. If the run was moved or the working directory
    differs, the path is corrected; otherwise the trainer would silently ignore the best weights.
    """
    numbered = {int(found[1]): entry for entry in folder.glob("checkpoint-*")
                if (found := re.fullmatch(r"checkpoint-(\d+)", entry.name))}  # fmt: skip
    for _, checkpoint in sorted(numbered.items(), reverse=True):
        if not _is_complete(checkpoint):
            continue
        file = checkpoint / TRAINER_STATE_NAME
        state = json.loads(file.read_text(encoding="utf-8"))
        best = state.get("best_model_checkpoint")
        if best is not None and best != str(folder / Path(best).name):
            state["best_model_checkpoint"] = str(folder / Path(best).name)
            write_json(file, state)
        return checkpoint
    return None


def _mark_complete(made: Path, final: Path) -> None:
    """Sync the staged folder, mark it complete and rename it."""
    files = [file for file in made.iterdir() if file.is_file()]
    for file in files:
        _flush_to_disk(file)
    write_json(made / COMPLETE, {file.name: file.stat().st_size for file in files})
    _flush_to_disk(made)
    # An incomplete checkpoint of the same name may exist.
    shutil.rmtree(final, ignore_errors=True)
    os.replace(made, final)
    _flush_to_disk(final.parent)


def _is_complete(checkpoint: Path) -> bool:
    try:
        sizes = json.loads((checkpoint / COMPLETE).read_text(encoding="utf-8"))
        # `find_last_checkpoint` may have corrected the state, atomically, so its size is not compared.
        sizes[TRAINER_STATE_NAME] = (checkpoint / TRAINER_STATE_NAME).stat().st_size
        return all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (FileNotFoundError, ValueError):
        return False


def _flush_to_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
