"""Queries of the dashboard over a million stored windows: `results/dashboard.json`.

    python benchmarks/dashboard.py

A SQLite store of one stream with 40 topics and 25,000 hours: a million windows, each with two labels. The target is
200 ms for what a page asks: the newest windows with their labels and alerts, all topics together or each apart.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

OUTPUT = Path(__file__).parent / "results" / "dashboard.json"
TOPICS, WINDOWS, SECONDS, REPEATS = 40, 1_000_000, 3600, 9
QUERIES = (((), 24), (("topic",), 24), ((), 168), (("topic",), 168))


def main(arguments: list[str]) -> int:
    """Fill a store, time the queries, and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT)
    given = parser.parse_args(arguments)
    from insula.core.files import write_json
    from insula.operations.monitoring.trend import read_trend
    from insula.operations.store.database import open_database
    from provenance import provenance

    cells = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        database = open_database(path)
        fill(path)
        for by, last in QUERIES:
            times = []
            for _ in range(REPEATS):
                start = time.perf_counter()
                found = read_trend(database, "feed", by=by, last=last)
                times.append((time.perf_counter() - start) * 1000)
            cells.append(
                {"by": list(by), "last": last, "points": len(found.points), "milliseconds": statistics.median(times)}
            )
            print(cells[-1], file=sys.stderr)
        size = path.stat().st_size
        database.close()
    write_json(given.output, {"windows": WINDOWS, "topics": TOPICS, "bytes": size, "cells": cells, **provenance()})
    return 0


def fill(path: Path) -> None:
    """Write the stream, its windows and their labels."""
    topics = [json.dumps({"topic": f"topic {number}"}) for number in range(TOPICS)]
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
    with sqlite3.connect(path) as connection:
        connection.execute(
            "insert into streams (id, name, counts, shifts, updated) values (1, 'feed', '{\"counted\": 1}', '{}', ?)",
            (now,),
        )
        connection.executemany(
            "insert into windows (id, stream, seconds, start, attributes, messages, abstained) "
            "values (?, 1, ?, ?, ?, 50, 10)",
            ((row + 1, SECONDS, SECONDS * (row // TOPICS), topics[row % TOPICS]) for row in range(WINDOWS)),
        )
        connection.executemany(
            "insert into window_labels values (?, ?, ?, 5)",
            ((row + 1, *label) for row in range(WINDOWS) for label in (("", "joy"), ("sentiment", "positive"))),
        )
    connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
