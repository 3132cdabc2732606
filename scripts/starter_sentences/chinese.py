"""Chinese sentences, some of them in traditional characters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from starter_sentences.parts import (
    IRONIC,
    NEGATIVE,
    NOT_BAD,
    NOT_GOOD,
    POSITIVE,
    Parts,
    Sentence,
    clause,
    compose,
    first,
    negate,
)
from starter_sentences.traditional import to_traditional

STRONG = ("很", "非常", "特别", "真", "太", "超级", "十分", "好", "真的很", "无比", "极其", "相当")
WEAK = ("有点", "有一点", "有些", "稍微有点", "略微有些", "多少有点")
TRADITIONAL_SHARE = 0.08


def sentences(parts: Parts, count: int) -> Iterator[Sentence]:
    """Yield every event once as it is, then `count` composed sentences; some may be equal."""
    makers = (
        (_feeling, 18), (_negated_feeling, 20), (_opinion, 12), (_negated_opinion, 14), (_double_negation, 10),
        (_contrast, 16), (_irony, 10), (_event, 26), (_small, 6), (_refusal, 2), (_mixed, 4), (_other, 8),
    )  # fmt: skip
    for sentence in compose(parts, count, makers, close=close, full_stop="。"):
        if parts.random.random() < TRADITIONAL_SHARE:
            yield replace(sentence, text=to_traditional(sentence.text))
        else:
            yield sentence


def _degree(parts: Parts, *, weak: bool = True) -> str:
    return parts.random.choice((*STRONG, *WEAK)) if weak else parts.random.choice(STRONG)


def _feeling(parts: Parts) -> Sentence:
    key, word = parts.group("feelings")
    topic, person, name, degree = parts.pick("topics"), parts.pick("people"), parts.pick("names"), _degree(parts)
    event = parts.named(parts.group("events", {first(key)})[1])
    text = parts.random.choice(
        (
            f"我{degree}{word}", f"{degree}{word}", f"今天{degree}{word}", f"心里{degree}{word}", f"我觉得{degree}{word}",
            f"{topic}让我{degree}{word}", f"想到{topic}就{degree}{word}", f"{name}{degree}{word}", f"{word}死了", f"{word}极了",
            f"{person}{degree}{word}", f"从来没有这么{word}过", f"{event}，我{degree}{word}", f"一整天都{degree}{word}",
            f"{degree}{word}，因为{event}", f"听到{topic}的消息，我{degree}{word}", f"说实话，我{degree}{word}", f"{name}让我{degree}{word}",
            f"越想越{word}", f"{word}得睡不着", f"最近一直{degree}{word}", f"感到{degree}{word}",
        )
    )  # fmt: skip
    return parts.make(close(parts, text, key), key)


def _negated_feeling(parts: Parts) -> Sentence:
    key, word = parts.group("feelings")
    topic, name = parts.pick("topics"), parts.pick("names")
    text = parts.random.choice(
        (
            f"我不{word}", f"我一点也不{word}", f"我一点都不{word}", f"一点儿都不{word}", f"我并不{word}", f"我不再{word}了",
            f"对{topic}我不{word}", f"{name}不{word}", f"没有{word}", f"我没有{word}", f"我不觉得{word}", f"我从来不{word}",
            f"{topic}没有让我{word}", f"我已经不{word}了", f"完全不{word}", f"我可不{word}", f"谈不上{word}", f"我没有觉得{word}",
            f"怎么也{word}不起来", f"我丝毫不{word}", f"我才不{word}呢", f"其实我不{word}", f"根本不{word}", f"不怎么{word}",
        )
    )  # fmt: skip
    after = negate(key)
    return parts.make(close(parts, text, after, calm=True), after)


def _opinion(parts: Parts) -> Sentence:
    key, word = parts.group(parts.random.choice(("good", "bad")))
    thing, person, degree = parts.pick("things"), parts.pick("people"), _degree(parts, weak=False)
    text = parts.random.choice(
        (
            f"这个{thing}{degree}{word}", f"{thing}{degree}{word}", f"{degree}{word}", f"{degree}{word}的{thing}", f"我觉得{thing}{degree}{word}",
            f"{person}说这个{thing}{degree}{word}", f"从头到尾都{degree}{word}的{thing}", f"{thing}和{parts.pick('things')}都{degree}{word}",
            f"没想到{thing}这么{word}", f"这{thing}也太{word}了", f"{thing}真是{word}", f"见过最{word}的{thing}", f"{thing}挺{word}的",
        )
    )  # fmt: skip
    return parts.make(close(parts, text, key), key)


def _negated_opinion(parts: Parts) -> Sentence:
    is_good = parts.random.random() < 0.55
    _, word = parts.group("good" if is_good else "bad")
    thing = parts.pick("things")
    forms = [
        f"这个{thing}不{word}", f"{thing}一点也不{word}", f"我不觉得{thing}{word}", f"{thing}并不{word}", f"不{word}", f"{thing}不算{word}",
        f"{thing}一点都不{word}", f"{thing}没有一点{word}的地方", f"这{thing}根本不{word}",
    ]  # fmt: skip
    if is_good:
        forms += [
            f"{thing}没有传说中那么{word}", f"{thing}不太{word}", f"{thing}不怎么{word}", f"我不喜欢这个{thing}", f"{thing}谈不上{word}",
            f"{thing}没有想象的{word}", f"对{thing}不满意", f"{thing}跟{word}不沾边", f"哪里{word}了，这个{thing}", f"不喜欢{thing}",
        ]  # fmt: skip
    after = NOT_GOOD if is_good else NOT_BAD
    return parts.make(close(parts, parts.random.choice(forms), after), after)


def _double_negation(parts: Parts) -> Sentence:
    thing, topic, name = parts.pick("things"), parts.pick("topics"), parts.pick("names")
    _, bad = parts.group("bad")
    _, good = parts.group("good")
    options = (
        (f"{thing}并不{bad}", NOT_BAD), (f"{thing}不能说不{good}", NOT_BAD), (f"没有谁不喜欢{name}", "admiration:0.6 love:0.3 approval"),
        (f"我不是不喜欢{name}", "neutral caring:0.4 approval:0.3"), (f"不得不说，{thing}真{good}", "admiration approval:0.4"),
        (f"{thing}没什么不好", "approval"), (f"{name}不会不管你的", "caring optimism:0.4"), (f"没有一晚不想{name}", "sadness love:0.4"),
        (f"我不讨厌{thing}", "approval:0.5 neutral"), (f"{topic}没有什么不满意的", "approval joy:0.3"), ("不无道理", "approval"),
        (f"谁不爱{thing}呢", "love:0.5 approval"), (f"不可能不喜欢{thing}", "love admiration:0.4"), (f"{thing}再好不过了", "admiration joy:0.4"),
        (f"{thing}再差不过了", "disappointment annoyance:0.5 disapproval:0.4"), (f"不得不佩服{name}", "admiration"), ("我没有不高兴", "neutral approval:0.3"),
        (f"并不是不想去{topic}，是没时间", "neutral:0.7 desire:0.4"), (f"没有比{topic}更让人开心的了", "joy excitement:0.3"), (f"没有比{thing}更让人失望的了", "disappointment"),
        (f"{name}从不让人失望", "admiration approval:0.4"), (f"我从不后悔{topic}", "approval:0.7 neutral:0.3"), (f"{thing}还不赖", NOT_BAD), (f"{thing}不差", NOT_BAD),
    )  # fmt: skip
    text, key = parts.random.choice(options)
    return parts.make(close(parts, text, key), key)


def _contrast(parts: Parts) -> Sentence:
    good_key, good = _clause(parts, is_good=True)
    bad_key, bad = _clause(parts, is_good=False)
    (a, _), (b, key) = parts.random.sample([(good, good_key), (bad, bad_key)], 2)
    but = parts.random.choice(("但是", "可是", "不过", "但", "可", "然而", "结果", "却"))
    text = parts.random.choice(
        (
            f"{a}，{but}{b}", f"虽然{a}，{but}{b}", f"尽管{a}，{b}", f"{a}是{a}，{but}{b}" if len(a) < 4 else f"{a}，{but}{b}",
            f"本来{a}，没想到{b}", f"一开始{a}，后来{b}", f"大家都说{a}，我却说{b}", f"原以为{a}，{but}{b}", f"{b}，即使{a}", f"{a}。{but}{b}",
        )
    )  # fmt: skip
    return parts.make(close(parts, text, key), key)


def _clause(parts: Parts, *, is_good: bool) -> tuple[str, str]:
    return clause(
        parts,
        is_good=is_good,
        opinion=lambda word: f"{parts.pick('things')}{_degree(parts, weak=False)}{word}",
        feeling=lambda word: f"我{_degree(parts, weak=False)}{word}",
    )


def _irony(parts: Parts) -> Sentence:
    bad = parts.random.choice(parts.content["neutral_texts"]["sarcasm_bad"])
    praise = parts.random.choice(
        (
            "真好",
            "太棒了",
            "真行",
            "好极了",
            "真不错",
            "可真厉害",
            "妙啊",
            "真贴心",
            "绝了",
            "真会做事",
            "厉害了",
            "完美",
        )
    )
    text = parts.random.choice(
        (
            f"{praise}，{bad}", f"{bad}，{praise}", f"{praise}！{bad}", f"呵呵，{bad}", f"{bad}，呵呵", f"我可真幸运，{bad}", f"谢谢啊，{bad}",
            f"可真是谢谢{parts.pick('people')}了，{bad}", f"{bad}，我谢谢您嘞", f"正想着呢，{bad}，{praise}", f"{parts.pick('people')}{praise}，{bad}",
            f"又是一个{parts.random.choice(('会', '账单', '通宵', '表格', '报错'))}，{praise}", f"还能更糟吗，{bad}", f"{bad}，真是美好的一天", f"好一个{parts.pick('people')}，{bad}",
            f"你可真聪明，{bad}", f"我最喜欢{bad}了", f"{bad}，服了", f"行吧，{bad}",
        )
    )  # fmt: skip
    return parts.make(close(parts, text, IRONIC), IRONIC)


def _event(parts: Parts) -> Sentence:
    key, event = parts.group("events")
    opening = parts.random.choice(
        (
            "",
            "",
            "",
            "唉，",
            "说真的，",
            "今天",
            "跟你说，",
            f"{parts.pick('names')}，",
            "哎，",
            "刚刚，",
            "你知道吗，",
            "朋友们，",
        )
    )
    if opening == "唉，" and first(key) in POSITIVE:
        opening = ""
    return parts.make(close(parts, opening + parts.named(event), key), key)


def _small(parts: Parts) -> Sentence:
    key, event = parts.group("events", {"neutral"})
    return parts.make(close(parts, parts.named(event), key, calm=True), key)


def _mixed(parts: Parts) -> Sentence:
    a_key, a = parts.group("feelings", POSITIVE)
    b_key, b = parts.group("feelings", NEGATIVE)
    x, y = parts.random.choice([(a, b), (b, a)])
    topic = parts.pick("topics")
    text = parts.random.choice(
        (f"又{x}又{y}", f"{topic}让我又{x}又{y}", f"既{x}，也{y}", f"一半{x}一半{y}", f"{x}之余有点{y}")
    )
    return parts.make(close(parts, text, a_key), f"{first(a_key)} {first(b_key)}")


def _refusal(parts: Parts) -> Sentence:
    text = parts.random.choice(
        (
            "不用了，谢谢",
            "谢谢，不需要",
            "不必了，多谢",
            "谢谢，我已经有了",
            "今天不要，谢谢",
            "不用，谢谢{name}",
            "谢谢，吃饱了",
            "别客气",
            "没事，不用谢",
        )
    )
    return parts.make(close(parts, parts.named(text), "neutral", calm=True), "neutral")


def _other(parts: Parts) -> Sentence:
    """Return reassurance, dialect and net talk."""
    name, topic, thing = parts.pick("names"), parts.pick("topics"), parts.pick("things")
    options = (
        (f"别怕，{name}", "caring"), (f"别伤心了，{name}", "caring"), (f"不要担心{topic}", "caring optimism:0.3"), (f"没什么可怕的，{name}", "caring neutral:0.3"),
        ("不用紧张，慢慢来", "caring"), ("没人对我好", "sadness disappointment:0.4"), (f"没有人帮{name}", "sadness:0.6 annoyance:0.4 disappointment"),
        ("俺可高兴了", "joy"), ("俺心里憋屈", "sadness annoyance:0.3"), (f"这{thing}忒好了", "admiration"), (f"{thing}嘎嘎好", "admiration joy:0.3"), ("安逸惨了", "joy"),
        (f"呢个{thing}好正", "admiration joy:0.3"), ("我好嬲啊", "anger annoyance:0.4"), ("我好惊", "fear"), ("好唔开心", "sadness"), (f"唔该晒，{name}", "gratitude"), ("气得老子冒火", "anger"),
        ("阿拉老开心额", "joy"), (f"憋火得很，{topic}", "annoyance anger:0.3"), (f"emo了，{topic}", "sadness"), (f"破防了，{topic}", "sadness:0.7 surprise:0.2 anger:0.3"), (f"{thing}yyds", "admiration love:0.3"),
        (f"裂开，{topic}", "annoyance sadness:0.4"), (f"绝绝子，{thing}太好了", "admiration joy:0.3"), (f"{thing}我要退款", "annoyance anger:0.3 disapproval:0.3"),
        (f"收到的{thing}是坏的", "disappointment annoyance:0.6"), (f"{thing}一直没发货", "annoyance disappointment:0.4"), (f"找了五次客服都没人管{thing}的事", "annoyance anger:0.3 disappointment:0.3"),
        ("店员对我爱搭不理", "annoyance anger:0.3 disapproval:0.3"), (f"{thing}第二天就不能用了", "disappointment annoyance:0.5"), (f"没买{thing}也扣我钱", "anger:0.5 annoyance"),
        ("医生说没有办法了", "sadness fear:0.3"), (f"{name}昏迷三天了", "sadness fear:0.4"), (f"治疗有效，{name}好多了", "relief joy:0.5"), ("检查结果是阴性，谢天谢地", "relief"),
        ("喘气就疼，我很怕", "fear nervousness:0.3"), ("终于不疼了", "relief joy:0.3"), (f"{thing}的毛病总算修好了", "relief joy:0.5"), ("这代码写得我想骂人", "annoyance anger:0.3"),
        ("为什么本地能跑，服务器上就报错", "confusion annoyance:0.4"), (f"一点保存{thing}就崩", "annoyance disappointment:0.3"), (f"{name}从来不听我说话", "sadness annoyance:0.6 disappointment:0.4"),
        (f"{name}对我没有感情了", "sadness"), (f"我不喜欢{name}了", "neutral disapproval:0.3 sadness:0.2"), (f"我不恼{name}", "neutral approval:0.3"), ("很久没有开心过了", "sadness"), ("好久没有这么开心了", "joy"),
        ("不想上班", "annoyance sadness:0.3"), ("不想活", "sadness"), ("没考上", "disappointment sadness:0.6"), ("没人理我", "sadness"), (f"没人在乎{topic}", "sadness disappointment:0.4"),
    )  # fmt: skip
    text, key = parts.random.choice(options)
    return parts.make(close(parts, text, key), key)


def close(parts: Parts, text: str, key: str, *, calm: bool = False) -> str:
    """Return the text with an end mark."""
    if first(key) in ("curiosity", "confusion") and any(
        word in text for word in ("什么", "吗", "呢", "怎么", "谁", "哪", "为什么", "多少")
    ):
        return text + "？"
    ending = parts.random.choice(
        ("。", "。", "。", "", "") if calm else ("。", "。", "。", "", "", "！", "！", "！！", "……", "~")
    )
    if text.endswith(("了", "的")) and ending == "" and parts.random.random() < 0.1:
        ending = "啊"
    return text + ending
