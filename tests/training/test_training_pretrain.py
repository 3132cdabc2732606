"""Continued pretraining: masking, learning, resuming."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForMaskedLM
from typer.testing import CliRunner

import toy_data
from insula.api.pretraining import pretrain, resume_pretraining
from insula.cli.app import app
from insula.core.errors import DataError, MissingFileError, OutputError, RecipeError
from insula.data.formats.formats import DETECTED, ReadOptions
from insula.models.networks.encoder import EncoderForEmotion
from insula.training.neural.checkpoints import find_last_checkpoint
from insula.training.pretraining.corpus import read_corpus
from insula.training.pretraining.inputs import get_work_folder, read_interrupted
from insula.training.pretraining.masking import HELD_OUT_EPOCH, IGNORED, MaskedRows, Masking, NumberedBatches
from insula.training.pretraining.model import compute_masked_loss, open_for_pretraining
from insula.training.pretraining.trainer import PretrainTrainer
from interrupt import Interrupt

EPOCHS = 4
SETTINGS: dict[str, Any] = {"epochs": EPOCHS, "batch_size": 16, "learning_rate": 5e-3, "max_tokens": 32}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts in which a word predicts its neighbour, so that there is something to learn."""
    rng = np.random.default_rng(0)
    pairs = np.array(toy_data.FILLERS[:40]).reshape(20, 2)
    lines = [" ".join(pairs[rng.permutation(20)[: rng.integers(3, 7)]].ravel()) for _ in range(300)]
    file = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, corpus: Path, encoder_folder: Callable[..., Path]) -> Any:
    """An uninterrupted pretraining."""
    folder = tmp_path_factory.mktemp("encoders") / "mine"
    return pretrain(corpus, folder, model=encoder_folder(dropout=0.1), **SETTINGS)


@pytest.fixture
def masking() -> Masking:
    """Numbers below 5 are special; 4 is the mask."""
    return Masking(share=0.15, mask=4, ordinary=np.arange(5, 1000), special=np.arange(5))


def test_masks_follow_the_paper(masking: Masking) -> None:
    rng = np.random.default_rng(0)
    tokens = [np.concatenate([[2], rng.integers(5, 1000, size=30), [3]]) for _ in range(1000)]
    rows = MaskedRows(tokens, masking, seed=0)
    hidden = np.concatenate([rows[row]["input"] for row in range(len(rows))])
    wanted = np.concatenate([rows[row]["labels"] for row in range(len(rows))])
    original = np.concatenate(tokens)
    chosen = wanted != IGNORED
    assert (wanted[chosen] == original[chosen]).all()
    assert (hidden[~chosen] == original[~chosen]).all()
    assert not chosen[np.isin(original, (2, 3))].any()
    assert chosen.sum() / 30_000 == pytest.approx(0.15, abs=0.004)
    masked, kept = hidden[chosen] == 4, hidden[chosen] == original[chosen]
    assert masked.mean() == pytest.approx(0.8, abs=0.02)
    assert kept.mean() == pytest.approx(0.1, abs=0.015)
    swapped = hidden[chosen][~masked & ~kept]
    assert (swapped >= 5).all()
    assert len(np.unique(swapped)) > 300


def test_a_mask_is_a_function_of_seed_epoch_and_row(masking: Masking) -> None:
    tokens = [np.arange(5, 60)] * 4
    one, same, other = (MaskedRows(tokens, masking, seed=seed) for seed in (0, 0, 1))
    for number in (0, 3, 9, HELD_OUT_EPOCH * 4 + 1):
        np.testing.assert_array_equal(one[number]["input"], same[number]["input"])
        assert (one[number]["input"] != other[number]["input"]).any()
    assert (one[1]["input"] != one[1 + 4]["input"]).any()  # the next epoch
    assert (one[1]["input"] != one[2]["input"]).any()  # the same text in another row
    batches = NumberedBatches([55] * 4, 2, seed=0)
    batches.set_epoch(3)
    assert sorted(number for batch in batches for number in batch) == [12, 13, 14, 15]


def test_short_rows_mask_one_token_and_empty_ones_none(masking: Masking) -> None:
    random = np.random.default_rng(0)
    _, wanted = masking.hide(np.array([2, 7, 3]), random)
    assert wanted.tolist() == [IGNORED, 7, IGNORED]
    hidden, wanted = masking.hide(np.array([2, 3]), random)
    assert (hidden.tolist(), (wanted == IGNORED).all()) == ([2, 3], True)


def test_pretraining_lowers_the_perplexity(pretrained: Any) -> None:
    before, after = pretrained.facts["perplexity"]["before"], pretrained.facts["perplexity"]["after"]
    assert after < before / 2
    assert json.loads((pretrained.path / "pretrain.json").read_text(encoding="utf-8")) == pretrained.facts
    assert pretrained.facts["fresh_head"] is True
    assert pretrained.facts["corpus"]["train"] + pretrained.facts["corpus"]["held_out"] <= 300
    assert [row for row in pretrained.facts["history"] if "validation_loss" in row]
    assert not get_work_folder(pretrained.path).exists()


def test_the_result_is_an_ordinary_encoder(pretrained: Any, corpus: Path, tmp_path: Path) -> None:
    whole = AutoModelForMaskedLM.from_pretrained(pretrained.path, trust_remote_code=False)
    bare = AutoModel.from_pretrained(pretrained.path, trust_remote_code=False, add_pooling_layer=False)
    for name, tensor in bare.state_dict().items():
        torch.testing.assert_close(tensor, whole.bert.state_dict()[name])
    ours = EncoderForEmotion.from_backbone(pretrained.path, outputs=3, pooling="mean", dropout=0.0)
    weights = ours.backbone.state_dict()
    torch.testing.assert_close(weights["embeddings.word_embeddings.weight"], bare.embeddings.word_embeddings.weight)
    # ... with its head, so that pretraining can be continued.
    again = pretrain(corpus, tmp_path / "again", model=pretrained.path, **SETTINGS | {"epochs": 1})
    assert again.facts["fresh_head"] is False
    assert again.facts["perplexity"]["before"] == pytest.approx(pretrained.facts["perplexity"]["after"], rel=1e-4)


def test_only_masked_tokens_pass_through_the_head(pretrained: Any) -> None:
    model, tokenizer, fresh = open_for_pretraining(pretrained.path)
    assert not fresh
    model.eval()
    ids = torch.tensor([[2, 30, 4, 40, 3], [2, 4, 3, 0, 0]])
    labels = torch.tensor([[IGNORED, IGNORED, 35, IGNORED, IGNORED], [IGNORED, 36, IGNORED, IGNORED, IGNORED]])
    batch = {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": labels}
    loss, count = compute_masked_loss(model, batch)
    expected = model(input_ids=ids, attention_mask=batch["attention_mask"], labels=labels).loss
    assert count == 2
    torch.testing.assert_close(loss / count, expected)
    assert tokenizer.mask_token_id == 4


# In the middle of a later epoch, and before there is any checkpoint.
@pytest.mark.parametrize("after", [50, 3])
def test_an_interrupted_pretraining_ends_with_the_same_weights(
    tmp_path: Path, corpus: Path, encoder_folder: Callable[..., Path], pretrained: Any, after: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    folder, keep = tmp_path / "mine", PretrainTrainer.add_to_checkpoint

    def slow(trainer: PretrainTrainer, checkpoint: Path) -> None:
        trainer.began -= 1000
        keep(trainer, checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(PretrainTrainer, "add_to_checkpoint", slow)
        with pytest.raises(KeyboardInterrupt, match="insula pretrain --resume"):
            pretrain(corpus, folder, model=encoder_folder(dropout=0.1), progress=Interrupt(after), **SETTINGS)
    assert not folder.exists()
    assert (find_last_checkpoint(get_work_folder(folder) / "checkpoints") is None) == (after == 3)
    run = resume_pretraining(folder)
    assert (run.facts["seconds"] > 1000) == (after != 3)  # those of all its parts
    expected = load_file(pretrained.path / "model.safetensors")
    for name, tensor in load_file(folder / "model.safetensors").items():
        torch.testing.assert_close(tensor, expected[name], atol=1e-6, rtol=0)
    assert run.facts["perplexity"] == pretrained.facts["perplexity"]
    assert not get_work_folder(folder).exists()


def test_an_early_interruption_gives_no_resume_hint(
    tmp_path: Path, corpus: Path, encoder_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("insula.training.pretraining.pretrain.read_corpus", stop)
    with pytest.raises(KeyboardInterrupt) as stopped:
        pretrain(corpus, tmp_path / "mine", model=encoder_folder(), **SETTINGS)
    assert str(stopped.value) == ""


def test_changed_texts_and_damaged_state_are_rejected(
    tmp_path: Path, corpus: Path, encoder_folder: Callable[..., Path]
) -> None:
    file, folder = tmp_path / "corpus.txt", tmp_path / "mine"
    file.write_text(corpus.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        pretrain(file, folder, model=encoder_folder(), progress=Interrupt(2), **SETTINGS)
    file.write_text(corpus.read_text(encoding="utf-8") + "one more line of other words\n", encoding="utf-8")
    with pytest.raises(DataError, match="have changed since it started"):
        resume_pretraining(folder)
    (get_work_folder(folder) / "pretrain.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="is damaged"):
        resume_pretraining(folder)
    with pytest.raises(MissingFileError):
        resume_pretraining(tmp_path / "nothing")


def test_texts_near_an_evaluation_set_are_not_trained_on(tmp_path: Path) -> None:
    texts = [
        "we waited for two hours on the telephone and nobody ever called back",
        "We waited for two hours on the telephone and nobody ever called back!!",
        "the room was clean and the people at the desk were friendly to us all",
        "a third text of which there is no other like it in this small corpus",
        "and a fourth one that differs from all of the three before it",
        "...",
    ]
    (tmp_path / "texts.csv").write_text("message\n" + "".join(f'"{text}"\n' for text in texts), encoding="utf-8")
    (tmp_path / "test.txt").write_text(
        "@someone The room was clean, and the people at the desk were friendly to us all http://x.y\n", encoding="utf-8"
    )
    (tmp_path / "other.csv").write_text('id,text\n1,"another text that is in no other file"\n', encoding="utf-8")
    barred = [tmp_path / "test.txt", tmp_path / "other.csv"]
    corpus = read_corpus([tmp_path / "texts.csv"], barred, text="message", held_out=0.3)
    assert sorted([*corpus.train, *corpus.held_out]) == sorted([texts[0], texts[3], texts[4]])
    assert (corpus.read, corpus.excluded, corpus.repeated, len(corpus.held_out)) == (6, 1, 2, 1)
    with pytest.raises(DataError, match=r"at least 2 different texts\. Got 0"):
        read_corpus([tmp_path / "test.txt"], [tmp_path / "test.txt"])


def test_a_corpus_is_read_as_stated(tmp_path: Path) -> None:
    """Without a header the first line is a question, which `pretrain` had no way to answer."""
    texts = ["3;nobody ever called us back", "3;the room was clean", "3;a third text of its own", "3;and a fourth"]
    (tmp_path / "texts.csv").write_text("\n".join(texts), encoding="utf-8")
    with pytest.raises(DataError, match="looks like data"):
        read_corpus([tmp_path / "texts.csv"])
    reading = ReadOptions(separator=";", header=False)
    corpus = read_corpus([tmp_path / "texts.csv"], text="2", reading=reading)
    assert sorted([*corpus.train, *corpus.held_out]) == sorted(text[2:] for text in texts)


def test_a_resumed_pretraining_reads_alike(tmp_path: Path) -> None:
    work = tmp_path / "encoder.unfinished"
    work.mkdir()
    state = {"files": ["a.csv"], "exclude": [], "text": "2", "options": {"model": "minilm"}}
    for reading in (ReadOptions("csv", ";", False), DETECTED):
        recorded = {} if reading == DETECTED else {"reading": list(reading)}
        (work / "pretrain.json").write_text(json.dumps(state | recorded), encoding="utf-8")
        assert read_interrupted(tmp_path / "encoder").reading == reading


def test_the_default_name_has_texts_and_base(
    tmp_path: Path, corpus: Path, encoder_folder: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = str(encoder_folder())
    runner = CliRunner()
    arguments = ["pretrain", str(corpus), "--model", model, "--epochs", "0.1", "--max-tokens", "32"]
    done = runner.invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert "encoder  encoders/corpus-encoder\n" in done.stdout
    assert (tmp_path / "encoders/corpus-encoder/pretrain.json").exists()
    again = runner.invoke(app, arguments)
    assert again.exit_code == 1
    assert "'encoders/corpus-encoder' already holds a pretrained encoder" in again.stderr


def test_the_default_name_is_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from insula.api import pretraining

    def recorded(given: Any, folder: Path, **_: Any) -> Any:
        return folder

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretraining, "_run", recorded)
    (tmp_path / "base").mkdir()
    several = ["data/comments.jsonl.gz", "more.txt"]
    assert pretrain(several, model="owner/small-1.5") == Path("encoders/comments-small-1.5")
    monkeypatch.chdir(tmp_path / "base")
    assert pretrain("/x/.hidden", model=".") == Path("encoders/texts-base")


def test_wrong_pretraining_options_are_rejected(
    tmp_path: Path, corpus: Path, pretrained: Any, encoder_folder: Callable[..., Path]
) -> None:
    with pytest.raises(OutputError, match="replace it with --overwrite"):
        pretrain(corpus, pretrained.path)
    with pytest.raises(OutputError, match="new, empty or a pretrained encoder"):
        pretrain(corpus, encoder_folder(), overwrite=True)
    with pytest.raises(RecipeError, match="'epoch' is not known"):
        pretrain(corpus, tmp_path / "mine", epoch=3)
    with pytest.raises(MissingFileError):
        pretrain(tmp_path / "none.txt", tmp_path / "mine")
    with pytest.raises(RecipeError, match=r"max_tokens of pretrain must be at most 64 .* Got 65"):
        pretrain(corpus, tmp_path / "mine", model=encoder_folder(), max_tokens=65)
    (tmp_path / "one.txt").write_text("a single text\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="Got 65"):  # before it is read that there is too little to learn from
        pretrain(tmp_path / "one.txt", tmp_path / "mine", model=encoder_folder(), max_tokens=65)
