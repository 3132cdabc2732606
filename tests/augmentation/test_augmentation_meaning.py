"""Chinese synonyms from the user's CC-CEDICT, and the guard that compares the meaning of texts."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest
from test_augmentation_attacks import WordBackend, make_predictor

import insula
import tiny_encoder
from conftest import CEDICT, ToyEncoder
from insula.augmentation import synonyms
from insula.augmentation.attacks.characters import find_character_edits
from insula.augmentation.attacks.search import SplitText, attack_rows
from insula.augmentation.attacks.words import find_synonym_edits
from insula.augmentation.cedict import find_candidates
from insula.augmentation.meaning_guard import MeaningGuard, guard_augmenters
from insula.augmentation.registry import AugmentationContext, augmenters, choose_augmenters
from insula.core.errors import DataError, MissingFileError
from insula.core.model_input import ModelInput
from insula.models.bilingual.sentence_encoder import SentenceEncoder


def _change(text: str, seed: int = 0) -> str | None:
    found = augmenters["synonyms"](text, AugmentationContext(random.Random(seed), "zh"))
    return None if found is None else found[0]


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Two Chinese rows and an English one."""
    file = tmp_path / "rows.csv"
    file.write_text("text\n我觉得手机很好\n今天真开心\nthe staff chat\n", encoding="utf-8")
    return file


def test_words_share_a_main_gloss() -> None:
    assert find_candidates("手机") == ("电话",)
    assert find_candidates("开心") == ("喜极", "高兴")  # "to feel happy" is "happy"
    assert find_candidates("高个") == ()  # a name
    assert find_candidates("很") == find_candidates("不在词典") == ()


def test_a_gzip_file_and_the_npm_package_are_read(
    tmp_path: Path, cedict_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / "cedict.txt.gz"
    packed.write_bytes(gzip.compress(CEDICT.encode()))
    phone = "mobile phone"
    entries = [["手機", "手机", "shou3 ji1", phone, [], []], ["電話", "电话", "dian4 hua4", [phone], [], []]]
    (tmp_path / "npm" / "data").mkdir(parents=True)
    (tmp_path / "npm" / "data" / "all.js").write_text(f"export default {json.dumps({'all': entries})};", "utf-8")
    for place in (packed, tmp_path / "npm"):
        monkeypatch.setenv("INSULA_CEDICT", str(place))
        assert find_candidates("手机") == ("电话",)


@pytest.mark.parametrize("content", [b"", b"a b c\n", b"\xff\xfe", b"# only a comment\n"])
def test_another_file_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    file = tmp_path / "other.u8"
    file.write_bytes(content)
    monkeypatch.setenv("INSULA_CEDICT", str(file))
    with pytest.raises(DataError, match=r"other.u8', named in INSULA_CEDICT, is not CC-CEDICT"):
        find_candidates("手机")
    monkeypatch.setenv("INSULA_CEDICT", str(tmp_path / "missing.u8"))
    with pytest.raises(MissingFileError, match=r"missing.u8'.* does not exist"):
        find_candidates("手机")


def test_chinese_words_become_close_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _change("我今天很开心") == "我今天很高兴"
    assert {_change("我觉得手机很好", seed) for seed in range(9)} == {"我认为手机很好", "我觉得电话很好"}
    assert _change("今天真的很好") is None
    monkeypatch.setattr(ToyEncoder, "compare", lambda _, text, others: np.full(len(others), 0.95, dtype=np.float32))
    assert _change("我今天很开心") is None  # close as words, not in the text


def test_without_cedict_synonyms_are_english(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INSULA_CEDICT")
    assert choose_augmenters(["synonyms"])["synonyms"].languages == ("en",)
    done = insula.augment_file(rows, rows.with_name("more.csv"), methods=["synonyms"])
    assert (done.added, done.without) == (1, 2)
    with pytest.raises(DataError, match=r"does not support the language 'zh'\. Chinese synonyms need CC-CEDICT"):
        insula.augment_file(rows, rows.with_name("other.csv"), methods=["synonyms"], language="zh")


def test_the_attack_on_words_knows_chinese() -> None:
    sentence = SplitText.of("今天很开心")
    place = sentence.words.index("开心")
    assert find_synonym_edits(sentence, place, random.Random(0)) == ["高兴"]


def test_a_guard_drops_copies_with_another_meaning(rows: Path) -> None:
    guard = MeaningGuard(0.95, ToyEncoder())  # type: ignore[arg-type]
    chosen = guard_augmenters(choose_augmenters(["punctuation", "negation"]), guard)
    text = "ab cd."
    changed = {chosen["punctuation"](text, AugmentationContext(random.Random(seed), "en")) for seed in range(9)}
    assert changed == {("ab cd..", None), None}  # not the one without a mark
    negated = chosen["negation"]("it is good", AugmentationContext(random.Random(0), "en", "positive"))
    assert negated == ("it is not good", "negative")
    done = insula.augment_file(rows, rows.with_name("more.csv"), methods=["punctuation"], meaning=1.0)
    assert (done.rows, done.added) == (3, 0)
    for wrong in (0.0, 1.5):
        with pytest.raises(DataError, match=rf"must be above 0 and at most 1\. Got {wrong}"):
            insula.augment_file(rows, rows.with_name("more.csv"), methods=["casing"], meaning=wrong)


def test_an_attack_is_guarded() -> None:
    predictor = make_predictor(WordBackend())
    asked: list[tuple[str, str]] = []

    def guard(text: str, changed: str) -> bool:
        asked.append((text, changed))
        return len(asked) == 3

    text = "a lovely day"
    (free,) = attack_rows(predictor, [(0, ModelInput(text))], find_character_edits)
    (guarded,) = attack_rows(predictor, [(0, ModelInput(text))], find_character_edits, guard=guard)
    (stopped,) = attack_rows(predictor, [(0, ModelInput(text))], find_character_edits, guard=lambda *_: False)
    assert free.is_success
    assert guarded.is_success
    assert (text, guarded.changed) == asked[-1]
    assert (guarded.rejected, len(asked)) == (2, 3)
    assert not stopped.is_success
    assert stopped.rejected > guarded.rejected
    changed = predictor.decide([one for _, one in asked]).chosen
    assert (changed != guarded.before).any(axis=1).all()  # asked about changed decisions only


def test_an_encoder_compares_texts(tmp_path: Path) -> None:
    tiny_encoder.make_encoder(tmp_path, ["good", "day", "bad"])
    encoder = SentenceEncoder(str(tmp_path))
    texts = ["good day", "bad", "\ud800", "", "good day good day good", "good day"]
    found = encoder.embed(texts)
    assert found.shape == (6, 32)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert np.allclose(found[0], found[5], atol=1e-6)
    assert np.allclose(found[1], encoder.embed(["bad"])[0], atol=1e-5)  # the texts beside it do not count
    assert encoder.compare("bad", texts)[1] == pytest.approx(1, abs=1e-5)
    assert encoder.is_piece("good")
    assert not encoder.is_piece("evil")


@pytest.mark.slow
def test_the_real_encoder_knows_opposites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    file = tmp_path / "cedict.u8"
    lines = ("便宜 便宜 [pian2 yi5] /cheap/", "廉價 廉价 [lian2 jia4] /cheap/", "昂貴 昂贵 [ang2 gui4] /cheap/")
    file.write_text("\n".join(lines), "utf-8")
    monkeypatch.setenv("INSULA_CEDICT", str(file))
    synonyms.find_close_synonyms.cache_clear()
    assert "昂贵" not in synonyms.find_close_synonyms("便宜")
