"""Exports a model as a web page that predicts in the browser with ONNX Runtime Web: static files, without a server.

The page contains files of the model folder, the text steps in JavaScript (`page/prepare.js`, with patterns from
Python), and two npm libraries that must be installed on the exporting machine.
"""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import onnx

from insula.core.errors import MissingFileError, ModelFolderError
from insula.core.files import atomic_folder, write_text
from insula.core.levels import find_levels
from insula.core.outputs import FolderKind
from insula.core.scheme import LabelScheme
from insula.evaluation.reports.page import read_page_style
from insula.evaluation.reports.signs import SIGNS, find_signs
from insula.knowledge.rule_file import RULES
from insula.models.folder import ModelFolder
from insula.models.tokens.tokenization import TOKENIZER
from insula.text.portable import describe_portable_steps

PAGE_FILES = ("index.html", "page.js", "model.js", "decide.js", "prepare.js")
STYLES = ("report.css", "page.css")
MODEL_FILES = ("scheme.json", "decision.json", "preparation.json", "tokens.json", TOKENIZER)
LIBRARIES = {
    "onnxruntime-web": ("1.30.0", ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")),
    "@huggingface/tokenizers": ("0.2.0", ("tokenizers.min.mjs",)),
}
"""npm package to the tested version and the files of its `dist` folder that the page needs."""

MARKER = "insula-page.json"
PAGE = FolderKind("page", (MARKER,))


def export_page(source: ModelFolder, output: Path, libraries: Path) -> int:
    """Write the page to `output`; return the total size of its files in bytes.

    libraries   the `node_modules` folder with `LIBRARIES`

    Raises `ModelFolderError` if the model has no `model.onnx`, `RecipeError` if one of its text steps needs a
    dictionary, `MissingFileError` if a library is not installed.
    """
    if not (source.path / "model.onnx").exists() or not (source.path / TOKENIZER).exists():
        raise ModelFolderError(
            f"Only a single neural model with a model.onnx can be exported as a page, not a cascade. Got "
            f"{str(source.path)!r} of family {source.family!r}. Choose another model."
        )
    if source.rules is not None:
        raise ModelFolderError(
            f"The model {str(source.path)!r} cannot be exported as a page: only insula applies its {RULES}. Train "
            "without rules.file, or choose another model."
        )
    steps = describe_portable_steps(source.preparation.steps)
    found = _find_library_files(libraries)
    with atomic_folder(output) as stage:
        templates = files("insula.compression").joinpath("page")
        for name in PAGE_FILES:
            write_text(stage / name, templates.joinpath(name).read_text(encoding="utf-8"))
        for name in STYLES:
            write_text(stage / name, read_page_style(name))
        for name in MODEL_FILES:
            content = json.loads((source.path / name).read_text(encoding="utf-8"))
            write_text(stage / name, _dump_compact(content))
        write_text(stage / "steps.json", _dump_compact(steps))
        write_text(stage / "view.json", _dump_compact(build_page_view(source.scheme)))
        # As one file, because a browser cannot read weights from a separate file.
        onnx.save(onnx.load(str(source.path / "model.onnx")), str(stage / "model.onnx"))
        (stage / "lib").mkdir()
        for file in found:
            shutil.copy2(file, stage / "lib" / file.name)
        write_text(
            stage / MARKER, _dump_compact({"libraries": {name: version for name, (version, _) in LIBRARIES.items()}})
        )
        return sum(file.stat().st_size for file in stage.rglob("*") if file.is_file())


def build_page_view(scheme: LabelScheme) -> dict[str, Any]:
    """Return how the page shows labels: their signs, and the coarser levels of the scheme, the coarsest first."""
    coarser = [
        {
            "name": name,
            "names": list(level.scheme.names),
            "parents": dict(scheme.mappings[name]),
            "display": {language: dict(names) for language, names in level.scheme.display.items()},
            "signs": find_signs(level.scheme),
        }
        for name, level in reversed(find_levels(scheme).items())
    ]
    return {"paths": dict(SIGNS), "signs": find_signs(scheme), "levels": coarser}


def _find_library_files(libraries: Path) -> list[Path]:
    wanted = [libraries / name / "dist" / file for name, (_, some) in LIBRARIES.items() for file in some]
    missing = next((file for file in wanted if not file.exists()), None)
    if missing is not None:
        packages = " ".join(f"{name}@{version}" for name, (version, _) in LIBRARIES.items())
        raise MissingFileError(
            f"The libraries of the page must be installed in {str(libraries)!r}, but {str(missing)!r} is missing. "
            f"Install them with: npm install {packages}"
        )
    return wanted


def _dump_compact(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
