// What the pages do beyond their forms: examples, Ctrl+Enter, and the texts that were tried in this tab.
// Without JavaScript the forms and links work; what needs it is marked data-script and hidden until then.

const KEY = "insula-texts";
const MOST = 20;
const at = (id) => document.getElementById(id);
const form = document.querySelector("form.ask");
const field = at("text");

for (const one of document.querySelectorAll("[data-script]")) one.hidden = false;

if (form && field) {
  const ask = (text, model) => {
    field.value = text;
    if (model && at("model")) at("model").value = model;
    form.requestSubmit();
  };
  for (const one of document.querySelectorAll("[data-example]")) {
    one.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a new tab, as for any link
      event.preventDefault();
      ask(one.textContent);
    });
  }
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.xhr.status !== 200 || event.detail.target.id !== "scores") return;
    const decision = document.querySelector("#said .decision")?.textContent ?? "";
    const entry = { text: field.value, model: at("model")?.value ?? "", decision };
    if (!entry.text.trim()) return;
    keep([entry, ...kept().filter((one) => one.text !== entry.text || one.model !== entry.model)].slice(0, MOST));
    show(ask);
  });
  at("history-clear").addEventListener("click", () => {
    keep([]);
    show(ask);
    field.focus();
  });
  show(ask);
} else {
  keep([]); // at the login: the next person need not see them
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
  } catch {
    return []; // storage is switched off
  }
}

function keep(entries) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(entries));
  } catch {
    // full, or switched off: the texts are gone with the page
  }
}

function show(ask) {
  const entries = kept();
  at("history").hidden = entries.length === 0;
  at("history-list").replaceChildren(
    ...entries.map(({ text, model, decision }) => {
      const again = document.createElement("button");
      again.type = "button";
      again.className = "plain";
      again.textContent = text;
      again.addEventListener("click", () => ask(text, model));
      const said = document.createElement("span");
      said.className = "hint";
      said.textContent = decision;
      const item = document.createElement("li");
      item.append(again, said);
      return item;
    }),
  );
}
