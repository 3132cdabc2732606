"""One step of each optimiser by hand; the learning rate of each parameter."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from transformers import PreTrainedModel

from insula.core.errors import RecipeError
from insula.models.networks.architectures import architectures
from insula.training.neural.optimisers import DecoupledSGD, group_parameters, optimisers
from insula.training.neural.weight_average import MovingAverage

RATE, DECAY = 0.01, 0.1


def _steps(name: str, decay: float, gradients: list[list[float]], start: list[float]) -> np.ndarray:
    theta = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimiser = optimisers[name]([{"params": [theta], "lr": RATE, "weight_decay": decay}])
    for gradient in gradients:
        theta.grad = torch.tensor(gradient, dtype=torch.float64)
        optimiser.step()
    return theta.detach().numpy()


GRADIENTS = [[0.5, -2.0, 0.1], [1.0, 1.0, -0.3]]
START = [1.0, -3.0, 0.0]


@pytest.mark.parametrize("decay", [0.0, DECAY])
@pytest.mark.parametrize("name", ["adamw", "adam"])
def test_adam_by_hand(name: str, decay: float) -> None:
    theta, first, second = np.array(START), np.zeros(3), np.zeros(3)
    for step, gradient in enumerate(np.array(GRADIENTS), start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        update = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        theta = theta - RATE * update - RATE * decay * theta
    np.testing.assert_allclose(_steps(name, decay, GRADIENTS, START), theta, atol=1e-9)


@pytest.mark.parametrize("decay", [0.0, DECAY])
def test_sgd_by_hand(decay: float) -> None:
    theta, momentum = np.array(START), np.zeros(3)
    for gradient in np.array(GRADIENTS):
        momentum = 0.9 * momentum + gradient
        theta = theta - RATE * (gradient + 0.9 * momentum) - RATE * decay * theta
    np.testing.assert_allclose(_steps("sgd", decay, GRADIENTS, START), theta, atol=1e-12)


def test_plain_sgd_is_the_formula() -> None:
    theta = nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimiser = DecoupledSGD([theta], lr=RATE, weight_decay=DECAY)
    theta.grad = torch.tensor(GRADIENTS[0], dtype=torch.float64)
    optimiser.step()
    wanted = np.array(START) - RATE * np.array(GRADIENTS[0]) - RATE * DECAY * np.array(START)
    np.testing.assert_allclose(theta.detach().numpy(), wanted, atol=1e-12)
    assert optimiser.param_groups[0]["weight_decay"] == DECAY


class _Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(3, 2)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])})
        self.norm = nn.LayerNorm(2)


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = _Layers()
        self.head = nn.Linear(2, 1)


def test_lower_layers_learn_slower() -> None:
    model = _Model()
    model.backbone.embeddings.weight.requires_grad_(False)
    groups = group_parameters(
        model, {"head.weight"}, learning_rate=1.0, weight_decay=0.3, head_rate_factor=10.0, layer_rate_decay=0.5
    )
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    rates = {names[id(one)]: (group["lr"], group["weight_decay"]) for group in groups for one in group["params"]}
    assert "backbone.embeddings.weight" not in rates
    assert [rates[f"backbone.encoder.layer.{n}.weight"][0] for n in range(3)] == [0.25, 0.5, 1.0]
    assert rates["backbone.norm.weight"] == (1.0, 0.0)
    assert rates["head.weight"] == (10.0, 0.3)
    assert rates["head.bias"] == (10.0, 0.0)


def test_the_average_follows_the_weights(tmp_path: object) -> None:
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    average = MovingAverage(model, 0.5)
    wanted, value = 0.0, 0.0
    for step in range(1, 9):
        value = float(step)
        with torch.no_grad():
            model.weight.fill_(value)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * value
    with average.in_place():
        assert model.weight.item() == pytest.approx(wanted, abs=1e-5)
    assert model.weight.item() == value


def test_layers_need_no_backbone_around_them() -> None:
    model = nn.ModuleDict({"blocks": nn.ModuleList([nn.Linear(2, 2) for _ in range(2)]), "head": nn.Linear(2, 1)})
    groups = group_parameters(
        model, (), learning_rate=1.0, weight_decay=0.0, head_rate_factor=1.0, layer_rate_decay=0.5
    )
    rates = {id(one): group["lr"] for group in groups for one in group["params"]}
    blocks = model.get_submodule("blocks")
    assert isinstance(blocks, nn.ModuleList)
    assert [rates[id(block.weight)] for block in blocks] == [0.5, 1.0]


@pytest.mark.parametrize(
    ("architecture", "settings", "wanted"),
    [
        (
            "insula-recurrent",
            {"layers": 3, "states": 4},
            {"embedding": 0.125, "forwards.0": 0.25, "backwards.1": 0.5, "backwards.2": 1.0},
        ),
        ("insula-recurrent", {"layers": 1, "states": 4, "bidirectional": False}, {"embedding": 0.5, "forwards.0": 1.0}),
        (
            "insula-transformer",
            {"layers": 2},
            {"embedding": 0.25, "positions": 0.25, "blocks.0": 0.5, "blocks.1": 1.0, "norm": 1.0},
        ),
    ],
)
def test_layer_decay_works_for_scratch_networks(
    architecture: str, settings: dict[str, object], wanted: dict[str, float]
) -> None:
    network = architectures[architecture]
    model: PreTrainedModel = network(network.config_class(vocabulary=5, width=8, **settings))
    groups = group_parameters(
        model, (), learning_rate=1.0, weight_decay=0.0, head_rate_factor=3.0, layer_rate_decay=0.5
    )
    rates = {id(one): group["lr"] for group in groups for one in group["params"]}
    for module, rate in {**wanted, "head": 3.0}.items():
        assert {rates[id(one)] for one in model.get_submodule(module).parameters()} == {rate}, module


def test_layer_decay_without_numbered_layers_is_rejected() -> None:
    with pytest.raises(RecipeError, match=r"layer_rate_decay option must be 1 .*Got 0\.5\. Leave it out"):
        group_parameters(
            nn.Linear(2, 2), (), learning_rate=1.0, weight_decay=0.0, head_rate_factor=1.0, layer_rate_decay=0.5
        )
