"""`iterate_trained_scores`: levels of empathy by a model that `insula empathy train` has made.

The model has two labels for each mechanism, `emotional_reaction_1` and `emotional_reaction_2`: at least level 1, at
least level 2 (Frank and Hall, 2001, A Simple Approach to Ordinal Classification). Its own thresholds decide.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from insula.core.model_input import ModelInput, TextOrInput
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.empathy.scoring.reply_parts import ReplyPart, split_reply
from insula.empathy.scoring.result import MECHANISMS, EmpathyScore, Mechanism, MechanismScore, Rationale
from insula.empathy.scoring.shown_cues import read_cue_table
from insula.text.scripts import detect_language_by_script


def get_level_label(mechanism: Mechanism, level: int) -> str:
    """Return the label for a level that is reached at least, 1 or 2."""
    return f"{mechanism}_{level}"


Scoring = Generator[Sequence[TextOrInput], Sequence[Prediction], list[EmpathyScore]]
MAX_SENTENCES = 50  # of a reply that are read alone
LABELS = tuple(get_level_label(mechanism, level) for mechanism in MECHANISMS for level in (1, 2))


def is_scorer(scheme: LabelScheme) -> bool:
    """Return whether a model with these labels scores empathy."""
    return set(scheme.names) == set(LABELS)


def iterate_trained_scores(replies: Sequence[ModelInput], messages: Sequence[str]) -> Scoring:
    """Yield inputs, receive their predictions, and return the score of each reply to its message.

    The words that show a mechanism are its sentences for which the model, given each alone, finds it; the highest one
    if it finds it in none. After the first `MAX_SENTENCES` no sentence is read alone.
    """
    predictions = yield replies
    parts = [_list_parts(one.text) for one in replies]
    shown = [bool(prediction.labels) for prediction in predictions]
    alone = [
        replace(one, text=part.text)
        for one, some, is_shown in zip(replies, parts, shown, strict=True)
        if is_shown and some[1:]
        for part in some
    ]
    found = iter((yield alone) if alone else ())
    scores = []
    for one, message, prediction, some, is_shown in zip(replies, messages, predictions, parts, shown, strict=True):
        single = [next(found) for _ in some] if is_shown and some[1:] else [prediction] * len(some)
        scores.append(_build_score(one, message, prediction, some, single))
    return scores


def _build_score(
    reply: ModelInput, message: str, prediction: Prediction, parts: Sequence[Rationale], alone: Sequence[Prediction]
) -> EmpathyScore:
    language = detect_language_by_script(reply.text)
    missing = read_cue_table(language).missing
    scores: dict[str, MechanismScore] = {}
    for mechanism in MECHANISMS:
        first, second = (get_level_label(mechanism, level) for level in (1, 2))
        level = 2 if second in prediction.labels else int(first in prediction.labels)
        at_least = prediction.scores[first], min(prediction.scores[first], prediction.scores[second])
        scores[mechanism] = MechanismScore(
            level,
            (1 - at_least[0], at_least[0] - at_least[1], at_least[1]),
            tuple(_choose_words(first, parts, alone)) if level else (),
            None if level == 2 else missing[mechanism][level],
        )
    return EmpathyScore(message, reply.text, language, scorer="trained", **scores)


def _choose_words(label: str, parts: Sequence[Rationale], alone: Sequence[Prediction]) -> Iterator[Rationale]:
    decided = [label in one.labels for one in alone]
    highest = max((one.scores[label] for one in alone), default=0.0)
    for part, one, is_decided in zip(parts, alone, decided, strict=True):
        if is_decided or (not any(decided) and one.scores[label] == highest):
            yield part


def _list_parts(text: str) -> list[Rationale]:
    """Return the sentences of a reply, without space around them."""
    parts: list[ReplyPart] = split_reply(text, read_cue_table(detect_language_by_script(text)).forms)
    found = []
    for part in parts:
        written = text[part.start : part.start + len(part.text)]
        start = part.start + len(written) - len(written.lstrip())
        found.append(Rationale(start, start + len(written.strip()), written.strip()))
    return [one for one in found if any(character.isalnum() for character in one.text)][:MAX_SENTENCES]
