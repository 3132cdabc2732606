"""`Compressor`: makes and measures smaller models from one trained model; what they share is computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insula.compression.compressed_folder import copy_common_files
from insula.compression.compression_data import CompressionData
from insula.compression.parity import ParityLimits, measure_batch_invariance, measure_parity
from insula.compression.quantization.activations import sample_activations
from insula.compression.quantization.graph import Graph
from insula.compression.quantization.plan import CompressionPlan
from insula.compression.quantization.sensitivity import measure_sensitivities
from insula.compression.quantization.static_int8 import WEIGHT_BITS, ActivationScale, choose_scales, quantize_matmuls
from insula.compression.quantization.tables import quantize_tables
from insula.compression.quantization.weight_only import pack_products, store_products
from insula.compression.refit_decision import refit_decision
from insula.core.decision import DecisionRule, Decisions
from insula.core.errors import ModelFolderError
from insula.inference.backends import get_backend_entry
from insula.inference.onnx_backend import OnnxBackend
from insula.inference.parity import PARITY, check_export
from insula.models.folder import ModelFolder
from insula.models.provenance import read_recorded_section
from insula.models.tokens.prune_vocabulary import prune_vocabulary
from insula.models.tokens.tokenization import TOKENIZER
from insula.training.options.sections import DecisionOptions

CALIBRATION_TEXTS = 600
SENSITIVITY_TEXTS = 96


@dataclass(frozen=True)
class Candidate:
    """A compressed model with its measurements.

    decision    its decision rule, chosen again on validation rows
    decided     the decisions for these rows
    parity      agreement and loss, see `compression.parity.measure_parity`
    invariance  see `compression.parity.measure_batch_invariance`
    steps       the steps of compression, as in `compression.json`
    """

    decision: DecisionRule
    decided: Decisions
    parity: dict[str, Any]
    invariance: dict[str, Any]
    steps: dict[str, Any]


class Compressor:
    """Compresses a model folder that has a `model.onnx` in float32.

    Raises `ModelFolderError` if it has none, if its backend does not run it, or if it is compressed already;
    `ParityError` if the file was never compared with the trained weights and differs from them.
    """

    def __init__(self, source: ModelFolder, rows: CompressionData, *, seed: int = 0) -> None:
        file = source.path / "model.onnx"
        if not file.exists():
            raise ModelFolderError(
                f"The model folder {str(source.path)!r} has no model.onnx to compress: it has family "
                f"{source.family!r} and backend {source.backend!r}. Choose a neural model that is stored with its base."
            )
        entry = get_backend_entry(source.backend)
        entry.require_can("quantize", source)
        if not entry.runs_graph:
            raise ModelFolderError(
                f"The model {str(source.path)!r} cannot be quantised: its backend {source.backend!r} does not use "
                "model.onnx. Choose a model with the backend 'onnx'."
            )
        self.source, self.rows, self.seed = source, rows, seed
        self.graph = Graph.load(file)
        if not self.graph.find_products() and not self.graph.find_tables():
            raise ModelFolderError(
                f"The model.onnx of {str(source.path)!r} has no float32 matrices, because it is compressed already. "
                "Use the model that it was made from."
            )
        self.options = read_recorded_section(
            source.path, "decision", DecisionOptions, tells="how its thresholds were chosen"
        )
        if not (source.path / PARITY).exists() and (source.path / "model.safetensors").exists():
            # Older folders have no such file, because training did not compare the two.
            check_export(source.path, source.scheme, rows.texts, seed=seed)
        self._backend = OnnxBackend(source.path)

    @cached_property
    def before(self) -> Decisions:
        """The decisions of the source model for the validation rows."""
        return self.source.decision.decide(self.source.scheme, self._backend.logits(self.rows.texts))

    @cached_property
    def calibration_tokens(self) -> list[NDArray[np.int64]]:
        """Training texts as token ids, from which activations are sampled."""
        return self._backend.tokenizer(self.rows.sample_train(CALIBRATION_TEXTS, seed=self.seed))

    @cached_property
    def scales(self) -> dict[str, ActivationScale]:
        """The static scale of every activation."""
        return choose_scales(self.graph, self.samples)

    @cached_property
    def samples(self) -> dict[str, NDArray[np.float32]]:
        """Sampled input vectors of the products, by activation."""
        return sample_activations(self.graph, self.calibration_tokens, seed=self.seed)

    @cached_property
    def activations_by_sensitivity(self) -> list[str]:
        """All activations, the most sensitive to INT8 first."""
        tokens = self.calibration_tokens[:SENSITIVITY_TEXTS]
        return list(measure_sensitivities(self.graph, self.scales, tokens, self.source.scheme.output_count))

    def find_most_sensitive(self, count: int) -> list[str]:
        """Return the products of the `count` most sensitive activations."""
        first = set(self.activations_by_sensitivity[:count]) if count else set()
        return [product.name for product in self.graph.find_products() if product.activation in first]

    def keep_applicable(self, plan: CompressionPlan) -> CompressionPlan:
        """Return the steps of a plan that apply to this model; convolutions and recurrent layers have no products.

        Raises `ModelFolderError` if no step applies.
        """
        if plan.is_identity or self.graph.find_products():
            return plan
        remaining = plan.without_matmuls()
        if remaining.is_identity:
            raise ModelFolderError(
                f"The weights {plan.weights!r} need a model with matrix products. Got {str(self.source.path)!r} "
                f"of family {self.source.family!r}, of which only the embedding table can be compressed. "
                "Use --tables 8 or --tables 4."
            )
        return remaining

    def apply_plan(self, plan: CompressionPlan, stage: Path) -> tuple[Graph, dict[str, Any]]:
        """Return the compressed graph and the steps; a pruned vocabulary is written into `stage`."""
        graph, names = self.graph.copy(), list[str]()
        keep = self.find_most_sensitive(plan.float_activations)
        done: dict[str, Any] = plan.to_dict()
        if plan.least_tokens:
            done["vocabulary"] = self._prune(graph, plan.least_tokens, stage)
        if plan.tables != 32:
            quantize_tables(graph, plan.tables)
        if plan.weights == "int8":
            names = quantize_matmuls(graph, self.scales, samples=self.samples, keep=keep)
            store_products(graph, samples=self.samples)  # the products in `keep`
            done |= {
                "activations": "uint8, one static scale each",
                "weight_bits": WEIGHT_BITS,
                "calibration_texts": len(self.calibration_tokens),
            }
        elif plan.weights != "float32":
            names = pack_products(graph, 8 if plan.weights == "8bit" else 4, block=plan.block, samples=self.samples)
        done |= {"products": len(names), "float_products": sorted(keep), "right_on": "every processor"}
        return graph, done

    def _prune(self, graph: Graph, least: int, stage: Path) -> dict[str, int]:
        table = next((one.weight for one in graph.find_tables() if one.numbers == "input_ids"), None)
        if table is None or graph.count_users(table) > 1:
            raise ModelFolderError(
                f"The vocabulary of {str(self.source.path)!r} cannot be pruned, because its model.onnx has no separate "
                "embedding table. Compress only its weights."
            )
        kept = prune_vocabulary(
            self.source.path / TOKENIZER, self.train_tokens, min_count=least, output=stage / TOKENIZER
        )
        before = graph.read_constant(table)
        graph.add_constant(table, before[kept])
        return {"before": len(before), "after": len(kept)}

    @cached_property
    def train_tokens(self) -> list[NDArray[np.int64]]:
        """All training texts as token ids."""
        return self._backend.tokenizer(self.rows.train)

    def make(self, plan: CompressionPlan, stage: Path, limits: ParityLimits) -> Candidate:
        """Write the compressed model into `stage`, choose its decision rule again, and measure it.

        The rule itself is not written.
        """
        copy_common_files(self.source, stage)
        graph, steps = self.apply_plan(plan, stage)
        graph.save(stage / "model.onnx")
        backend, scheme = OnnxBackend(stage), self.source.scheme
        logits = backend.logits(self.rows.texts)
        decision = refit_decision(
            scheme,
            logits,
            self.rows.gold,
            self.options,
            seed=self.seed,
            rule=self.source.decision,
            before=self.before,
            faithful=limits.agreement is not None,
        )
        decided = decision.decide(scheme, logits)
        parity = measure_parity(scheme, self.rows.gold, self.before, decided, seed=self.seed)
        invariance = measure_batch_invariance(
            backend, scheme, decision, self.rows.texts, limits.batch_difference, seed=self.seed
        )
        return Candidate(decision, decided, parity, invariance, steps)
