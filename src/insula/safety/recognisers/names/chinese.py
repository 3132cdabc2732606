"""Chinese names of people after an introduction such as 我叫 or 姓名, or before a title such as 先生 or 女士."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.recognisers.names.characters_cn import (
    DOUBLE_SURNAMES,
    GIVEN_NAME_CHARACTERS,
    NO_NAMES,
    SURNAMES,
)
from insula.safety.spans import Span

_HAN = r"[\u4e00-\u9fff]"
_NAME = rf"(?P<name>(?:(?:{'|'.join(DOUBLE_SURNAMES)}){_HAN}{{1,2}}|[{SURNAMES}]{_HAN}{{1,3}}?))"
_END = r"(?=[^\u4e00-\u9fff0-9A-Za-z_]|$|[0-9]{3,}|电话|手机|性别|先生|女士|小姐|身份证|今年|住在?|是我|是你|，)"
# In a form the value is a name. In a sentence it must also look like one.
_FORM = re.compile(
    rf"(?:姓名|名字|联系人|收件人|收货人|寄件人|申请人|投诉人|报名人"
    rf"|户名|开户名|持卡人)(?:[:：为是]|是叫|叫)? {{0,2}}{_NAME}{_END}"
)
_SENTENCE = re.compile(
    rf"(?:(?:我|他|她|名字|名|儿子|女儿|孩子|老公|老婆|爸爸?|妈妈?|哥|姐|弟|妹|朋友|同学|同事)叫做?|我是|本人|患者|病人|当事人|业主|车主){_NAME}{_END}"
)
# A full name without an introduction, before words that only describe a person.
_DESCRIBED = re.compile(
    rf"(?:(?<=[，。；：:,;\n ])|^){_NAME}(?=是一[位名]"
    rf"|[，,]? ?[0-9]{{1,3}}岁|[，,（(][男女](?![\u4e00-\u9fff]))",
    re.MULTILINE,
)
_DOCTOR = re.compile(
    rf"(?:主治|主管|责任)(?:医生|医师|大夫|护士)(?:是|为)?(?P<name>(?:{'|'.join(DOUBLE_SURNAMES)}|[{SURNAMES}])[{''.join(sorted(GIVEN_NAME_CHARACTERS))}]{{2}})"
)
_FULL_NAME_TITLE = re.compile(r"医生|医师|大夫|护士|律师|警官")
_TITLE = re.compile(r"(?:先生(?!产|长)|女士(?!优先)|小姐(?!姐|妹))")
_MAX_NAME_CHARACTERS = 4
# The rarer surnames are common words, too: in 导游小姐 the word 导游 is a guide.
_COMMON_SURNAMES = SURNAMES[:140]
_NO_SURNAME_BEFORE_TITLE = frozenset("对位各方关单和时解成安向会包")


def find_names(text: str) -> Iterator[Span]:
    """Yield `name` spans, without the introduction and the title."""
    for found in _FORM.finditer(text):
        if found["name"] not in NO_NAMES:
            yield Span(*found.span("name"), "name")
    for found in _SENTENCE.finditer(text):
        if found["name"] not in NO_NAMES and _has_given_name(found["name"]):
            yield Span(*found.span("name"), "name")
    for pattern in (_DESCRIBED, _DOCTOR):
        for found in pattern.finditer(text):
            if found["name"] not in NO_NAMES and _has_given_name(found["name"]):
                yield Span(*found.span("name"), "name")
    for title in _FULL_NAME_TITLE.finditer(text):
        start = _find_name_start(text, title.start())
        if start is not None and title.start() - start >= 3:
            yield Span(start, title.start(), "name")
    for title in _TITLE.finditer(text):
        start = _find_name_start(text, title.start())
        if start is not None:
            yield Span(start, title.start(), "name")


def _has_given_name(name: str) -> bool:
    given = name[2:] if name[:2] in DOUBLE_SURNAMES and len(name) > 2 else name[1:]
    return 1 <= len(given) <= 2 and all(character in GIVEN_NAME_CHARACTERS for character in given)


def _find_name_start(text: str, end: int) -> int | None:
    """Return the start of the longest name that ends at `end`, or of a surname alone."""
    for length in range(min(_MAX_NAME_CHARACTERS, end), 0, -1):
        name = text[end - length : end]
        if name in DOUBLE_SURNAMES or (length > 1 and (name[0] in SURNAMES or name[:2] in DOUBLE_SURNAMES)):
            if name in DOUBLE_SURNAMES or (
                (length > 2 or name[0] in _COMMON_SURNAMES) and (_has_given_name(name) and name not in NO_NAMES)
            ):
                return end - length
        elif length == 1 and name in _COMMON_SURNAMES and name not in _NO_SURNAME_BEFORE_TITLE:
            return end - 1
    return None
