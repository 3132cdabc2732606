"""Writes the sentences of both languages as JSON lines."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from starter_sentences.made import made_sentences


def main(arguments: list[str]) -> int:
    """Write the sentences and return the exit status."""
    parser = argparse.ArgumentParser(description="Make labelled sentences in English and Chinese.")
    parser.add_argument("--count", type=int, default=7000, help="composed sentences of each language")
    parser.add_argument(
        "--second", type=int, default=0, help="composed ones that only the second stage has (default: 0)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    rows = [
        {"text": one.text, "labels": list(one.labels), "language": one.language}
        for one in made_sentences(given.count, seed=given.seed, more=given.second > 0, second=given.second)
    ]
    given.output.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"{given.output}: {len(rows)} sentences")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
