"""`apertium`: translation by the rules of Apertium, a program of the user's system, without network."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence

from insula.augmentation.translation.translator import Translator, require_no_argument
from insula.core.errors import DataError, MissingFileError, ServiceError, suggest

ENGLISH = ("eng", "en")
PREFERRED = "spa"
TEXTS_PER_BATCH = 1000
END = "\n\n"
"""The end of a text: across a single line break, Apertium would exchange words."""


class Apertium(Translator):
    """The program, started once for many texts, because starting it takes longer than translating a hundred.

    modes  names of the modes there and back, such as `eng-spa` and `spa-eng`
    """

    seconds = 60.0
    """Longest wait for a hundred texts."""

    def __init__(self, program: str, modes: tuple[str, str]) -> None:
        self._program, self._modes = program, modes

    def translate_back(self, texts: Sequence[str], language: str) -> Iterator[str]:
        """Yield English texts, translated into the other language of the pair and back."""
        for start in range(0, len(texts), TEXTS_PER_BATCH):
            some = list(texts[start : start + TEXTS_PER_BATCH])
            for mode in self._modes:
                some = self._translate(some, mode)
            yield from some

    def _translate(self, texts: Sequence[str], mode: str) -> list[str]:
        given = "".join(text + END for text in texts).encode("utf-8", "replace")
        seconds = self.seconds * max(1.0, len(texts) / 100)
        # Without marks of unknown words; a group of its own, since the program is a script that starts a pipeline.
        with subprocess.Popen(
            [self._program, "-u", "-f", "txt", mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                answer, _ = process.communicate(given, timeout=seconds)
            except BaseException as error:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise _build_error(mode, f"has not answered for {seconds:g} seconds") from None
                raise
        found = answer.decode("utf-8", "replace").removesuffix(END).split(END)
        if len(found) != len(texts):
            raise _build_error(mode, f"answered {len(found):,} texts to {len(texts):,}")
        return [one.strip() for one in found]


def _build_error(mode: str, problem: str) -> ServiceError:
    return ServiceError(f"Apertium (mode {mode}) {problem}. Try it alone: echo hello | apertium {mode}")


def open_apertium(where: str | None, pivot: str | None) -> Apertium:
    """Return the engine; `pivot` is an installed language such as `spa`, by default Spanish or the first one."""
    require_no_argument("apertium", where)
    program = shutil.which("apertium")
    if program is None:
        raise MissingFileError(
            "The translator 'apertium' needs the program apertium, which is not installed. Install it with a pair of "
            "languages (Debian: apt install apertium apertium-eng-spa)."
        )
    listed = subprocess.run([program, "-l"], capture_output=True, text=True, check=False, timeout=60).stdout.split()
    found = _find_pivots(listed)
    if not found or (pivot is not None and pivot not in found):
        asked = f"has no pair of English and {pivot!r}" if pivot else "has no pair of English and another language"
        installed = f"Installed: {', '.join(found)}" if found else "None is installed"
        raise DataError(
            f"The installed Apertium {asked} for both directions. {installed}.{suggest(pivot or '', found)} "
            "Install one (Debian: apt install apertium-eng-spa; apt search apertium lists the others)."
        )
    chosen = pivot or (PREFERRED if PREFERRED in found else min(found))
    return Apertium(program, found[chosen])


def _find_pivots(modes: list[str]) -> dict[str, tuple[str, str]]:
    """Return the languages that the modes translate English into and back, with both modes."""
    found = {}
    for mode in modes:
        source, _, target = mode.partition("-")
        if source in ENGLISH and (back := f"{target}-{source}") in modes:
            found[target] = (mode, back)
    return found
