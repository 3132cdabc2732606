"""Applies the `adapter` section of a recipe to a network: insertion, training, merging."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, TrainerCallback

from insula.models.adapter_folder import save_adapter
from insula.models.layers.adapters import Adapter, choose_targets, insert_adapter, merge_adapter
from insula.training.options.adapter import AdapterOptions


class Adaptation:
    """The adapter of a network with a `backbone`, from its insertion to the model folder.

    callbacks     callbacks for the trainer
    adapter_only  whether the model folder holds the adapter without its base
    """

    def __init__(self, model: PreTrainedModel, options: AdapterOptions, *, frozen_layers: int = 0) -> None:
        self.model = model
        self.callbacks: list[TrainerCallback] = []
        self.adapter_only = options.method != "none" and not options.merge
        self._tuner: Any = None
        if options.method == "none":
            return
        adapter = Adapter(
            method=options.method,
            targets=choose_targets(model.backbone, options.method, options.targets, above=frozen_layers),
            rank=options.rank,
            alpha=options.alpha,
            dropout=options.dropout,
            reduction=options.reduction,
        )
        self._tuner = insert_adapter(model.backbone, adapter)
        model.config.adapter = adapter.to_dict()
        if options.method == "adalora":
            from insula.training.neural.adalora import RankReallocation, RankState

            model.rank_state = RankState(self._tuner)
            self.callbacks.append(RankReallocation(self._tuner, model.rank_state))

    def finish(self) -> None:
        """Remove the state that only training needs, and merge the adapter unless `adapter_only`."""
        if hasattr(self.model, "rank_state"):
            del self.model.rank_state
        if self._tuner is not None and not self.adapter_only:
            merge_adapter(self.model, self._tuner)

    def save(self, folder: Path, *, base: str, revision: str | None) -> None:
        """Write the adapter into a model folder, which needs its base to predict."""
        save_adapter(self.model, folder, base=base, revision=revision)


def count_trainable_parameters(model: PreTrainedModel) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
