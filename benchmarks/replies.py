"""What drafts of replies are like, and how long they take, with the starter model.

    python benchmarks/replies.py               write results/replies.json
    python benchmarks/replies.py --show FILE   also write the first two drafts of each case to FILE, to be read

The cases of `tests/empathy/messages.jsonl`: how often a draft names a feeling of the other kind (glad for sad), how
often need and topic are read as written down before. Both parts were written by the author of the cues, so that
strangers' messages do worse. Ordinary rows (GoEmotions and SMP2020, test parts): how often a sentence repeats, what the
checks stop, and how many messages of a file are answered in a second.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from insula import load_model, reply, reply_file
from insula.core.files import write_json
from insula.empathy.state import POSITIVE
from provenance import provenance

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "empathy" / "messages.jsonl"
DATA = ROOT.parent / "shared" / "data" / "ready"
RESULTS = Path(__file__).parent / "results"
ORDINARY = {"en": "goemotions", "zh": "smp2020_usual"}
ROWS, SEED = 1_000, 11
GLAD = {"joy", "pride", "relief", "gratitude", "love"}
SENTENCE = re.compile(r"[^.!?。！？]+[.!?。！？]+")


def read_cases(model: Any, part: str) -> tuple[dict[str, Any], list[str]]:
    """Return counts over the cases of a part, and their drafts as lines."""
    counts: Counter[str] = Counter()
    lines: list[str] = []
    for case in map(json.loads, CASES.read_text(encoding="utf-8").splitlines()):
        if case["part"] != part:
            continue
        found = reply(case["text"], model)
        counts["cases"] += 1
        lines.append(f"{case['id']}  {case['text']}")
        if found.state is None:
            counts["handed_off"] += 1
            continue
        lines += [f"    {draft.strategy}: {draft.text}" for draft in found.drafts[:2]]
        named = found.state.feeling
        counts["feeling_named"] += named is not None
        kinds = {name in GLAD for name in case["feelings"]}  # both for mixed feelings
        counts["feeling_of_the_other_kind"] += named is not None and (named in POSITIVE) not in kinds
        counts["need_right"] += found.state.need == case["need"]
        counts["topic_right"] += (found.state.topic or "none") == case["topic"]
        advises = {draft.strategy for draft in found.drafts} & {"suggestions"}
        counts["advice_where_none_was_wanted"] += case["need"] == "heard" and bool(advises)
    names = ("cases", "handed_off", "feeling_named", "feeling_of_the_other_kind", "need_right", "topic_right",
             "advice_where_none_was_wanted")  # fmt: skip
    return {name: counts[name] for name in names}, lines


def read_ordinary(model: Any, name: str) -> dict[str, Any]:
    """Return how often drafts for ordinary rows repeat, what the checks stop, and the time of a reply."""
    with gzip.open(DATA / name / "test.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    drafts: Counter[str] = Counter()
    sentences: Counter[str] = Counter()
    times: list[float] = []
    handed_off = stopped = 0
    chosen = random.Random(SEED).sample(texts, ROWS)
    for text in chosen:
        began = time.perf_counter()
        found = reply(text, model)
        times.append((time.perf_counter() - began) * 1000)
        handed_off += found.hand_off is not None
        stopped += found.stopped
        if found.drafts:
            drafts[found.drafts[0].text] += 1
            sentences.update(set(SENTENCE.findall(found.drafts[0].text)))
    times.sort()
    answered = sum(drafts.values())
    return {
        "set": name,
        "rows": ROWS,
        "handed_off": handed_off,
        "drafts_stopped": stopped,
        "different_first_drafts": len(drafts),
        "most_frequent_draft_share": round(max(drafts.values()) / answered, 4),
        "most_frequent_sentence_share": round(max(sentences.values()) / answered, 4),
        "milliseconds": {"median": round(times[ROWS // 2], 1), "p95": round(times[ROWS * 95 // 100], 1)},
        "messages_a_second": round(ROWS / time_file(model, chosen), 1),
    }


def time_file(model: Any, texts: list[str]) -> float:
    """Return the seconds in which a file of messages gets its drafts, three for each."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "messages.jsonl"
        source.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
        began = time.perf_counter()
        reply_file(source, Path(folder) / "drafts.jsonl", model)
        return time.perf_counter() - began


def main() -> None:
    """Write results/replies.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", type=Path, metavar="FILE", help="write drafts to this file")
    options = parser.parse_args()
    model = load_model("starter")
    reply("Warm up.", model)
    result: dict[str, Any] = {"provenance": provenance(), "cases": {}, "ordinary": {}}
    shown: list[str] = []
    for part in ("development", "held_out", "strangers"):
        result["cases"][part], lines = read_cases(model, part)
        shown += lines
    for language, name in ORDINARY.items():
        result["ordinary"][language] = read_ordinary(model, name)
    write_json(RESULTS / "replies.json", result)
    if options.show:
        options.show.write_text("\n".join(shown) + "\n", encoding="utf-8")
    print(json.dumps({name: value for name, value in result.items() if name != "provenance"}, indent=1))


if __name__ == "__main__":
    main()
