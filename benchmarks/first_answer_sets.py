"""What `first_answer.py` asks: classes of other sets as labels of GoEmotions, names, and templates for names."""

from __future__ import annotations

MAPPED = {
    "anger": ("anger", "annoyance", "disapproval", "disgust"),
    "fear": ("fear", "nervousness"),
    "joy": ("admiration", "amusement", "approval", "excitement", "gratitude", "joy", "optimism", "pride", "relief"),
    "love": ("caring", "desire", "love"),
    "sadness": ("disappointment", "embarrassment", "grief", "remorse", "sadness"),
    "surprise": ("confusion", "curiosity", "realization", "surprise"),
}
SITUATIONS = {
    "afraid": ("fear", "nervousness"), "angry": ("anger", "annoyance"), "annoyed": ("annoyance", "anger"),
    "anticipating": ("excitement", "optimism", "desire", "joy"), "anxious": ("nervousness", "fear"),
    "apprehensive": ("nervousness", "fear"), "ashamed": ("embarrassment", "remorse"), "caring": ("caring", "love"),
    "confident": ("optimism", "pride", "approval"), "content": ("joy", "relief", "approval"),
    "devastated": ("grief", "sadness"), "disappointed": ("disappointment", "sadness"),
    "disgusted": ("disgust",), "embarrassed": ("embarrassment",), "excited": ("excitement", "joy"),
    "furious": ("anger", "annoyance"), "grateful": ("gratitude",), "guilty": ("remorse", "embarrassment"),
    "hopeful": ("optimism", "desire"), "impressed": ("admiration",), "joyful": ("joy", "excitement", "love"),
    "lonely": ("sadness",), "nostalgic": ("sadness", "love", "joy", "desire"), "proud": ("pride", "admiration", "joy"),
    "sad": ("sadness", "grief"), "surprised": ("surprise",), "terrified": ("fear", "nervousness"),
}  # fmt: skip
"""EmpatheticDialogues, without emotions that have no label: faithful, jealous, prepared, sentimental, trusting."""

NAMES = (
    "Abigail", "Adebayo", "Ahmad", "Alejandro", "Arjun", "Astrid", "Beatriz", "Brandon", "Bronwyn", "Darnell",
    "Duc", "Ewa", "Farid", "Giulia", "Haruto", "Ines", "Jakob", "Juanita", "Kareem", "Katarzyna", "Lamar", "Mahmoud",
    "Manuel", "Margaret", "Nadia", "Oluwaseun", "Ping", "Rajesh", "Shanice", "Siobhan", "Soo-yeon", "Sunita", "Tunde",
    "Wangari", "William", "Xavier", "Zhang Li", "Zsofia",
)  # fmt: skip
"""None of them is a name in the training sentences."""

NAMES_ZH = (
    "阿不都", "阿依努尔", "阿敏", "白雪", "陈建华", "次仁", "大山", "丁一", "杜若兰", "方圆", "格桑", "何志远", "胡小梅", "金正秀",
    "李志强", "林美玲", "刘秀兰", "罗杰", "马依拉", "孟和", "乔治", "苏珊", "田中", "王桂花", "魏东", "吴思思", "小丹", "小凯",
    "徐大伟", "余欢", "约翰", "张翠花", "郑海燕", "钟灵", "朱丽叶", "卓嘎",
)  # fmt: skip
SWAPPED = (
    "{name} is coming over for dinner.", "I had a long talk with {name} yesterday.", "{name} broke my favourite mug.",
    "{name} got the scholarship!", "I'm worried about {name}.", "Nobody has seen {name} since Friday.",
    "{name} told me a secret.", "I really miss {name}.", "{name} shouted at the children.",
    "Thank you for everything, {name}.", "{name} moved into the flat upstairs.", "I don't trust {name}.",
    "{name} makes the best soup in town.", "I'm not angry with {name}.", "{name} is late again.",
    "Did {name} say anything?", "{name} fell off the ladder and broke an arm.", "I think {name} is right.",
    "{name} works in the warehouse.", "I'm so proud of {name}.", "{name} lost everything in the flood.",
    "{name} laughed at my drawing.", "I wish {name} were here.", "{name} never calls back.",
    "We are going to visit {name} in hospital.", "{name} bought a new car.", "I'm afraid of {name}.",
    "{name} sent me flowers.", "{name} was not happy with the plan.", "What is {name} doing there?",
)  # fmt: skip
SWAPPED_ZH = (
    "{name}今晚来吃饭。", "昨天和{name}聊了很久。", "{name}打碎了我最喜欢的碗。", "{name}拿到奖学金了！", "我很担心{name}。",
    "星期五以后就没人见过{name}。", "{name}告诉我一个秘密。", "我真的很想{name}。", "{name}对孩子们大喊大叫。", "谢谢你做的一切，{name}。",
    "{name}搬到楼上去了。", "我不相信{name}。", "{name}做的汤是全城最好喝的。", "我没有生{name}的气。", "{name}又迟到了。",
    "{name}说什么了吗？", "{name}从梯子上摔下来，胳膊断了。", "我觉得{name}说得对。", "{name}在仓库上班。", "我为{name}感到骄傲。",
    "{name}在洪水里失去了一切。", "{name}笑话我的画。", "要是{name}在这里就好了。", "{name}从来不回电话。", "我们要去医院看{name}。",
    "{name}买了一辆新车。", "我怕{name}。", "{name}送了我一束花。", "{name}对这个计划不满意。", "{name}在那里干什么？",
)  # fmt: skip
