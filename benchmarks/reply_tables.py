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


WORLDS = {"differing": "prefer other strategies than the rules", "agreeing": "prefer what the rules put first"}
ESTIMATES = {"ips": "IPS", "snips": "SNIPS", "dr": "doubly robust", "gain": "gain (doubly robust)"}


def policy_regret(results: Results) -> str:
    """Cumulative regret of the rules and of learned policies, by world."""
    if results.reply_policy is None:
        return table((), ())
    points = results.reply_policy["points"]
    heads = ("invented people", "policy", *(f"after {point:,} messages" for point in points), "runs below the rules")
    rows = []
    for world, words in WORLDS.items():
        found = results.reply_policy["worlds"][world]["regret"]
        below = f"{found['below_rules']} of {found['runs']}"
        for name, shown in (("rules", "rules"), ("proven", "learned, used once proven")):
            figures = (f"{one:,.0f}" for one in found["curves"][name])
            rows.append((words, shown, *figures, below if name == "proven" else "–"))
    return table(heads, rows)


def policy_coverage(results: Results) -> str:
    """Share of the runs whose 95% interval covers the exact value, by world and estimate."""
    if results.reply_policy is None:
        return table((), ())
    heads = ("invented people", "estimate", "runs", "intervals that cover the truth", "mean error", "mean width")
    rows = []
    for world, words in WORLDS.items():
        found = results.reply_policy["worlds"][world]["coverage"]
        for name, shown in ESTIMATES.items():
            one = found["estimates"][name]
            rows.append(
                (
                    words,
                    shown,
                    str(found["runs"]),
                    f"{one['coverage']:.1%}",
                    f"{one['bias']:+.4f}",
                    f"{one['width']:.3f}",
                )
            )
    return table(heads, rows)


def policy_proof(results: Results) -> str:
    """Number of policies that are proven, and of those that are worse all the same, by world."""
    if results.reply_policy is None:
        return table((), ())
    heads = (
        "invented people",
        "policies learned",
        "truly as good or better",
        "proven",
        "proven but worse",
        "mean true gain",
    )
    rows = []
    for world, words in WORLDS.items():
        found = results.reply_policy["worlds"][world]
        one = found["proof"]
        counts = (str(one[name]) for name in ("better", "proven", "proven_and_worse"))
        rows.append((words, str(found["coverage"]["runs"]), *counts, f"{one['mean_gain']:+.3f}"))
    return table(heads, rows)


def policy_risk(results: Results) -> str:
    """Numbers of messages, and of those explored, with and without a sign of danger."""
    if results.reply_policy is None:
        return table((), ())
    counts, real = [one["counts"] for one in results.reply_policy["worlds"].values()], results.reply_policy["real"]

    def add(name: str) -> str:
        return f"{sum(one[name] for one in counts):,}"

    return table(
        ("messages", "number", "explored"),
        [
            ("simulator, with a sign of danger or a failed check", add("risky"), add("risky_explored")),
            ("simulator, others", add("choices"), add("explored")),
            ("real replies, with a sign of danger", str(real["danger"]), str(real["danger_explored"])),
            ("real replies, others", str(real["ordinary"]), str(real["ordinary_explored"])),
        ],
    )
