"""Every verb that writes keeps to one guard: the same refusals, in the same sentences, before any work."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import insula
from insula.core.errors import OutputError

Verb = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """A verb and the places that it reads: `call(output, model, data, overwrite)`.

    mark   the file by which a folder of the verb's kind is known; None where it writes a file, or next to other files
    reads  which of `model` and `data` the verb reads
    ending  of a file that it writes
    """

    call: Verb
    mark: str | None
    reads: tuple[str, ...]
    ending: str = ".jsonl"


def plain(verb: str, *order: str, **options: Any) -> Verb:
    """A verb that takes its places in this order; `overwrite` where it has that option."""

    def call(overwrite: bool = False, **places: Path) -> Any:
        asked = {"overwrite": True} if overwrite else {}
        keywords = {name: value for name, value in places.items() if name in options.get("by_name", ())}
        rest = {name: value for name, value in options.items() if name != "by_name"}
        return getattr(insula, verb)(*(places[name] for name in order), **keywords, **rest, **asked)

    return call


MODEL, RUN = "manifest.json", "run.json"
CASES = {
    "calibrate_model": Case(plain("calibrate_model", "model", "output"), MODEL, ("model",)),
    "calibrate_model rows": Case(
        lambda overwrite=False, **at: insula.calibrate_model(
            at["model"], at["output"], data=at["data"], overwrite=overwrite
        ),
        MODEL,
        ("model", "data"),
    ),
    "cascade_model": Case(
        plain("cascade_model", "model", "model", "output", by_name=("data",)), MODEL, ("model", "data")
    ),
    "compress_model": Case(
        plain("compress_model", "model", "output", by_name=("data",), max_size=10**6), MODEL, ("model", "data")
    ),
    "quantize_model": Case(plain("quantize_model", "model", "output", by_name=("data",)), MODEL, ("model", "data")),
    "export_model onnx": Case(plain("export_model", "model", "output"), MODEL, ("model",)),
    "export_model huggingface": Case(plain("export_model", "model", "output", format="huggingface"), MODEL, ("model",)),
    "export_model browser": Case(
        plain("export_model", "model", "output", format="browser"), "insula-page.json", ("model",)
    ),
    "prune_model": Case(
        plain("prune_model", "model", "output", by_name=("data",), layers=1), f"{RUN} model", ("model", "data")
    ),
    "train": Case(plain("train", "data", by_name=("output",), recipe="linear"), f"{RUN} model", ("data",)),
    "pretrain": Case(plain("pretrain", "data", "output"), "pretrain.json", ("data",)),
    "search": Case(plain("search", "data", by_name=("output",), recipe="linear"), None, ("data",)),
    "evaluate": Case(plain("evaluate", "data", "model", by_name=("output",)), None, ("data",)),
    "compare": Case(plain("compare", "model", "model", by_name=("data", "output")), None, ("data",)),
    "predict_file": Case(plain("predict_file", "data", "output", "model"), None, ("data",)),
    "explain_file": Case(plain("explain_file", "data", "output", "model"), None, ("data",)),
    "reply_file": Case(plain("reply_file", "data", "output"), None, ("data",)),
    "score_empathy_file": Case(
        plain("score_empathy_file", "data", "output", message="text", reply="label"), None, ("data",)
    ),
    "learn_policy": Case(plain("learn_policy", "data", "output"), None, ("data",), ".json"),
    "train_empathy": Case(
        plain("train_empathy", "data", by_name=("output",), recipe="linear"), f"{RUN} model", ("data",)
    ),
    "mask_file": Case(plain("mask_file", "data", "output"), None, ("data",)),
    "augment_file": Case(plain("augment_file", "data", "output", methods=("swap",)), None, ("data",)),
    "check_safety_file": Case(plain("check_safety_file", "data", "output"), None, ("data",)),
    "bench_model": Case(plain("bench_model", "model", by_name=("data", "output")), None, ("data",)),
    "explain_model": Case(
        plain("explain_model", "data", "model", by_name=("output",), rows=20), None, ("data",), ".html"
    ),
    "attack_model": Case(plain("attack_model", "data", "model", by_name=("output",)), None, ("data",), ".html"),
}
FILES = (
    "predict_file",
    "explain_file",
    "reply_file",
    "score_empathy_file",
    "learn_policy",
    "mask_file",
    "augment_file",
    "check_safety_file",
    "bench_model",
    "explain_model",
    "attack_model",
)  # they write a file, which is replaced as by any program; attack_model and augment_file need `overwrite`
REPLACED = {name: case for name, case in CASES.items() if case.mark}
every_verb = pytest.mark.parametrize("verb", CASES)
every_replacing_verb = pytest.mark.parametrize("verb", REPLACED)
every_verb_on_a_model = pytest.mark.parametrize("verb", [name for name in REPLACED if "model" in REPLACED[name].reads])


@pytest.fixture
def places(tmp_path: Path, run: Path) -> dict[str, Path]:
    """The model folder, a file of rows, and a free output."""
    data = tmp_path / "rows.csv"
    data.write_text("text,label\n" + "so happy,joy\nso sad,sadness\n" * 40, encoding="utf-8")
    return {"model": run / "model", "data": data, "output": tmp_path / "out"}


def refused(verb: str, words: str, places: dict[str, Path], **change: Any) -> None:
    with pytest.raises(OutputError, match=words) as caught:
        CASES[verb].call(**{**places, **change})
    assert repr(str(change["output"])) in str(caught.value)


def test_every_verb_that_writes_is_here() -> None:
    verbs = {name: one for name in insula.__all__ if inspect.isfunction(one := getattr(insula, name))}
    for option, cases in (("output", CASES), ("overwrite", REPLACED)):
        asked = {name for name, verb in verbs.items() if option in inspect.signature(verb).parameters}
        asked -= {"resume_pretraining"}  # its output is what it resumes
        asked -= {"attack_model", "augment_file"} if option == "overwrite" else set()  # of a file, not a folder
        assert asked == {name.split()[0] for name in cases}


@every_verb
def test_the_output_is_none_of_the_inputs(verb: str, places: dict[str, Path]) -> None:
    for read in CASES[verb].reads:
        before = {file: file.read_bytes() for file in places[read].rglob("*") if file.is_file()}
        refused(verb, "must differ from the input", places, output=places[read])
        assert all(file.read_bytes() == content for file, content in before.items())


@every_verb
def test_a_link_to_an_input_is_that_input(verb: str, places: dict[str, Path], tmp_path: Path) -> None:
    for read in CASES[verb].reads:
        link = tmp_path / f"link-{read}"
        link.symlink_to(places[read])
        refused(verb, "must differ from the input", places, output=link)


@every_replacing_verb
def test_what_is_there_needs_overwrite(verb: str, places: dict[str, Path]) -> None:
    for mark in str(CASES[verb].mark).split():
        (places["output"] / mark).mkdir(parents=True)
    refused(verb, "already holds .* or replace it with --overwrite", places, output=places["output"])


@every_replacing_verb
def test_other_files_are_never_replaced(verb: str, places: dict[str, Path]) -> None:
    places["output"].mkdir()
    (places["output"] / "thesis.txt").write_text("years of work", encoding="utf-8")
    words = "must be new, empty or a .* which contains other files"
    refused(verb, words, places, output=places["output"], overwrite=True)
    assert (places["output"] / "thesis.txt").exists()


@pytest.mark.parametrize("verb", [name for name in CASES if name not in FILES])
def test_a_file_is_no_folder(verb: str, places: dict[str, Path]) -> None:
    places["output"].touch()
    refused(verb, "must be a folder", places, output=places["output"])


@pytest.mark.parametrize("verb", FILES)
def test_a_folder_is_no_file(verb: str, places: dict[str, Path]) -> None:
    output = places["output"].with_suffix(CASES[verb].ending)
    output.mkdir()
    refused(verb, "something else already exists", places, output=output)


@every_verb_on_a_model
def test_an_output_is_not_around_its_model(verb: str, places: dict[str, Path]) -> None:
    refused(verb, "must not contain the input", places, output=places["model"].parent, overwrite=True)


@every_verb_on_a_model
def test_an_output_is_not_inside_its_model(verb: str, places: dict[str, Path]) -> None:
    refused(verb, "must not be inside the input", places, output=places["model"] / "small")
    assert not (places["model"] / "small").exists()


@pytest.mark.parametrize("verb", ["evaluate", "compare"])
def test_results_are_kept_apart_from_runs_and_models(verb: str, places: dict[str, Path]) -> None:
    for output in (places["model"], places["model"].parent):
        refused(verb, "and its own results would be replaced", places, output=output)


def test_a_remote_output_is_not_its_remote_input(places: dict[str, Path]) -> None:
    address = "s3://bucket/rows.csv"
    with pytest.raises(OutputError, match="must differ from the input"):
        insula.predict_file(address, address, places["model"])
