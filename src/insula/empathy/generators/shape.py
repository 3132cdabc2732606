"""`has_supportive_openings`: whether every sentence of a draft has one of the shapes that a supportive reply needs.

No list of forbidden words is ever complete. What an endpoint writes must therefore also look like a reply: a
question, thanks, an apology, or a sentence about what the writer told; and it must bring up no danger, illness, drug,
secret or judgement that the writer has not named. Orders, news, and sentences about the one who replies have other
shapes, harmless or not. Many good drafts are left out, too: the templates take their place.
"""

from __future__ import annotations

import re

from insula.empathy.encoder import list_content_words

_SENTENCES = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_FIRST_WORD = re.compile(r"[a-z']+")
_OPENERS = {
    "en": re.compile(
        r"(?:and |but |so |then )?(?:"
        r"that|this|it|it's|what|when|where|who|which|how|would|could|can|do|does|did|is|are|was|were|have|has|had|"
        r"thank(?:s| you)|(?:i am|i'm|we are|we're|so|very)? ?sorry|sounds|your|if you|not (?:being|having|knowing)|"
        r"you(?:'ve|'re|'d)? (?:\w+ly )?(?:said|wrote|write|say|told|mention\w*|describe\w*|have|had|are|were|feel|"
        r"felt|seem\w*|sound\w*|lost|failed|put|worked|waited|tried|did|want\w*|need\w*|been|carr\w+|must|may|might|"
        r"don't|didn't|do not|did not|can't|cannot)|"
        r"please (?:tell|let me|share|take your time)|tell me|let me know|take your time|take care|"
        r"i (?:hear|see that|can see|can hear|wonder|understand that|am listening)|"
        r"(?:i'm listening|i(?:'d| would) like to (?:hear|know|understand))|\[)(?![\w'])"
    ),
    "zh": re.compile(
        r"(?:也|而|可是|但是|但|那么|所以)?(?:听起来|看起来|谢谢|感谢|抱歉|对不起|辛苦了|这|那|你(?!信我|的葬|们)|您|能|"
        r"愿意|可以(?:说|讲|告诉|理解)|方便|是|有没有|什么|哪|谁|几|多久|如果你|要是你|想(?:聊|说|讲)|一个人|第.次|"
        r"怕|害怕|难过|失望|生气|委屈|担心|孤单|累|高兴|开心|等了|\[)"
    ),
}
_ASKS = re.compile(r"(?:哪|谁|什么|吗|多少|多久|几).{0,12}[?？]$")  # not why, and not whether one will not
# Sentences about the one who replies are allowed in these words only.
_SELF = {
    "en": re.compile(
        r"\b(?:i (?:hear|see that|can see|can hear|wonder|understand that|would like to (?:hear|know|understand)|"
        r"am (?:sorry|listening))|i'm (?:sorry|listening)|i'd like to (?:hear|know|understand)|"
        r"(?:tell|telling|told|let|letting|trusting) me|with me)\b"
    ),
    "zh": re.compile(
        r"我(?:很)?想(?:听|了解|知道|明白)|(?:告诉|跟|和|对|让)我(?:说|讲|听|知道)?|我在听|我(?:看到|读到|听到)你"
    ),
}
_ANY_SELF = {"en": re.compile(r"\b(?:i|i'm|i'd|i've|i'll|me|my|mine|myself)\b"), "zh": re.compile("我(?!们)|咱|俺")}
# Words that hurt, threaten or deceive where the writer has not used them.
_LOADED = {
    "en": re.compile(
        r"\b(?:die[sd]?|dead|death|dying|suicid\w*|kill\w*|disappear\w*|vanish\w*|gone|wake up|this world|exist\w*|"
        r"hurt(?:ing)? yourself|harm\w*|punish\w*|revenge|pay for it|serves? \w+(?: \w+)? right|"
        r"drunk|drink\w*|alcohol|beers?|wine|pills?|tablets?|medication|medicine|dose|drugs?|"
        r"disorder|illness|mentally|sick|depress\w*|bipolar|anxiety|narciss\w*|diagnos\w*|"
        r"lazy|weak\w*|stupid|silly|ashamed|shame|pathetic|fault|blame|deserve\w*|guilty|foolish|selfish|worthless|"
        r"nobody|no one|never|always|nothing|too much|too (?:sensitive|little|late)|small thing|little thing|"
        r"forgiven?|forgotten?|forget|what you are|used to (?:it|fail\w*|los\w*)|because you|"
        r"throw\w*|smart\w*|clever\w*|better off|another (?:child|son|daughter|person)|made for|everyone|everybody|"
        r"expected|embarrass\w*|how little|cheat\w*|lie[ds]?|lying|failure|your (?:last )?chance|all on you|stop|"
        r"passed|bring you)\b|"
        r"\bwill (?!you\b|it\b|they\b|he\b|she\b|that\b)|\bgoing to be\b"
    ),
    "zh": re.compile(
        "死|自杀|消失|不在了|离开这个世界|活着|活下去|伤一下|伤害|报复|喝|酒|药|片|病|症|治|诊断|"
        "懒|丢脸|不行|最差|差劲|没用|笨|蠢|傻|下场|活该|怪你|你的错|自找|算什么|值得怕|当回事|小事|比不了|没好好|太(?:敏感|脆弱)|"
        "肯定|一定|绝对|等着看|会原谅|会更|没有你|从来|总是|从小|说明你|习惯了|"
        "对得起|赶出去|看不起|白花|骗|撒谎|谁还|造成的|这样的人|换一?个|什么都别|配|丢人|没出息"
    ),
}
# Nobody is asked for these, even if the writer speaks of them.
_SECRETS = re.compile(
    r"\b(?:passwords?|passcodes?|pins?|codes?|cards?|account|log ?in|transfer)\b|密码|验证码|卡|尾号|账号|转账|登录"
)
_JUST = re.compile(r"\b(?:just|only|merely|nothing but)\b|不过|只是|只不过|而已|才是|不就是")


def has_supportive_openings(text: str, message: str, language: str) -> bool:
    """Return whether each sentence opens as a supportive reply does, or with a word of the message; none is loaded."""
    plain = text.casefold().replace("’", "'").strip()
    if _SECRETS.search(plain):
        return False
    written = message.casefold()
    if any(match[0] not in written for match in _LOADED[language].finditer(plain)):
        return False
    known = set(list_content_words(message))
    sentences = [one.strip(" \t\"“”'") for one in _SENTENCES.findall(plain)]
    return all(_is_plain(one, known, language) for one in sentences if one) and bool(sentences)


def _is_plain(sentence: str, known: set[str], language: str) -> bool:
    rest = _SELF[language].sub(" ", sentence)
    if _ANY_SELF[language].search(rest) or _JUST.search(sentence):
        return False
    if _OPENERS[language].match(sentence):
        return True
    if language == "zh":
        return sentence[:2] in known or _ASKS.search(sentence) is not None
    first = _FIRST_WORD.match(sentence)
    return first is not None and (
        first[0].endswith("ing") or not known.isdisjoint(list_content_words(first[0]))
    )  # fmt: skip
