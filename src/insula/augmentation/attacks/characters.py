"""Candidates of the attack on characters: typing errors that a reader corrects without noticing.

English as in DeepWordBug (Gao et al. 2018): two letters swapped, one deleted, doubled, or replaced by a neighbouring
key; first and last letter stay. Chinese: a character of the same or an easily confused syllable, or a character split
into its two halves (好 becomes 女子).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from insula.augmentation.attacks.search import SplitText
from insula.augmentation.noise import MIN_LETTERS, NEIGHBOURS
from insula.text.scripts import HAN

MAX_EDITS = 12
"""Candidates of a word."""
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
_LATIN = re.compile(rf"[A-Za-z]{{{MIN_LETTERS},}}")
_CHINESE = re.compile(f"[{HAN}]+")


def find_character_edits(sentence: SplitText, place: int, chance: random.Random) -> list[str]:
    """Return words that differ by one character from the word at a position."""
    word = sentence.words[place]
    if _LATIN.fullmatch(word):
        found = list(dict.fromkeys(_iterate_typos(word)))
    elif _CHINESE.fullmatch(word):
        found = list(dict.fromkeys(_iterate_chinese_typos(word)))
    else:
        return []
    return chance.sample(found, MAX_EDITS) if len(found) > MAX_EDITS else found


def _iterate_typos(word: str) -> Iterator[str]:
    for at in range(1, len(word) - 1):
        letter = word[at]
        if at < len(word) - 2 and letter != word[at + 1]:
            yield word[:at] + word[at + 1] + letter + word[at + 2 :]
        yield word[:at] + word[at + 1 :]
        yield word[:at] + letter + word[at:]
        for near in NEIGHBOURS[letter.lower()]:
            yield word[:at] + (near.upper() if letter.isupper() else near) + word[at + 1 :]


def _iterate_chinese_typos(word: str) -> Iterator[str]:
    from insula.augmentation.pinyin_edits import find_homophones, find_near_homophones  # the extra is for Chinese only

    for at, character in enumerate(word):
        if character in HALVES:
            yield word[:at] + HALVES[character] + word[at + 1 :]
        for other in find_homophones(character) + find_near_homophones(character):
            yield word[:at] + other + word[at + 1 :]
