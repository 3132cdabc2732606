"""Report on the messages of this folder: report.html in English, report.zh-CN.html in Chinese.

python start.py
"""

from __future__ import annotations

from pathlib import Path

from insula.api.report import report_messages, write_report

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write the report in both languages, and print where they are."""
    report = report_messages(settings=HERE / "report.toml")
    for name, language in (("report.html", "en"), ("report.zh-CN.html", "zh")):
        write_report(HERE / name, report, language=language)
        print(f"The report: {HERE / name}")


if __name__ == "__main__":
    main()
