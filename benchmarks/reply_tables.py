"""The tables of drafts of replies: how well the cases are read, and how drafts for ordinary rows repeat."""

from __future__ import annotations

from typing import Any

from result_files import Results
from table_text import table

CASES = {
    "feeling_named": "a feeling is named",
    "feeling_of_the_other_kind": "the feeling named is of the other kind (glad for sad, sad for glad)",
    "need_right": "what the person wants is read rightly",
    "topic_right": "the topic is read rightly",
    "advice_where_none_was_wanted": "advice where none was wanted",
    "handed_off": "handed to a person",
}


def replies(results: Results) -> str:
    """Counts over the written cases, by part."""
    if results.replies is None:
        return table((), ())
    parts = results.replies["cases"]
    heads = ("of the cases", *(f"{part.replace('_', ' ')} ({found['cases']})" for part, found in parts.items()))
    return table(heads, [(shown, *(str(found[name]) for found in parts.values())) for name, shown in CASES.items()])


def replies_ordinary(results: Results) -> str:
    """Repetition, checks and time on ordinary rows, by language."""
    heads = (
        "rows", "number", "handed to a person", "drafts stopped", "different first drafts",
        "share of the most frequent one", "of its most frequent sentence", "median ms", "95% below",
        "messages a second in a file",
    )  # fmt: skip
    rows = [
        (
            one["set"],
            f"{one['rows']:,}",
            str(one["handed_off"]),
            str(one["drafts_stopped"]),
            str(one["different_first_drafts"]),
            f"{one['most_frequent_draft_share']:.1%}",
            f"{one['most_frequent_sentence_share']:.1%}",
            f"{one['milliseconds']['median']:.0f}",
            f"{one['milliseconds']['p95']:.0f}",
            f"{one['messages_a_second']:.0f}",
        )
        for one in (results.replies or {"ordinary": {}})["ordinary"].values()
    ]
    return table(heads, rows)


def ranking(results: Results) -> str:
    """How often the plain, relevant reply wins, by method, part and language."""
    if results.reply_ranking is None:
        return table((), ())
    parts = results.reply_ranking["parts"]
    heads = ("the plain reply wins by", *(
        f"{part.replace('_', ' ')}, {language}" for part in parts for language in ("all", "en", "zh")
    ))  # fmt: skip
    names = list(next(iter(parts.values())))
    rows = [
        (name, *(_share(parts[part][name][language]) for part in parts for language in ("all", "en", "zh")))
        for name in names
    ]
    return table(heads, rows)


def red_team(results: Results) -> str:
    """What attacks achieved, with the shipped generators and with a bad endpoint."""
    found = results.red_team
    if found is None:
        return table((), ())
    heads = ("generators", "attacks", "check switched off", "prompt leaked", "harmful draft", "handed to a person")
    return table(
        heads,
        [
            (
                shown,
                str(found["attacks"]),
                *(str(found[name][hole]) for hole in ("safety off", "leak", "harmful")),
                str(found[name]["handed_off"] + found[name]["checked_in"]),
            )
            for name, shown in (("shipped", "templates"), ("bad_endpoint", "templates and an endpoint that obeys"))
        ],
    )


def red_team_planted(results: Results) -> str:
    """Harmful and good answers of an endpoint that became drafts."""
    found = results.red_team
    if found is None:
        return table((), ())
    sets = [(f"harmful, {name} set", one) for name, one in found["planted"].items()]
    rows = [*sets, ("leaks of the prompt", found["leaks"]), ("good answers", found["good_answers"])]
    return table(
        ("answers of the endpoint", "number", "became drafts"),
        [(name, str(one["answers"]), str(one["became_drafts"])) for name, one in rows],
    )


def _share(one: dict[str, Any]) -> str:
    low, high = one["interval"]
    return f"{one['share']:.1%} ({low:.0%} to {high:.0%})"
