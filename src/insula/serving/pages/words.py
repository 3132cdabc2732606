"""Every sentence of the pages, in both languages."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

from insula.evaluation.reports.readable import format_percent, format_score
from insula.evaluation.result import Interval
from insula.serving.pages.sentences.api_words import API_CHINESE, API_ENGLISH
from insula.serving.pages.sentences.dashboard_words import DASHBOARD_CHINESE, DASHBOARD_ENGLISH
from insula.serving.pages.sentences.file_words import FILE_CHINESE, FILE_ENGLISH
from insula.serving.pages.sentences.key_words import KEY_CHINESE, KEY_ENGLISH
from insula.serving.pages.sentences.queue_words import QUEUE_CHINESE, QUEUE_ENGLISH
from insula.serving.pages.sentences.reply_words import REPLY_CHINESE, REPLY_ENGLISH
from insula.serving.pages.sentences.review_words import REVIEW_CHINESE, REVIEW_ENGLISH
from insula.serving.pages.sentences.why_words import WHY_CHINESE, WHY_ENGLISH

ENGLISH = {
    "language": "English",
    "skip": "Skip to the content",
    "navigation": "Pages",
    "try": "Try it",
    "models": "Models",
    "sign_out": "Sign out",
    "predict_title": "Which emotions does this text express?",
    "predict_lead": "Type a text, and see which emotions the model finds in it, and how sure it is.",
    "limits": "A prediction describes the text, not the person who wrote it. Not for diagnosis or crisis decisions.",
    "text": "Text",
    "text_hint": "English or Chinese; at most {characters} characters.",
    "conversation": "Conversation before the text",
    "turns": "Earlier turns",
    "turns_hint": "One on each line, oldest first, such as “Anna: Where is my order?”",
    "speaker": "Speaker of the text",
    "speaker_hint": "The name used above. Leave it empty if nobody is named.",
    "target": "Target",
    "target_hint": "What the emotion is towards, such as a product or a person. Empty: the text as a whole.",
    "turns_read": "Earlier turns that the model read: {count} of {all}.",
    "turns_unread": "This model does not read earlier turns: it read the text alone.",
    "target_read": "Emotion towards: {target}",
    "target_unread": "This model does not read a target: its answer is about the text as a whole.",
    "text_truncated": "The text is longer than this model reads: it ignored the end.",
    "text_at_risk": "The text shows signs of risk, such as of suicide. Let a person read it.",
    "model": "Model",
    "predict": "Analyse",
    "keys": "Ctrl+Enter does the same.",
    "examples": "Examples",
    "history": "Earlier texts",
    "history_hint": "Only this browser tab keeps them, until you close it.",
    "history_clear": "Clear",
    "answer": "Result",
    "no_answer": "No result yet.",
    "says": "The model says: {labels}",
    "says_none": "The model says: none of its labels",
    "says_values": "The model's values",
    "unsure": "The model is not sure.",
    "unsure_lean": "Most likely, for reference only: {labels}",
    "unsure_none": "Most likely, for reference only: none of its labels",
    "confidence": "Confidence: {share} (about {share} of such answers should be right)",
    "comma": ", ",
    "colon": ": ",
    "stop": ".",
    "gap": " ",
    "aside": " ({words})",
    "scores": "Scores",
    "level_sentiment": "Sentiment",
    "level_ekman": "Basic emotion",
    "given": "predicted",
    "all_scores": "All {count} labels",
    "range": "from {low} to {high}",
    "asked_model": "Model {name}, version {version}",
    "stored_masked": "The prediction and the masked text are stored for {days} days with the ID {id}.",
    "stored_none": "The prediction is stored for {days} days with the ID {id}. The text is not stored.",
    "verdict": "Is that right?",
    "right": "Right",
    "wrong": "Wrong",
    "right_labels": "Which labels are right?",
    "right_none": "Choose nothing if no label is right.",
    "send": "Send",
    "thanks": "Thank you. Your feedback was stored.",
    "feedback": "Feedback",
    "models_title": "Models",
    "models_lead": "The models of this service. The first one is used if you choose no other.",
    "model_title": "Model {name}",
    "not_measured": "Not evaluated yet.",
    "measured": "Evaluation",
    "measured_test": "On held-out test rows.",
    "measured_validation": "On validation rows, which also chose the thresholds: the figures may be too high.",
    "metric": "Metric",
    "value": "Value",
    "interval": "95% confidence interval",
    "span": "{low} to {high}",
    "meaning": "What it measures",
    "facts": "Facts",
    "reads": "Reads",
    "reads_text": "the text alone",
    "reads_turns": "the text and up to {turns} earlier turns of its dialogue",
    "reads_target": "the text and a target",
    "reads_turns_and_target": "the text, a target, and up to {turns} earlier turns of its dialogue",
    "family": "Model family",
    "kind": "Kind of labels",
    "version": "Version",
    "count": "Labels",
    "rows": "Rows evaluated",
    "abstains": "Abstains below the confidence",
    "never": "never",
    "label": "Label",
    "name": "Name",
    "labels": "Labels",
    "card": "Model card",
    "card_original": "The card in English",
    "report": "Report of its evaluation, with charts",
    "use_model": "Try this model",
    "kind_binary": "binary",
    "kind_single": "single-label",
    "kind_multi": "multi-label",
    "kind_ordinal": "ordinal",
    "kind_dimensional": "continuous dimensions",
    "login_title": "Sign in",
    "login_lead": "This service requires an API key. The key is not stored, neither here nor in a cookie.",
    "key": "API key",
    "key_hint": "It begins with insula_ and needs the scope predict; agent for the queue, review for the dashboard and "
    "stored predictions.",
    "sign_in": "Sign in",
    "wrong_key": "This API key is not valid: it may be mistyped, unknown, expired or revoked. Check it.",
    "stale": "The page was open too long, or the request came from elsewhere. The text is still there: send it again.",
    "stale_login": "The page was open too long, or the request came from elsewhere. Type the API key again.",
    "problem_title": "That did not work",
    "back": "Back to the first page",
    "again": "Try again in {wait}.",
    "stale_file": "The page was open too long, or the request came from elsewhere. Load the page again.",
    "problem_file_size": "The file is too large. Send it in parts.",
    "problem_file_kind": "The file must be CSV, TSV or JSON Lines, not compressed.",
    "problem_no_label": "Choose the right label first.",
    "problem_disabled": "This service does not do that: it is switched off.",
    "problem_empty": "The text is empty. Type one first.",
    "problem_malformed": "The request could not be read. Go back to the first page and send it again.",
    "problem_unauthenticated": "Sign in with an API key first.",
    "problem_forbidden": "This API key is not allowed to do that. Ask the operator of the service.",
    "problem_not_found": "The page or item does not exist here.",
    "problem_method_not_allowed": "This address does not support that. Go back to the first page.",
    "problem_conflict": "The file is not ready yet. Wait until its state is done.",
    "problem_range": "That part of the file does not exist. Download the whole file.",
    "problem_misdirected": "This service does not answer under this host name. Open it by the name of its machine.",
    "problem_headers_too_large": "The address or the cookies are too long. Go back to the first page.",
    "problem_timeout": "The request took too long to arrive. Send it again.",
    "problem_too_large": "The text or the conversation is too long. Shorten it and try again.",
    "problem_unsupported_media": "This type of request is not supported.",
    "problem_validation": "The text has characters that cannot be processed. Remove them and try again.",
    "problem_overloaded": "There are too many requests at the moment.",
    "problem_too_many_calls": "Requests come too fast.",
    "problem_quota": "The daily quota is used up. It is reset at 0:00 UTC.",
    "problem_unavailable": "The service is not available now. Try again later.",
    "problem_internal": "The service had an error and logged it. Try again later.",
    "problem_file_room": "There is no room for more of your files. Delete finished ones first.",
    "problem_other": "The request could not be processed. Try again later.",
}
CHINESE = {
    "language": "中文",
    "skip": "跳到正文",
    "navigation": "页面导航",
    "try": "试一试",
    "models": "模型",
    "sign_out": "退出登录",
    "predict_title": "这段文本里有哪些情绪？",
    "predict_lead": "输入一段文本，查看模型识别出的情绪和置信度。",
    "limits": "结果描述的是文本，不是写下文本的人。请勿用于诊断或危机判断。",
    "text": "文本",
    "text_hint": "中文或英文，最多 {characters} 个字符。",
    "conversation": "此前的对话",
    "turns": "前文",
    "turns_hint": "每行一句，按时间顺序，例如“小明：我的快递到哪儿了？”",
    "speaker": "说话人",
    "speaker_hint": "与前文中的称呼一致；前文未写说话人时可留空。",
    "target": "情绪对象",
    "target_hint": "情绪所针对的事物或人，例如某个产品；留空则分析整段文本。",
    "turns_read": "模型读取的前文：{count} 句（共 {all} 句）。",
    "turns_unread": "此模型不读取前文，只分析文本本身。",
    "target_read": "情绪对象：{target}",
    "target_unread": "此模型不读取情绪对象，结果针对整段文本。",
    "text_truncated": "文本超出此模型的读取长度，末尾部分未参与分析。",
    "text_at_risk": "文本含有风险迹象（例如自杀），请人工查看。",
    "model": "模型",
    "predict": "分析",
    "keys": "也可按 Ctrl+Enter。",
    "examples": "示例",
    "history": "之前的文本",
    "history_hint": "仅保存在此浏览器标签页中，关闭后即清除。",
    "history_clear": "清除",
    "answer": "结果",
    "no_answer": "尚无结果。",
    "says": "识别出的标签：{labels}",
    "says_none": "未识别出任何标签",
    "says_values": "模型给出的数值",
    "unsure": "模型不确定。",
    "unsure_lean": "最可能的标签（仅供参考）：{labels}",
    "unsure_none": "最可能的结果（仅供参考）：未识别出任何标签",
    "confidence": "置信度：{share}（这类结果预计约有 {share} 正确）",
    "comma": "、",
    "colon": "：",
    "stop": "。",
    "gap": "",
    "aside": "（{words}）",
    "scores": "各标签得分",
    "level_sentiment": "情感倾向",
    "level_ekman": "基本情绪",
    "given": "模型选中",
    "all_scores": "全部 {count} 个标签",
    "range": "范围 {low} 至 {high}",
    "asked_model": "模型 {name}，版本 {version}",
    "stored_masked": "分析结果和脱敏后的文本将保存 {days} 天，ID 为 {id}。",
    "stored_none": "分析结果将保存 {days} 天，ID 为 {id}；不保存文本。",
    "verdict": "结果正确吗？",
    "right": "正确",
    "wrong": "不正确",
    "right_labels": "哪些标签正确？",
    "right_none": "如果没有正确的标签，可以不选。",
    "send": "提交",
    "thanks": "感谢反馈，已保存。",
    "feedback": "反馈",
    "models_title": "模型",
    "models_lead": "此服务提供的模型。未选择模型时，使用列表中的第一个。",
    "model_title": "模型 {name}",
    "not_measured": "暂无评估结果。",
    "measured": "评估结果",
    "measured_test": "在留出测试集上评估。",
    "measured_validation": "在验证集上评估。验证集也用于选择阈值，结果可能偏高。",
    "metric": "指标",
    "value": "数值",
    "interval": "95% 置信区间",
    "span": "{low} 至 {high}",
    "meaning": "含义",
    "facts": "基本信息",
    "reads": "读取内容",
    "reads_text": "仅文本",
    "reads_turns": "文本及对话前文（最多 {turns} 句）",
    "reads_target": "文本及情绪对象",
    "reads_turns_and_target": "文本、情绪对象及对话前文（最多 {turns} 句）",
    "family": "模型类型",
    "kind": "标签类型",
    "version": "版本",
    "count": "标签数",
    "rows": "评估样本数",
    "abstains": "拒答阈值",
    "never": "不拒答",
    "label": "标签",
    "name": "名称",
    "labels": "标签",
    "card": "模型卡",
    "card_original": "模型卡原文（英文）",
    "report": "评估报告（英文，含图表）",
    "use_model": "试用此模型",
    "kind_binary": "二分类",
    "kind_single": "单标签",
    "kind_multi": "多标签",
    "kind_ordinal": "有序等级",
    "kind_dimensional": "连续维度",
    "login_title": "登录",
    "login_lead": "使用此服务需要 API 密钥。服务不保存密钥，也不将其写入 Cookie。",
    "key": "API 密钥",
    "key_hint": "密钥以 insula_ 开头，需要 predict 权限；处理工单需要 agent 权限，查看看板和预测记录需要 review 权限。",
    "sign_in": "登录",
    "wrong_key": "API 密钥无效：可能输入有误、不存在、已过期或已吊销。请检查后重试。",
    "stale": "页面打开时间过长，或请求来自其他网站。文本仍在输入框中，请重新提交。",
    "stale_login": "页面打开时间过长，或请求来自其他网站。请重新输入 API 密钥。",
    "problem_title": "操作未成功",
    "back": "返回首页",
    "again": "请在 {wait}后重试。",
    "stale_file": "页面打开时间过长，或请求来自其他网站。请刷新页面。",
    "problem_file_size": "文件过大，请分成几个文件上传。",
    "problem_file_kind": "文件须为未压缩的 CSV、TSV 或 JSON Lines 格式。",
    "problem_no_label": "请先选择正确的标签。",
    "problem_disabled": "此服务未启用该功能。",
    "problem_empty": "文本为空，请先输入文本。",
    "problem_malformed": "无法读取该请求。请返回首页重新提交。",
    "problem_unauthenticated": "请先使用 API 密钥登录。",
    "problem_forbidden": "此 API 密钥没有所需的权限，请联系管理员。",
    "problem_not_found": "未找到该页面或内容。",
    "problem_method_not_allowed": "此地址不支持该操作，请返回首页。",
    "problem_conflict": "文件尚未就绪，请等待其状态变为已完成。",
    "problem_range": "文件中没有该部分，请下载整个文件。",
    "problem_misdirected": "不能用该主机名访问此服务，请改用服务所在机器的主机名。",
    "problem_headers_too_large": "网址或 Cookie 过长，请返回首页。",
    "problem_timeout": "请求超时，请重新提交。",
    "problem_too_large": "文本或对话过长，请缩短后重试。",
    "problem_unsupported_media": "不支持的请求类型。",
    "problem_validation": "文本含有无法处理的字符，请删除后重试。",
    "problem_overloaded": "当前请求较多，暂时无法处理。",
    "problem_too_many_calls": "请求过于频繁。",
    "problem_quota": "今日配额已用完，将于北京时间 8:00（UTC 0:00）重置。",
    "problem_unavailable": "服务暂时不可用，请稍后重试。",
    "problem_internal": "服务内部出错，错误已记录。请稍后重试。",
    "problem_file_room": "文件已占满可用空间，请先删除已完成的文件。",
    "problem_other": "无法处理该请求，请稍后重试。",
}
# Texts to try: of several emotions, one that models find hard, and one of none.
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Two hours on hold and nobody called back.",
        "I can't believe it, we actually won!",
        "Great, another meeting that could have been an e-mail.",
        "The parcel arrives on Tuesday between nine and twelve.",
    ),
    "zh": (
        "等了两个小时，还是没人回电话。",
        "太好了，我们居然赢了！",
        "真好，又晚点了。",
        "包裹将于周二上午九点到十二点送达。",
    ),
}
WORDS: Mapping[str, Mapping[str, str]] = {
    "en": ENGLISH
    | WHY_ENGLISH
    | API_ENGLISH
    | FILE_ENGLISH
    | QUEUE_ENGLISH
    | DASHBOARD_ENGLISH
    | REPLY_ENGLISH
    | REVIEW_ENGLISH
    | KEY_ENGLISH,
    "zh": CHINESE
    | WHY_CHINESE
    | API_CHINESE
    | FILE_CHINESE
    | QUEUE_CHINESE
    | DASHBOARD_CHINESE
    | REPLY_CHINESE
    | REVIEW_CHINESE
    | KEY_CHINESE,
}
TAGS: Mapping[str, str] = {"en": "en", "zh": "zh-CN"}
"""Languages to their tags in HTML (BCP 47): `zh` alone leaves it to the browser which characters it draws."""

WAITS = ((3600, "hour", "小时"), (60, "minute", "分钟"), (1, "second", "秒"))
BEIJING = timezone(timedelta(hours=8))
_SHARES = {"under ": "不到 ", "over ": "超过 "}
_SEAM = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])")


class Translator:
    """The words of one language: `say("says", labels="joy")`."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.tag = TAGS[language]
        self.examples = EXAMPLES[language]
        self._words = WORDS[language]

    def __call__(self, name: str, /, **values: object) -> str:
        """Return a sentence with its values filled in."""
        return self._words[name].format(**values) if values else self._words[name]

    def has_sentence(self, name: str) -> bool:
        """Whether there is a sentence of that name."""
        return name in self._words

    def describe_problem(self, code: str) -> str:
        """Describe a problem by its code."""
        return self._words.get(f"problem_{code}", self._words["problem_other"])

    def name_level(self, name: str) -> str:
        """Return the display name of a coarser level, or the level's own name if it is unknown here."""
        return self._words.get(f"level_{name}", name)

    def format_share(self, value: float) -> str:
        """Return a share as a percentage: `37%`."""
        shown = format_percent(value)
        for english, chinese in _SHARES.items() if self.language == "zh" else ():
            shown = shown.replace(english, chinese)
        return shown

    def format_interval(self, interval: Interval) -> str:
        """Return `0.452 to 0.497`, an empty string for a value without interval."""
        low, high = interval.low, interval.high
        return "" if low is None or high is None else self("span", low=format_score(low), high=format_score(high))

    @property
    def zone(self) -> timezone:
        """The time zone of times on the pages of this language."""
        return BEIJING if self.language == "zh" else UTC

    def format_time(self, moment: datetime) -> str:
        """Return a time with its zone: `2026-11-30 18:05 UTC`."""
        return self("time", time=moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M"))

    def format_wait(self, seconds: str | int) -> str:
        """Return a time to wait in its largest unit, rounded up: `2 minutes`."""
        left = max(1, int(seconds))
        size, english, chinese = next(unit for unit in WAITS if left >= unit[0])
        count = math.ceil(left / size)
        return f"{count} {chinese}" if self.language == "zh" else f"{count} {english}{'s' if count > 1 else ''}"


def insert_spaces(text: str) -> str:
    """Return Chinese text with a space between Chinese characters and Latin words or digits."""
    return _SEAM.sub(" ", text)
