"""Check the form of a commit message; pre-commit calls it with the file that holds the message.

python scripts/check_commit_message.py .git/COMMIT_EDITMSG
"""

from __future__ import annotations

import sys
from pathlib import Path

MAX_SUBJECT = 72
WRITTEN_BY_GIT = ("Merge ", "Revert ", "fixup! ", "squash! ", "amend! ")
SCISSORS = "# ------------------------ >8 ------------------------"


def problems(message: str) -> list[str]:
    """Return a sentence for each rule that a commit message breaks.

    Comments and, for `git commit --verbose`, the diff below the scissors line are not part of the message.
    """
    lines = message.partition(SCISSORS)[0].splitlines()
    lines = "\n".join(line.rstrip() for line in lines if not line.startswith("#")).strip().splitlines()
    if not lines:
        return ["The commit message is empty. Write what the commit does."]
    subject, *rest = lines
    found = []
    if len(subject) > MAX_SUBJECT and not subject.startswith(WRITTEN_BY_GIT):
        found.append(
            f"The subject must have at most {MAX_SUBJECT} characters. Got {len(subject)}; move details to the body."
        )
    if subject.endswith("."):
        found.append("The subject must not end with a period. Remove it.")
    if rest and rest[0]:
        found.append("The second line must be blank. Separate the body from the subject.")
    return found


def main(arguments: list[str]) -> int:
    """Print what is wrong with the message in a file; return the exit status."""
    (file,) = arguments
    found = problems(Path(file).read_text(encoding="utf-8"))
    for sentence in found:
        print(f"commit message: {sentence}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
