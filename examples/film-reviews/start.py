"""Report on the reviews of messages.jsonl, and start the service with the dashboard.

    python start.py             # the dashboard is at the printed address; Ctrl-C stops
    python start.py --port 0    # at a free port

It can be started again and again: a review is counted once.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from insula.api.monitoring import monitor
from insula.api.report import report_messages, write_report

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Report, then serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Report on film reviews, and start the dashboard.")
    parser.add_argument("--port", help="port to listen on; 0 picks a free one")
    arguments = parser.parse_args()
    write_reports()
    monitor(HERE / "messages.jsonl", store=HERE / "data", settings=HERE / "monitor.toml", name="film reviews")
    command = [sys.executable, "-m", "insula", "serve", "--config", "serve.toml"]
    if arguments.port is not None:
        command += ["--port", arguments.port]
    server = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        print(f"The dashboard: {find_address(server)}/dashboard?by=film (Ctrl-C stops)", flush=True)
        server.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.terminate()
        server.wait()


def write_reports() -> None:
    """Write the report in both languages, and print where they are."""
    report = report_messages(settings=HERE / "report.toml")
    for name, language in (("report.html", "en"), ("report.zh-CN.html", "zh")):
        write_report(HERE / name, report, language=language)
        print(f"The report: {HERE / name}", flush=True)


def find_address(server: subprocess.Popen[str]) -> str:
    """Return the address that the service prints once it accepts requests."""
    for line in server.stdout or ():
        found = re.search(r"Listening on (http://\S+)", line)
        if found is not None:
            return found[1]
    sys.exit("The service did not start; the lines above say why.")


if __name__ == "__main__":
    main()
