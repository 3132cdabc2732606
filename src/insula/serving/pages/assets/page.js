// What the pages do beyond their forms and links: examples, Ctrl+Enter, copying, the texts of this tab, uploads.
// Without JavaScript the forms still work; what needs it has the mark data-script and is hidden until then.

const TEXTS = "insula-texts";
const FILES = "insula-files";
const MOST = 20;
const at = (id) => document.getElementById(id);

for (const one of document.querySelectorAll("[data-script]")) one.hidden = false;
document.addEventListener("click", copyText);
for (const form of document.querySelectorAll("form.ask")) form.addEventListener("keydown", sendByKeys);
if (at("history")) tryTexts(document.querySelector("form.ask"), at("text"));
if (at("upload")) uploads(at("upload"));
if (at("board")) keepBoard(at("board"));
if (document.querySelector("form.ask[action='/login']")) {
  keep(TEXTS, []); // the next person need not see them
  keep(FILES, []);
}

function tryTexts(form, field) {
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
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.xhr.status !== 200 || event.detail.target.id !== "scores") return;
    const decision = document.querySelector("#said .decision")?.textContent ?? "";
    const entry = { text: field.value, model: at("model")?.value ?? "", decision };
    if (!entry.text.trim()) return;
    const others = kept(TEXTS).filter((one) => one.text !== entry.text || one.model !== entry.model);
    keep(TEXTS, [entry, ...others].slice(0, MOST));
    showTexts(ask);
  });
  at("history-clear").addEventListener("click", () => {
    keep(TEXTS, []);
    showTexts(ask);
    field.focus();
  });
  showTexts(ask);
}

// An update of the dashboard leaves open what is open, and says when none comes.
function keepBoard(board) {
  let open = [];
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    event.detail.shouldSwap &&= event.detail.xhr.status === 200; // the last figures stay below an error
    open = [...board.querySelectorAll("details[open]")].map((one) => one.id);
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    for (const id of open) if (at(id)) at(id).open = true;
  });
  const warning = at("board-stale").firstElementChild;
  document.body.addEventListener("htmx:afterRequest", (event) => {
    warning.hidden = [200, 204].includes(event.detail.xhr.status);
  });
}

function sendByKeys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
}

async function copyText(event) {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = at(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    field.select(); // the clipboard is open to pages over HTTPS and on this machine only
    document.execCommand("copy");
    button.focus();
  }
  at("said").replaceChildren(Object.assign(document.createElement("p"), { textContent: button.dataset.copied }));
}

function showTexts(ask) {
  const entries = kept(TEXTS);
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

function uploads(form) {
  const kinds = { csv: "text/csv", tsv: "text/tab-separated-values", jsonl: "application/x-ndjson", ndjson: "application/x-ndjson" };
  const { sending, sent, failed, kind: wrongKind, size: tooLarge } = form.dataset;
  const button = form.querySelector("button");
  const bar = at("upload-progress");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const file = at("file").files[0];
    const kind = kinds[file?.name.split(".").pop().toLowerCase()];
    if (!kind) return say(wrongKind, true);
    const query = new URLSearchParams({ lang: form.elements.lang.value });
    if (at("model")) query.set("model", at("model").value);
    if (at("column").value.trim()) query.set("text", at("column").value.trim());
    if (at("header").value) query.set("header", at("header").value);
    const request = new XMLHttpRequest(); // fetch does not tell how much of a body was sent
    request.open("POST", `/pages/files?${query}`);
    request.setRequestHeader("content-type", kind);
    request.setRequestHeader("x-csrf-token", form.elements.token.value);
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      bar.value = total ? Math.round((100 * loaded) / total) : 0;
    });
    request.addEventListener("loadend", () => {
      bar.hidden = true;
      button.disabled = false;
      // The server stops reading what is too large: the browser then may see the answer, or only the end.
      if (request.status === 413) return say(tooLarge, true);
      if (request.status !== 202) return say(request.response?.message ?? failed, true);
      keep(FILES, [[request.response.id, file.name], ...kept(FILES)].slice(0, MOST));
      say(sent);
      form.reset();
      htmx.ajax("GET", `/pages/files/jobs?lang=${form.elements.lang.value}`, { target: "#jobs", swap: "outerHTML" });
    });
    bar.value = 0;
    bar.hidden = false;
    button.disabled = true;
    say(sending);
    request.send(file);
  });
  document.body.addEventListener("htmx:afterSettle", nameFiles);
  nameFiles();

  function say(text, isWrong = false) {
    const line = document.createElement("p");
    line.className = isWrong ? "wrong" : "";
    line.textContent = text;
    at("upload-state").replaceChildren(line);
  }
}

function nameFiles() {
  for (const [id, name] of kept(FILES)) {
    const title = document.querySelector(`[data-file="${CSS.escape(id)}"]`);
    if (title) title.textContent = name;
  }
}

function kept(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? "[]");
  } catch {
    return []; // storage is switched off
  }
}

function keep(key, entries) {
  try {
    sessionStorage.setItem(key, JSON.stringify(entries));
  } catch {
    // full, or switched off: they are gone with the page
  }
}
