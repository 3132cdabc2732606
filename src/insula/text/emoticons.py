"""Emoticons such as `:)`, `T_T` and `(╯°□°）╯`, replaced by equivalent emoji."""

from __future__ import annotations

import re

# Not inside words: xD, :P and o_O also occur in product names, times and links.
_ALONE = "(?<![A-Za-z0-9_])"
_ENDS = "(?![A-Za-z0-9_])"
_FREE = r"(?<!\S)"

# The first match wins, so longer emoticons come first. Patterns have no capturing groups: a group's number is its row.
_TABLE: tuple[tuple[str, str], ...] = (
    # drawn from many characters
    ("😡", r"[(（][╯ノ][^\s()（）]{1,8}[)）][╯ノ](?:\s?[︵彡])?(?:\s?┻━*┻)?"),
    ("😤", r"╭?[(（]╯\^╰[)）]╮?"),
    ("🤷", r"¯\\_[(（]ツ[)）]_/¯"),
    ("😒", r"[(（]?ಠ_+ಠ[)）]?"),
    ("😄", r"\\[(（]\^[o_]\^[)）]/"),
    ("🤗", r"[(（]づ[^\s()（）]{1,8}[)）]づ"),
    ("😍", r"[(（]?｡?♥‿♥｡?[)）]?"),
    ("😩", r"_?[(（]:[зε3]」∠[)）]?_*"),
    # upright, eyes on both sides of a mouth
    ("😊", r"(?<![A-Za-z0-9_^])[(（]?\^[_.\-o]*\^[)）]?(?![A-Za-z0-9_^])"),
    ("😭", rf"{_ALONE}[(（]?(?:T[_.^]+T|;_+;|Q_+Q|QAQ|QwQ|TAT(?=[^\x00-\x7f]|$))[)）]?{_ENDS}"),
    ("😑", r"(?<![\w\-=])(?:-_+-|=_+=)(?![\w\-=])"),
    ("😖", rf"{_ALONE}[(（]?>[_.]+<[)）]?{_ENDS}"),
    ("😒", rf"{_ALONE}(?:>_+>|<_+<|¬_+¬){_ENDS}"),
    ("😳", rf"{_ALONE}(?:[oO]_+[oO]|O\.[oO]|o\.O){_ENDS}"),
    ("😵", rf"{_ALONE}@_+@{_ENDS}"),
    # lying on their side
    ("😠", r">:-?[(\[]+"),
    ("😈", rf">:-?(?:\)+|D{_ENDS})"),
    ("🥲", r"[:=]['’]-?\)+"),
    ("😢", r"[:=]['’,]-?[(\[]+"),
    ("💔", r"</+3(?!\d)"),
    ("❤️", r"(?<!\d)<3+(?!\d|[.,]\d|%)"),
    ("😎", rf"{_FREE}[8B]-\)"),
    ("😉", r"(?<!&gt)(?<!&lt)(?<!&amp)(?<!quot);[\-^]?\)+"),
    ("☺️", rf"(?<!\d)[:=][\-^o]?\)+|{_FREE}[:=]-?\]|{_FREE}\([\-]?[:=](?!\w)|{_FREE}:3(?!\S)"),
    ("☹️", rf"{_FREE}[:=][\-^]?\(+|(?<!\d)[:=][\-^]?\(+(?!\w)|{_FREE}\)+-?:(?!\S)|{_FREE}:-[<\[]"),
    ("😧", rf"{_FREE}D:(?!\S)"),
    ("😃", rf"{_ALONE}[:=]-?D+{_ENDS}"),
    ("😆", rf"{_ALONE}[xX]-?D+{_ENDS}"),
    ("😜", rf"{_ALONE};-?[DpP]{_ENDS}"),
    ("😛", rf"{_ALONE}[:=]-?[pP]+{_ENDS}"),
    ("😘", r"(?<![\w*]):-?\*+(?!\w)"),
    ("😮", rf"{_ALONE}[:=]-?[oO]+{_ENDS}"),
    ("😕", rf"(?<![\w:/])[:=]-?[/\\](?![/\\@\w])|{_FREE}:-?[sS](?!\S)"),
    ("😐", r"(?<![\w|])[:=]-?\|(?![\w|])"),
    ("😳", rf"{_FREE}:-?\$(?!\w)"),
)
_EMOJI = ("", "", *(emoji for emoji, _ in _TABLE))
_EMOTICON = re.compile(r"((?:https?://|www\.)\S+)|" + "|".join(f"({pattern})" for _, pattern in _TABLE))
# Most texts have no emoticon, and this pattern rules them out in microseconds: it starts with one character class.
_MARK = re.compile(r"[:;=<>^_╯ツづ‿ಠ∠xXToOQB8](?:(?<=[^xXToOQB8])|-?D|\.[OoT]|AQ|wQ|AT|-\))")
_PERHAPS = re.compile(
    r"[:;=]['’,^o\-]{0,2}[()\[\]DpP*oO/\\|sS$3<]|[(（)]-?[:=]|D:|</*3|[xX]-?D|\^|[_.][<>TQOo@;¬=\-]|QAQ|QwQ|TAT"
    r"|[╯ノツづ‿ಠ∠]|[8B]-\)"
)


def emoticons_to_emoji(text: str) -> str:
    """Return the text with each emoticon replaced by an equivalent emoji; links, times and ratios stay."""
    if _MARK.search(text) is None or _PERHAPS.search(text) is None:
        return text
    return _EMOTICON.sub(_convert_emoticon, text)


def find_emoticons(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of every emoticon of a text."""
    if _MARK.search(text) is None or _PERHAPS.search(text) is None:
        return []
    return [match.span() for match in _EMOTICON.finditer(text) if match.lastindex != 1]


def _convert_emoticon(match: re.Match[str]) -> str:
    row = match.lastindex or 1
    return match.group() if row == 1 else _EMOJI[row]
