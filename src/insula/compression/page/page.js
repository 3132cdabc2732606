// The page: a text in, labels with their scores out, in English or Chinese.

import { Model } from "./model.js";

const WORDS = {
  en: {
    title: "Which emotions does this text express?",
    lead: "Type a text. Your browser analyses it and sends it nowhere.",
    limits: "A prediction describes the text, not the person who wrote it. Not for diagnosis or crisis decisions.",
    text: "Text",
    examples: "Examples",
    tries: ["Two hours on hold and nobody called back.", "I can't believe it, we actually won!"],
    loading: "Loading the model",
    ready: "Ready.",
    failed: "The model could not be loaded:",
    result: "Result",
    unsure: "Not sure",
    none: "None of its labels",
    longer: "The text is longer than this model reads: it ignored the end.",
    says: "The model says: ",
    scores: "Scores",
    all: (count) => `All ${count} labels`,
    sentiment: "Sentiment",
    ekman: "Basic emotion",
    colon: ": ",
    comma: ", ",
    aside: (words) => ` (${words})`,
    gap: " ",
    given: "predicted",
    other: "中文",
    otherTag: "zh-CN",
    tag: "en",
  },
  zh: {
    title: "这段文本里有哪些情绪？",
    lead: "输入一段文本。文本只在浏览器中处理，不会上传。",
    limits: "结果描述的是文本，不是写下文本的人。请勿用于诊断或危机判断。",
    text: "文本",
    examples: "示例",
    tries: ["等了两个小时，还是没人回电话。", "太好了，我们居然赢了！"],
    loading: "正在加载模型",
    ready: "已就绪。",
    failed: "模型加载失败：",
    result: "结果",
    unsure: "不确定",
    none: "未识别出任何标签",
    longer: "文本超出该模型的读取长度，末尾部分未参与分析。",
    says: "识别出的标签：",
    scores: "各标签得分",
    all: (count) => `全部 ${count} 个标签`,
    sentiment: "情感倾向",
    ekman: "基本情绪",
    colon: "：",
    comma: "、",
    aside: (words) => `（${words}）`,
    gap: "",
    given: "模型选中",
    other: "English",
    otherTag: "en",
    tag: "zh-CN",
  },
};
const SHOWN = 6;
const WAIT = 150; // milliseconds after the last key
const SVG = "http://www.w3.org/2000/svg";

const at = (id) => document.getElementById(id);
let language = (navigator.language ?? "en").startsWith("zh") ? "zh" : "en";
let model = null;
let view = null; // signs and coarser levels, which Python wrote
let asked = 0;

function speak() {
  const words = WORDS[language];
  document.documentElement.lang = words.tag;
  for (const name of ["title", "lead", "limits", "text", "examples", "result", "other"]) at(name).textContent = words[name];
  at("other").lang = words.otherTag;
  at("scores-title").textContent = words.scores;
  at("example-list").replaceChildren(...words.tries.map(example));
  if (model) at("state").textContent = words.ready;
  show();
}

function example(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", () => {
    at("input").value = text;
    show();
  });
  const item = document.createElement("li");
  item.append(button);
  return item;
}

async function show() {
  const text = at("input").value;
  const mine = ++asked;
  const lists = ["levels", "level", "scores", "all"];
  const titles = ["level-title", "scores-title", "more"];
  if (!model || !text.trim()) {
    at("decision").textContent = at("longer").textContent = "";
    for (const id of lists) at(id).replaceChildren();
    for (const id of titles) at(id).hidden = true;
    return;
  }
  const answer = await model.predict(text);
  if (mine !== asked) return; // a newer text is on its way
  const words = WORDS[language];
  const dimensional = model.scheme.kind === "dimensional";
  const chosen = answer.chosen.map((name) => model.display(name, language)).join(words.comma);
  const decided = chosen || language === "en" ? words.says + (chosen || words.none) : words.none;
  const said = decided + (answer.abstained ? words.aside(words.unsure) : "");
  at("decision").textContent = dimensional ? "" : said; // the values say it all
  at("longer").textContent = answer.truncated ? words.longer : "";
  at("decision").classList.toggle("unsure", answer.abstained);
  const levels = view.levels.map((level) => ({ ...level, ...coarser(level, answer) }));
  at("levels").replaceChildren(...(answer.abstained ? [] : levels.filter((level) => level.chosen.length).map(summary)));
  const [coarsest] = levels;
  at("level-title").hidden = !coarsest;
  at("level-title").textContent = coarsest ? (words[coarsest.name] ?? coarsest.name) : "";
  at("level").replaceChildren(
    ...(coarsest ? ranked(coarsest).map(([name, score]) => row(shown(coarsest, name), score, coarsest, name)) : []),
  );
  const own = { ...answer, signs: view.signs };
  const rows = ranked(own).map(([name, score]) => row(model.display(name, language), score, own, name));
  at("scores-title").hidden = false;
  at("more").hidden = rows.length <= SHOWN;
  at("all-title").textContent = words.all(rows.length);
  at("all").replaceChildren(...rows.map((one) => one.cloneNode(true)));
  at("scores").replaceChildren(...rows.slice(0, SHOWN));
}

// The scores and decided labels of a coarser level: as insula/core/levels.py, the largest or the sum of its labels'.
function coarser(level, answer) {
  const scores = Object.fromEntries(level.names.map((name) => [name, 0]));
  for (const [label, parent] of Object.entries(level.parents)) {
    const score = answer.scores[label];
    scores[parent] = model.scheme.kind === "multi" ? Math.max(scores[parent], score) : scores[parent] + score;
  }
  return { scores, chosen: level.names.filter((name) => answer.chosen.some((label) => level.parents[label] === name)) };
}

// Decided labels first, then by score, as everywhere.
function ranked({ scores, chosen }) {
  const given = ([name]) => Number(chosen.includes(name));
  return Object.entries(scores).sort((a, b) => given(b) - given(a) || b[1] - a[1]);
}

function shown(level, name) {
  return level.display[language]?.[name] ?? name;
}

function summary(level) {
  const words = WORDS[language];
  const item = document.createElement("span");
  item.append((words[level.name] ?? level.name) + words.colon);
  const given = ranked(level).slice(0, level.chosen.length);
  given.forEach(([name], place) => {
    const strong = document.createElement("strong");
    strong.textContent = shown(level, name);
    item.append(place ? words.comma : "", ...sign(level.signs[name]), strong);
  });
  item.append(" ");
  return item;
}

function sign(name) {
  if (!name) return [];
  const image = drawn("svg", { class: `sign ${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" });
  image.append(drawn("path", { d: view.paths[name] }));
  return [image, " "];
}

function row(title, score, { chosen, signs }, name) {
  const item = document.createElement("li");
  const label = document.createElement("span");
  label.className = "name";
  label.append(...sign(signs[name]), title);
  const value = document.createElement("span");
  value.className = "value";
  value.textContent = score.toFixed(2);
  item.append(label, bar(score, signs[name] ?? "", name), value);
  if (chosen.includes(name)) {
    item.className = "given";
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.setAttribute("aria-hidden", "true");
    mark.textContent = " ✓";
    const unseen = document.createElement("span");
    unseen.className = "unseen";
    unseen.textContent = WORDS[language].comma + WORDS[language].given;
    label.append(mark);
    value.append(unseen);
  }
  return item;
}

function bar(score, signName, name) {
  const [low, high] = model.scheme.ranges?.[name] ?? [0, 1];
  const part = high > low ? Math.min(1, Math.max(0, (score - low) / (high - low))) : 0;
  const image = drawn("svg", {
    class: `scorebar ${signName}`, viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true",
  });
  image.append(drawn("rect", { class: "track", width: 100, height: 8 }));
  image.append(drawn("rect", { class: "bar", width: (100 * part).toFixed(1), height: 8 }));
  return image;
}

function drawn(kind, attributes) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
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
  const loaded = await fetch(new URL("view.json", import.meta.url));
  view = await loaded.json();
  model = await Model.load((share) => {
    at("state").textContent = `${WORDS[language].loading} ${Math.round(share * 100)}%`;
  });
  window.insula = model; // for the browser console
  speak();
} catch (error) {
  at("state").textContent = `${WORDS[language].failed}${WORDS[language].gap}${error.message}`;
}
