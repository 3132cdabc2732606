"""Fine-tuning: optimiser groups, frozen layers, early stopping, seeds, errors."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from training_terms import loss_terms_of
from transformers import TrainerControl, TrainerState, TrainingArguments

import toy_data
from insula.core.errors import DataError, RecipeError
from insula.core.scheme import Kind
from insula.core.targets import build_gold_matrix, collect_weights
from insula.data.dataset import Dataset
from insula.models.networks.encoder import EncoderForEmotion
from insula.models.tokens.tokenization import TextTokenizer
from insula.training.fitters import encoder as fit_encoder
from insula.training.fitting import PreparedRows, Rows, RunContext
from insula.training.neural import train_network as neural
from insula.training.neural.batches import TokenRows, collate
from insula.training.neural.layer_cache import compute_lower_states
from insula.training.neural.trainer import EarlyStopping, EmotionTrainer, read_history
from insula.training.neural.validation import compute_validation_score
from insula.training.objectives.objective import Objective
from insula.training.objectives.registry import choose_objective
from insula.training.options.objective import ObjectiveOptions
from insula.training.options.sections import TrainOptions
from insula.training.plan import plan_training
from insula.training.recipe.recipe import load_recipe

RecipeOf = Callable[..., dict[str, Any]]
DataOf = Callable[..., Dataset]


@pytest.fixture
def fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_recipe: RecipeOf, toy_dataset: DataOf) -> Any:
    """Fit an encoder on toy data; returns its weights, the `Fitted`, and the trainer."""
    trainers: list[EmotionTrainer] = []

    class Watched(EmotionTrainer):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            trainers.append(self)

    monkeypatch.setattr(neural, "EmotionTrainer", Watched)

    def run(
        overrides: dict[str, Any] | None = None,
        *,
        kind: Kind = "single",
        seed: int = 0,
        validation: int = 30,
        encoder: dict[str, Any] | None = None,
        name: str = "run",
    ) -> tuple[dict[str, torch.Tensor], Any, EmotionTrainer]:
        data = toy_dataset(kind, train=64, validation=validation, test=0)
        recipe = load_recipe(tiny_recipe("encoder", {"train.epochs": 1, **(overrides or {})}, **(encoder or {})))
        rows = {
            split: Rows([e.text for e in examples], build_gold_matrix(data.scheme, examples), collect_weights(examples))
            for split, examples in data.splits.items()
        }
        plan = plan_training(data, recipe, None)
        prepared = PreparedRows(rows["train"], rows.get("validation"))
        fitted = fit_encoder.fit(plan, prepared, RunContext(tmp_path / name, seed=seed))
        model = trainers[-1].model
        assert isinstance(model, EncoderForEmotion)
        return {key: value.clone() for key, value in model.state_dict().items()}, fitted, trainers[-1]

    return run


def _objective(kind: Kind) -> Objective:
    return choose_objective(ObjectiveOptions(), toy_data.SCHEMES[kind])


def _same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_the_optimiser_s_groups(fit: Any) -> None:
    _, _, trainer = fit({"train.weight_decay": 0.05, "train.learning_rate": 1e-3, "train.head_rate_factor": 10.0})
    model = trainer.model
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = {(group["initial_lr"], group["weight_decay"]): group["params"] for group in trainer.optimizer.param_groups}
    assert set(groups) == {(1e-3, 0.05), (1e-3, 0.0), (1e-2, 0.05), (1e-2, 0.0)}
    for (rate, decay), parameters in groups.items():
        for parameter in parameters:
            name = names.pop(id(parameter))
            assert (rate == 1e-2) == name.startswith("head."), name
            assert (decay == 0) == (name.endswith("bias") or "LayerNorm" in name), name
    assert not names  # each parameter is in one group


def test_frozen_layers_are_not_optimised_and_do_not_change(fit: Any, encoder_folder: Callable[..., Path]) -> None:
    trained, _, trainer = fit({"train.freeze_layers": 2}, encoder={"layers": 3})
    encoder = EncoderForEmotion.from_backbone(encoder_folder(layers=3), outputs=3, pooling="mean", dropout=0.0)
    base = encoder.state_dict()
    frozen = {name for name in trained if ".embeddings." in name or ".layer.0." in name or ".layer.1." in name}
    learning = {id(p) for group in trainer.optimizer.param_groups for p in group["params"]}
    for name, parameter in trainer.model.named_parameters():
        assert (id(parameter) in learning) == (name not in frozen), name
    for name in trained:
        # A key's bias shifts all of a row's scores alike, so that its gradient is zero.
        assert torch.equal(trained[name], base[name]) == (name in frozen) or name.endswith("key.bias"), name


def test_one_seed_gives_one_model(fit: Any) -> None:
    first, _, _ = fit(seed=5, name="a")
    torch.rand(7)  # whatever was drawn before
    np.random.rand(7)
    again, _, _ = fit(seed=5, name="b")
    other, _, _ = fit(seed=6, name="c")
    assert _same(first, again)
    assert not _same(first, other)


def test_training_stops_early_without_progress(fit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = (0.5 / number for number in itertools.count(1))
    monkeypatch.setattr(neural, "compute_validation_score", lambda *_: ("macro_f1", next(scores)))
    _, fitted, trainer = fit({"train.epochs": 50, "train.evaluations_per_epoch": 1, "train.patience": 3})
    # 4 steps per epoch; the first evaluation is the best, and three more bring no progress.
    assert trainer.state.global_step == 16
    assert trainer.state.max_steps == 200
    assert max(row["step"] for row in fitted.history) == 16


def test_the_best_step_s_weights_are_kept(fit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter((0.1, 0.9, 0.2, 0.3))
    monkeypatch.setattr(neural, "compute_validation_score", lambda *_: ("macro_f1", next(scores)))
    kept, _, trainer = fit({"train.epochs": 4, "train.evaluations_per_epoch": 1})
    assert trainer.state.best_global_step == 8
    from safetensors.torch import load_file

    best = load_file(Path(trainer.args.output_dir) / "checkpoint-8" / "model.safetensors")
    assert _same(kept, best)


def test_without_validation_the_last_weights_are_kept(fit: Any) -> None:
    _, fitted, trainer = fit(validation=0)
    assert trainer.state.global_step == 4
    assert not any("validation_loss" in row for row in fitted.history)


def test_logs_for_tensorboard_are_written(fit: Any, tmp_path: Path) -> None:
    fit()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert list((tmp_path / "run" / "logs").glob("events.out.tfevents.*"))
    events = EventAccumulator(str(tmp_path / "run" / "logs")).Reload()
    assert {"train/loss", "eval/macro_f1", "train/learning_rate"} <= set(events.Tags()["scalars"])


def test_the_history_has_figures_by_step(fit: Any) -> None:
    _, fitted, _ = fit({"train.epochs": 2})
    steps = [row["step"] for row in fitted.history]
    assert steps == sorted(steps)
    assert {name for row in fitted.history for name in row} == {
        "step", "epoch", "loss", "learning_rate", "validation_loss", "validation_macro_f1",
    }  # fmt: skip
    assert read_history([{"step": 1, "epoch": 1.0, "train_runtime": 3.0}], 1.0) == []


@pytest.mark.parametrize("kind", ["single", "multi"])
def test_training_and_validation_losses_have_one_scale(fit: Any, kind: Kind) -> None:
    _, fitted, trainer = fit({"train.precision": "float32"}, kind=kind)
    logged = [row["validation_loss"] for row in fitted.history if "validation_loss" in row]
    found = trainer.predict(trainer.eval_dataset)
    losses = _objective(kind).loss(torch.tensor(found.predictions), torch.tensor(found.label_ids))
    assert trainer.evaluate()["eval_loss"] == pytest.approx(float(losses.mean()), rel=1e-5)  # a mean over rows
    assert logged[-1] == pytest.approx(float(losses.mean()), rel=1e-5)


def test_patience_waits_while_the_loss_falls() -> None:
    def stops_after(losses: list[float], scores: list[float]) -> int | None:
        stop, state, control = EarlyStopping(2), TrainerState(), TrainerControl()
        arguments = SimpleNamespace(metric_for_best_model="eval_macro_f1")
        for step, (loss, score) in enumerate(zip(losses, scores, strict=True), 1):
            measured = {"eval_loss": loss, "eval_macro_f1": score}
            state.log_history.append(measured)
            stop.on_evaluate(arguments, state, control)  # type: ignore[arg-type]
            if control.should_training_stop:
                return step
        return None

    assert stops_after([1.0, 0.9, 0.8, 0.7, 0.6], [0.2] * 5) is None
    assert stops_after([1.0, 1.0, 1.0, 0.9], [0.2] * 4) == 3
    assert stops_after([1.0, 0.9, 0.8, 0.7], [0.3, 0.2, 0.2, 0.2]) == 3  # a worse score is worse, whatever the loss


def test_the_untrained_network_is_a_baseline(fit: Any) -> None:
    _, fitted, _ = fit()
    texts = ["lovely", "awful " * 5, ""]
    first = fitted.untrained(texts)
    assert first.shape == (3, 3)
    np.testing.assert_array_equal(first, fitted.untrained(texts))
    assert np.ptp(first, axis=0).max() > 1e-4  # it depends on the text


def test_unsupported_encoder_options_are_rejected_early(fit: Any) -> None:
    with pytest.raises(RecipeError, match=r"model\.max_tokens.*at most 64.*Got 65"):
        fit({"model.max_tokens": 65})
    with pytest.raises(RecipeError, match=r"freeze_layers option must be from 1 to 1"):
        fit({"train.freeze_layers": 2})
    with pytest.raises(RecipeError, match="'squared' is for dimensional"):
        fit({"objective.name": "squared"})


def test_divergence_is_a_clear_error(fit: Any) -> None:
    nan = dataclasses.replace(_objective("single"), loss=lambda z, y: z.sum(dim=1) * float("nan"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_encoder, "choose_objective", lambda *_: nan)
        with pytest.raises(RecipeError, match=r"diverged.*learning_rate"):
            fit()


def test_a_base_without_tokenizer_is_a_clear_error(
    tmp_path: Path, encoder_folder: Callable[..., Path], fit: Any
) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).symlink_to(encoder_folder() / name)
    with pytest.raises(DataError, match="cannot be loaded: it has no tokenizer"):
        fit({"model.base": str(tmp_path)})


def test_a_tokenizer_of_another_encoder_is_rejected(
    tmp_path: Path, encoder_folder: Callable[..., Path], fit: Any
) -> None:
    for file in encoder_folder().iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = content["model"]["vocab"]
    vocabulary |= {f"extra{i}": len(vocabulary) + i for i in range(3)}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=r"its tokenizer has \d+ tokens, its weights have"):
        fit({"model.base": str(tmp_path)})


class _Constant(nn.Module):
    """Returns fixed logits for each row."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        return type("Output", (), {"logits": self.logits})


def test_the_loss_is_the_weighted_mean(tmp_path: Path) -> None:
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]])
    rows = TokenRows([np.array([1]), np.array([1, 2]), np.array([3])], np.eye(2)[[0, 1, 0]], np.array([1.0, 0.0, 3.0]))
    trainer = EmotionTrainer(
        model=_Constant(logits), args=TrainingArguments(str(tmp_path), report_to=[]), train_dataset=rows,
        terms=loss_terms_of(toy_data.SCHEMES["single"]), options=TrainOptions(),
    )  # fmt: skip
    loss = trainer.compute_loss(trainer.model, collate([rows[i] for i in range(3)]))
    each = -logits.log_softmax(1)[torch.arange(3), [0, 1, 0]]
    assert loss.item() == pytest.approx(float((each[0] + 3 * each[2]) / 4), abs=1e-6)


def test_cached_states_are_the_lower_layers(encoder_folder: Callable[..., Path], tmp_path: Path, recorder: Any) -> None:
    from insula.models.networks.layer_split import freeze_lower

    folder = encoder_folder(layers=3)
    model = EncoderForEmotion.from_backbone(folder, outputs=2, pooling="mean", dropout=0.0).eval()
    model.head.randomise(0)
    tokens = TextTokenizer(folder / "tokenizer.json", max_tokens=32)(["lovely", "", "awful day again " * 4])
    rows = TokenRows(tokens, np.zeros((3, 2)), np.ones(3))
    with torch.inference_mode():
        batch = collate([rows[i] for i in range(3)])
        whole = model(batch["input_ids"], batch["attention_mask"]).logits
        lower = freeze_lower(model, 2)
        rows.states = compute_lower_states(lower, tokens, 32, tmp_path / "cache" / "states", recorder)
        cached = collate([rows[i] for i in range(3)])
        assert set(cached) == {"lower_states", "attention_mask", "labels", "weights"}
        split = model(lower_states=cached["lower_states"], attention_mask=cached["attention_mask"]).logits
    torch.testing.assert_close(split, whole, atol=2e-3, rtol=0)  # the cache is float16
    assert recorder.steps == [3]


def test_the_validation_score(toy_dataset: DataOf) -> None:
    from insula.core.decision import DecisionRule

    data = toy_dataset("multi", train=30, validation=0, test=0)
    gold = build_gold_matrix(data.scheme, data.split("train"))
    # At 0.5 nothing would be chosen; each label's own best threshold finds all of them.
    assert compute_validation_score(data.scheme, DecisionRule(), gold * 2 - 5, gold) == ("macro_f1", 1.0)
    numbers = toy_dataset("dimensional", train=30, validation=0, test=0)
    gold = build_gold_matrix(numbers.scheme, numbers.split("train"))
    assert compute_validation_score(numbers.scheme, DecisionRule(), gold, gold) == ("pearson", pytest.approx(1.0))
    assert compute_validation_score(numbers.scheme, DecisionRule(), gold * 0, gold) == ("pearson", 0.0)
    with pytest.raises(RecipeError, match="diverged"):
        compute_validation_score(numbers.scheme, DecisionRule(), gold * np.nan, gold)
