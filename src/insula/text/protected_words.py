"""Words that stop word removal keeps since they negate, intensify or express a feeling. English and Chinese."""

from __future__ import annotations


def _split_words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


NEGATIONS: frozenset[str] = _split_words(
    """
    no not nor never none nobody nothing nowhere neither non nay nope without cannot cant dont doesnt didnt isnt
    arent aint wasnt werent hasnt havent hadnt wont wouldnt couldnt shouldnt mustnt neednt mightnt maynt shant
    darent oughtnt n't nt don doesn didn isn aren ain wasn weren hasn haven hadn won wouldn couldn shouldn mustn
    needn mightn shan no-one noone nos hardly scarcely barely rarely seldom lack lacking unless unlike unlikely
    instead against lest
    不 没 没有 别 未 无 非 莫 勿 毋 甭 休 不是 不会 不能 不要 不用 不必 不够 不再 从不 从未 从来不 并不 并非 毫不
    毫无 绝不 决不 没法 无法 未必 未曾 尚未 不曾 何必 何曾 岂 岂但 难道 否 否则 缺乏 缺少
    """
)
"""Words that negate a feeling."""

CHINESE_NEGATIONS = "不没沒无無未非别別莫勿"
"""Characters with which a Chinese word negates, simplified and traditional."""

INTENSIFIERS: frozenset[str] = _split_words(
    """
    very so too really quite rather such much more most less least even ever truly totally absolutely completely
    entirely extremely incredibly awfully terribly highly strongly fully thoroughly definitely certainly especially
    particularly seriously sincerely greatly only just almost nearly slightly somewhat fairly enough always again
    still many few little better best worse worst well
    很 太 非常 十分 极 极了 极其 最 更 更加 挺 蛮 超 超级 特别 特 尤其 相当 真 真的 实在 的确 简直 越 越是 越来越 多
    多么 多少 这么 那么 如此 好 好不 有点 有些 有点儿 稍 稍微 略 比较 较 较为 过于 过分 几乎 甚 甚至 甚至于 又 还
    还是 再 总 总是 老是 大 只 只有 只是 死 贼 许多 一点 一些 完全 绝对 确实 根本 十足 万分 无比 异常 格外 分外 何等
    何其
    """
)
"""Words that make a feeling stronger or weaker."""

CONTRASTS: frozenset[str] = _split_words(
    """
    but however although though yet except despite nevertheless nonetheless notwithstanding otherwise unfortunately
    hopefully while whereas regardless if
    但 但是 不过 可是 可 然而 却 虽 虽然 虽说 虽则 尽管 反而 而是 只怕 哪怕 如果 要是 即使 幸 所幸 果然 竟 竟然 居然
    竟而 结果 恰恰相反 恐怕 幸好 可惜
    """
)
"""Words that introduce a contrast: the feeling after them counts."""

FEELINGS: frozenset[str] = _split_words(
    """
    ah aw oh um hi hello welcome greetings ok okay yes please thank thanks thanx sorry dear like liked love
    appreciate good great greater greatest proud interesting interested important useful useless sensible serious
    sure willing wish wonder hope cry hell help problem problems doubtful poorly successfully alone empty free ill
    right miss novel new old young fire clear able want wanted wanting need needed needing worked working
    哈 哈哈 呵 呵呵 嘿 嘿嘿 嘻 嘻嘻 哼 哼唷 唉 哎 哎呀 哎哟 呜 呜呜 呜呼 嗬 哇 呸 咦 咳 嗯 嗳 嘘 喂 哦 呃 呕 啊 呀
    啦 哟 嘛 吗 吧 呢 怕 赖 贼死 没奈何 罢了 也罢 宁可 宁愿 宁肯 不怕 不料 何苦 吓
    """
)
"""Words of the published stop lists that express a feeling, a wish or a judgement, interjections included."""

PROTECTED: frozenset[str] = NEGATIONS | INTENSIFIERS | CONTRASTS | FEELINGS
"""All words that are never removed."""
