// The page: a text in, labels with their scores out, in English or Chinese.

import { Model } from "./model.js";

const WORDS = {
  en: {
    lead: "Type a text. It is read here in your browser and is sent nowhere.",
    text: "Text",
    loading: "Loading the model",
    ready: "Ready.",
    failed: "The model could not be loaded:",
    unsure: "Not sure",
    none: "None of its labels",
    says: "The model says: ",
    comma: ", ",
    aside: (words) => ` (${words})`,
    gap: " ",
    limits: "A prediction describes the text, not the person who wrote it. Not for diagnosis or crisis decisions.",
    other: "中文",
    tag: "en",
  },
  zh: {
    lead: "请输入一段文本。文本只在浏览器中处理，不会发送到任何地方。",
    text: "文本",
    loading: "正在加载模型",
    ready: "已就绪。",
    failed: "模型加载失败：",
    unsure: "不确定",
    none: "未识别出任何标签",
    says: "模型认为：",
    comma: "、",
    aside: (words) => `（${words}）`,
    gap: "",
    limits: "结果描述的是文本，不是写下文本的人。请勿用于诊断或危机判断。",
    other: "English",
    tag: "zh-CN",
  },
};
const SHOWN = 6;
const WAIT = 150; // milliseconds after the last key

const at = (id) => document.getElementById(id);
let language = (navigator.language ?? "en").startsWith("zh") ? "zh" : "en";
let model = null;
let asked = 0;

function speak() {
  const words = WORDS[language];
  document.documentElement.lang = words.tag;
  for (const name of ["lead", "text", "limits", "other"]) at(name).textContent = words[name];
  if (model) at("state").textContent = words.ready;
  show();
}

async function show() {
  const text = at("input").value;
  const mine = ++asked;
  if (!model || !text.trim()) {
    at("decision").textContent = "";
    at("scores").replaceChildren();
    return;
  }
  const answer = await model.predict(text);
  if (mine !== asked) return; // a newer text is on its way
  const words = WORDS[language];
  const chosen = answer.chosen.map((name) => model.display(name, language)).join(words.comma);
  const decided = chosen || language === "en" ? words.says + (chosen || words.none) : words.none;
  const shown = decided + (answer.abstained ? words.aside(words.unsure) : "");
  at("decision").textContent = model.scheme.kind === "dimensional" ? "" : shown; // the values say it all
  const given = ([name]) => Number(answer.chosen.includes(name)); // decided labels first, as everywhere
  const ranked = Object.entries(answer.scores).sort((a, b) => given(b) - given(a) || b[1] - a[1]);
  at("scores").replaceChildren(...ranked.slice(0, SHOWN).map(([name, score]) => row(name, score, answer)));
}

function row(name, score, answer) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  label.textContent = model.display(name, language);
  const value = document.createElement("span");
  value.className = "value";
  value.textContent = score.toFixed(2);
  item.append(label, value);
  if (model.scheme.kind !== "dimensional") {
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = score;
    bar.setAttribute("aria-hidden", "true"); // the number says the same
    item.insertBefore(bar, value);
  }
  if (answer.chosen.includes(name)) item.className = "chosen";
  return item;
}

at("other").addEventListener("click", () => {
  language = language === "en" ? "zh" : "en";
  speak();
});
let waiting;
at("input").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(show, WAIT);
});
speak();
try {
  model = await Model.load((share) => {
    at("state").textContent = `${WORDS[language].loading} ${Math.round(share * 100)}%`;
  });
  window.insula = model; // for whoever opens the console
  speak();
} catch (error) {
  at("state").textContent = `${WORDS[language].failed}${WORDS[language].gap}${error.message}`;
}
