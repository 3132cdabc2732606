"""The generated parts of the reference equal the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from docs_pages import DOCS, PAGES, title


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """The script that writes the parts."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=title)
def test_generated_parts_equal_the_code(page: Path, generate: ModuleType) -> None:
    text = page.read_text(encoding="utf-8")
    assert generate.filled(text) == text, "run: python docs/generate.py"


def test_generated_files_equal_the_code(generate: ModuleType) -> None:
    assert {file: file.read_text(encoding="utf-8") for file in generate.FILES} == {
        file: make() for file, make in generate.FILES.items()
    }, "run: python docs/generate.py"


def test_every_part_is_shown_somewhere(generate: ModuleType) -> None:
    shown = {found["name"] for page in PAGES for found in generate.MARKED.finditer(page.read_text(encoding="utf-8"))}
    assert shown == set(generate.PARTS)


def test_every_option_of_a_recipe_is_shown(generate: ModuleType) -> None:
    from insula.training.families.encoder import EncoderOptions
    from insula.training.families.linear import LinearOptions
    from insula.training.options.sections import DecisionOptions, TrainOptions

    table = generate.PARTS["recipe-options"]()
    for section in (DecisionOptions, EncoderOptions, LinearOptions, TrainOptions):
        for name in section.model_fields:
            assert f"| `{name}` |" in table


def test_every_verb_and_public_name_is_shown(generate: ModuleType) -> None:
    import insula

    commands, python = generate.PARTS["commands"](), generate.PARTS["python"]()
    for verb in ("train", "evaluate", "predict", "recipes", "data list", "data describe"):
        assert f"### `insula {verb}`" in commands
    for name in insula.__all__:
        assert name == "__version__" or f"### `{name}`" in python


def options(first: str, *, second: str | None = None, third: int = 3) -> int:
    """Do one thing;
    then another.

    first          what it is, on
                   two lines
    second, third  the rest

    Raises `ValueError` where `first | second` is empty.
    """
    raise NotImplementedError


def test_a_docstring_becomes_a_signature_a_table_and_prose() -> None:
    import python_reference

    assert python_reference.member("options", options) == (
        "### `options`\n\n"
        "```py\n"
        "options(first: str, *, second: str | None = None, third: int = 3) -> int\n"
        "```\n\n"
        "Do one thing; then another.\n\n"
        "| name | meaning |\n| --- | --- |\n"
        "| `first` | what it is, on two lines |\n| `second`, `third` | the rest |\n\n"
        "Raises `ValueError` where `first | second` is empty.\n"
    )


def test_parameters_are_in_tables_not_in_blocks(generate: ModuleType) -> None:
    shown = generate.PARTS["python"]() + generate.PARTS["results"]()
    assert "```text" not in shown
    assert "| `validation_fraction` | share of rows held out" in shown
