"""`find_opposites`: words of the opposite feeling or judgement, for one word of English or Chinese.

The pairs are common words of feeling and judgement that fit into the same place of a sentence. A word may have several
opposites; the first is the closest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# Each line: words of one side | words of the other. Every word of a side is an opposite of every word of the other.
_ENGLISH = """
good great fine | bad poor awful
best finest | worst poorest
better | worse
well | badly poorly
happy glad pleased | sad unhappy upset
cheerful joyful | gloomy miserable
happily gladly | sadly unhappily
happiness joy | sadness misery
love like enjoy adore | hate dislike loathe
loves likes enjoys | hates dislikes loathes
loved liked enjoyed | hated disliked loathed
loving | hating
lovely | horrible nasty
wonderful excellent superb terrific fantastic amazing brilliant | terrible dreadful horrible awful atrocious pathetic
beautiful gorgeous pretty | ugly hideous
beautifully wonderfully brilliantly superbly | terribly dreadfully badly horribly
interesting engaging gripping absorbing compelling fascinating engrossing | boring dull tedious tiresome uninteresting
exciting thrilling | dull boring
entertaining enjoyable | boring tedious
funny hilarious amusing witty | unfunny humorless dull
fun | dull
humor wit | dullness
clever smart intelligent | stupid dumb silly
cleverly smartly | stupidly
original inventive fresh innovative | derivative stale unoriginal formulaic
creative imaginative | unimaginative formulaic
moving touching poignant affecting | cold flat unmoving
warm | cold
powerful strong | weak feeble
strongly | weakly
strength | weakness
charming delightful appealing likable | annoying irritating unappealing
charm delight | annoyance tedium
delights | annoys
deep profound | shallow
rich | thin
subtle | crude heavy-handed
vivid | flat
lively energetic | lifeless listless
smooth | clumsy
graceful elegant | clumsy awkward
perfect flawless | flawed
perfectly | imperfectly
success triumph | failure disaster
successful | unsuccessful failed
succeeds works | fails
succeed work | fail
masterpiece gem | mess disaster
pleasure treat | pain chore
satisfying | unsatisfying disappointing
satisfied | disappointed dissatisfied
impressive | unimpressive disappointing
worthwhile | worthless pointless
worthy | unworthy
recommend | avoid
hope | despair
hopeful | hopeless
optimistic | pessimistic
positive | negative
kind gentle | cruel mean
friendly | unfriendly hostile
helpful | useless unhelpful
useful | useless
honest sincere | dishonest insincere
true real | false fake
convincing believable | unconvincing implausible
plausible | implausible
coherent | incoherent
memorable unforgettable | forgettable
remarkable extraordinary | ordinary mediocre
special | ordinary
superior | inferior
talented skilled | untalented incompetent
competent | incompetent
effective | ineffective
refreshing | tired
sweet | bitter
pleasant nice | unpleasant
comfortable | uncomfortable
calm relaxed | angry nervous
peaceful | violent
safe | dangerous
proud | ashamed
confident | insecure
brave | scared
afraid scared worried anxious | calm confident relaxed
fear anxiety | calm confidence
frightening scary | soothing
angry furious annoyed mad | calm pleased happy
anger rage | calm joy
disgusting gross | pleasant delightful
disgust | delight
grateful thankful | ungrateful resentful
lucky | unlucky
fast quick | slow
easy | hard difficult
clear | unclear confusing
clean | dirty
bright | dark
fair | unfair
right | wrong
win | lose
won | lost
more | less
most | least
enough | insufficient
full | empty
respect admire | despise
admired respected | despised
laugh smile | cry weep
laughs smiles | tears
excited | bored
interested | bored
surprised | unsurprised
lonely | loved
tired | rested
welcome | unwelcome
acceptable | unacceptable
reliable | unreliable
patient | impatient
polite | rude
generous | stingy
unfortunately | fortunately
problem | advantage
problems | advantages
"""
_CHINESE = """
好 不错 | 差 糟糕
最好 | 最差
更好 | 更差
喜欢 喜爱 爱 | 讨厌 厌恶 恨
开心 高兴 快乐 愉快 | 难过 伤心 痛苦 不开心
幸福 | 不幸 痛苦
满意 | 失望 不满
惊喜 | 失望
感动 | 冷漠 反感
感谢 谢谢 | 埋怨
温暖 温馨 | 冰冷 冷漠
热情 | 冷淡
美丽 漂亮 好看 | 丑陋 难看
精彩 | 乏味 无聊
有趣 有意思 | 无聊 没意思
好听 | 难听
好吃 美味 | 难吃
好用 | 难用
方便 | 麻烦
舒服 舒适 | 难受
干净 | 肮脏 脏
快 | 慢
便宜 | 昂贵 贵
成功 | 失败
胜利 | 失败
希望 | 绝望
放心 安心 | 担心 不安
平静 冷静 | 愤怒 生气
生气 愤怒 恼火 | 平静 高兴
害怕 恐惧 担心 | 放心 安心
轻松 | 沉重 紧张
兴奋 激动 | 平静 沮丧
骄傲 自豪 | 羞愧
自信 | 自卑
勇敢 | 胆小
善良 | 恶毒
友好 | 敌对
真实 | 虚假
聪明 | 愚蠢
优秀 出色 | 糟糕 平庸
完美 | 糟糕
强大 | 弱小
健康 | 生病
安全 | 危险
积极 | 消极
乐观 | 悲观
支持 | 反对
赞同 同意 | 反对
赞 | 烂
棒 | 差劲
厉害 | 差劲
幸运 | 倒霉
加油 | 放弃
期待 | 害怕
清楚 | 模糊
简单 | 困难
笑 | 哭
哈哈 哈哈哈 | 呜呜
"""

# Words of the pairs that judge without feeling, or mean something else most of the time ("like", "right").
_NO_EMOTION = frozenset(
    """
    more less most least enough insufficient full empty right wrong well like fast quick slow easy hard difficult true
    real false fake clear dark bright deep thin rich flat cold warm fresh tired pretty patient special ordinary problem
    problems advantage advantages win lose won lost works work treat mean fine rested
    快 慢 贵 便宜 清楚 模糊 简单 困难 真实 虚假 强大 弱小 安全 健康 生病 脏 干净
    """.split()
)


def _read_pairs(lines: str) -> Iterator[tuple[str, str]]:
    for line in lines.strip().splitlines():
        first, second = (side.split() for side in line.split("|"))
        for one, others in ((first, second), (second, first)):
            yield from ((word, other) for word in one for other in others)


def _index_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for word, other in pairs:
        found.setdefault(word, {})[other] = None
    return {word: tuple(others) for word, others in found.items()}


_OPPOSITES = _index_pairs((*_read_pairs(_ENGLISH), *_read_pairs(_CHINESE)))


def find_opposites(word: str) -> tuple[str, ...]:
    """Return the opposites of a word in its own letter case, the closest first; none for a word without any."""
    found = _OPPOSITES.get(word.lower(), ())
    if len(word) > 1 and word.isupper():
        return tuple(other.upper() for other in found)
    return tuple(other.capitalize() for other in found) if word[:1].isupper() else found


EMOTION_WORDS: tuple[str, ...] = tuple(word for word in _OPPOSITES if word not in _NO_EMOTION)
"""Common words of feeling and judgement of both languages, in lower case."""
