"""`sounds`: the syllables of Chinese characters, after the text, so that n-grams recognise words written by homophones.

Writers of Chinese replace characters by others of the same sound, by mistake or to evade filters. The syllables have no
tones, and those that are easily confused or mistyped (zh and z, n and l, in and ing) are one. A character that is split
into its two halves (女子 for 好) counts as the character. `syllables.txt` (by `scripts/make_syllables.py`) has the most
frequent reading of each of the 6,763 characters of GB 2312, from pypinyin (MIT).
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from collections.abc import Mapping

from insula.text.protected_words import CHINESE_NEGATIONS
from insula.text.scripts import contains_han

INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("f", "h"), ("r", "l"))
FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"))
"""Pairs of sounds that are easily confused or mistyped."""
HALVES = {
    three[0]: three[1:]
    for three in """
    好女子 妈女马 她女也 姐女且 妹女未 奶女乃 如女口 妙女少 嫁女家 娘女良 明日月 时日寸 晴日青
    晚日免 昨日乍 暗日音 林木木 村木寸 相木目 样木羊 桥木乔 枯木古 校木交 吃口乞 听口斤 味口未
    唱口昌 吗口马 呢口尼 吧口巴 咬口交 响口向 叹口又 和禾口 种禾中 秋禾火 知矢口 短矢豆 加力口
    动云力 功工力 助且力 的白勺 朋月月 期其月 胡古月 胖月半 脏月庄 肚月土 肥月巴 睡目垂 瞎目害
    盯目丁 眯目米 灯火丁 炒火少 烂火兰 烦火页 炸火乍 鸭甲鸟 鸡又鸟 鹅我鸟 对又寸 欢又欠 难又隹
    观又见 双又又 戏又戈 歌哥欠 欺其欠 强弓虽 张弓长 矿石广 砍石欠 破石皮 研石开 砖石专 站立占
    粉米分 精米青 粗米且 糕米羔 较车交 转车专 软车欠 跑足包 跳足兆 踢足易 骑马奇 驴马户 驶马史
    骗马扁 鲜鱼羊 野里予 静青争 顶丁页 顺川页 领令页 颗果页 题是页 理王里 球王求 玩王元 现王见
    珠王朱 环王不 取耳又 聪耳总 耻耳止 职耳只 聊耳卯 甜舌甘 躲身朵 躺身尚 醒酉星 孙子小 孩子亥
    仙人山
    """.split()
}
"""Characters of two halves that are characters themselves, side by side."""
KEPT = frozenset(f"{CHINESE_NEGATIONS}很太")
"""Characters that stay: another one would change the feeling."""
_WHOLE = {halves: character for character, halves in HALVES.items()}
_PAIR = re.compile("|".join(_WHOLE))
_FIRST_CODE = 0xAC00  # Hangul, which Chinese texts do not contain: n-grams count characters, so a syllable must be one


def append_sounds(text: str, language: str | None = None) -> str:
    """Return the text followed by the sounds of its Chinese characters, one character for each syllable."""
    if language == "ja" or not contains_han(text):
        return text
    whole = _PAIR.sub(lambda match: _WHOLE[match[0]], "".join(text.split()))
    codes = _load_codes()
    return f"{text} {''.join(codes.get(character, character) for character in whole)}"


def fold_syllable(syllable: str) -> str:
    """Return the syllable that stands for a toneless one and for all that are easily confused with it."""
    for long, short in INITIALS:
        if syllable.startswith(long):
            syllable = short + syllable[len(long) :]
    for long, short in FINALS:
        if syllable.endswith(long):
            syllable = syllable[: -len(long)] + short
    return syllable


@functools.cache
def _load_codes() -> Mapping[str, str]:
    """Return the code of each character's folded syllable; protected characters have none."""
    lines = (importlib.resources.files("insula.text") / "syllables.txt").read_text(encoding="utf-8").splitlines()
    found = [(fold_syllable(syllable), characters) for syllable, _, characters in (one.partition(" ") for one in lines)]
    code = {one: chr(_FIRST_CODE + number) for number, one in enumerate(sorted({syllable for syllable, _ in found}))}
    return {
        character: code[syllable] for syllable, characters in found for character in characters if character not in KEPT
    }
