"""`pretrain` and `resume_pretraining`: continue the pretraining of an encoder on unlabelled texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from insula.core.environment import require
from insula.core.errors import CHOOSE, RecipeError, suggest
from insula.core.files import convert_output_errors, make_names_absolute
from insula.core.locks import create_locked_folder
from insula.core.outputs import require_replaceable
from insula.core.progress import Progress, choose_progress
from insula.core.sentences import describe_invalid_value
from insula.data.formats.formats import ReadOptions
from insula.data.options import DataOptions
from insula.training.options.pretrain import PretrainOptions
from insula.training.pretraining.inputs import (
    ENCODER,
    FACTS,
    PretrainInput,
    PretrainRun,
    get_work_folder,
    read_interrupted,
)
from insula.training.run_folder import add_resume_hint

ENCODERS = Path("encoders")


def pretrain(
    source: str | Path | Sequence[str | Path],
    output: str | Path | None = None,
    *,
    model: str | Path = "minilm",
    exclude: str | Path | Sequence[str | Path] = (),
    text: str | None = None,
    format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    overwrite: bool = False,
    command: str = "",
    progress: Progress | None = None,
    **options: Any,
) -> PretrainRun:
    """Continue an encoder's pretraining by masked language modelling; return the finished run.

    source    a file of texts, or several, in any of the formats that `predict_file` reads
    output    the folder of the new encoder, for `model.base` of a recipe; default `encoders/SOURCE-MODEL`
    model     the encoder to start from: a folder, an alias, a hub id
    exclude   files with the texts of evaluation sets; training leaves out these texts and their near-duplicates
    text      column with the text; default detected from common column names, also in files of `exclude` that lack it
    format, separator, header   how all files are read, where that is not detected (see `DataOptions`)
    options   `epochs`, `batch_size`, `learning_rate`, `max_tokens`, `seed` and the other fields of `PretrainOptions`
    progress  receives the progress (see `Progress`); default: shown in notebooks, silent elsewhere

    Raises `DataError`, `RecipeError`, `OutputError`, `MissingFileError`, `UnknownNameError`, `MissingExtraError`.
    """
    chosen = _parse_options({"model": str(model), **options})
    checked = DataOptions.checked(format=format, separator=separator, header=header)
    reading = ReadOptions(checked.format, checked.separator, checked.header)
    files, excluded = make_names_absolute(source), make_names_absolute(exclude)
    if not files:
        raise RecipeError("Pretraining needs at least one file of texts. Got none. Pass one.")
    folder = Path(output) if output is not None else ENCODERS / _name_encoder(files[0], chosen.model)
    base = [chosen.model] if Path(chosen.model).is_dir() else []
    require_replaceable(folder, ENCODER, overwrite=overwrite, inputs=[*files, *excluded, *base])
    if base:
        chosen = chosen.model_copy(update={"model": str(Path(chosen.model).absolute())})
    return _run(PretrainInput(files, excluded, text, chosen, reading), folder, command=command, progress=progress)


def resume_pretraining(output: str | Path, *, command: str = "", progress: Progress | None = None) -> PretrainRun:
    """Resume an interrupted pretraining from its last checkpoint; return it finished.

    Raises `MissingFileError` if there is none, `DataError` if its texts have changed since.
    """
    folder = Path(output)
    return _run(read_interrupted(folder), folder, resume=True, command=command, progress=progress)


def _name_encoder(file: str, model: str) -> str:
    """Return the default name of an encoder, such as `comments-minilm`: the last part of paths and hub ids."""
    return f"{Path(file).name.split('.')[0] or 'texts'}-{Path(model).resolve().name}"


def _run(given: PretrainInput, folder: Path, *, progress: Progress | None, **how: Any) -> PretrainRun:
    for package in ("torch", "transformers", "accelerate"):
        require(package, extra="train", purpose="pretrain an encoder")
    from insula.training.pretraining.pretrain import pretrain_encoder

    work = get_work_folder(folder)
    with convert_output_errors(folder), add_resume_hint("pretrain", folder, work / FACTS), create_locked_folder(work):
        return pretrain_encoder(given, folder, progress=choose_progress(progress), **how)


def _parse_options(given: Mapping[str, Any]) -> PretrainOptions:
    try:
        return PretrainOptions.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name, known = ".".join(str(part) for part in first["loc"]), PretrainOptions.model_fields
        hint = f" Options are {', '.join(known)}.{suggest(name, known, CHOOSE)}" if name not in known else ""
        raise RecipeError(
            f"The pretrain options are not valid: {describe_invalid_value(name, first)}.{hint}"
        ) from error
