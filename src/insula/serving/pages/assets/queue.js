// Single keys for agents: j and k move, the others press the button or follow the link of the page that has their name.
// They can be switched off (WCAG 2.1.4), and do nothing in a field or together with Ctrl, Alt or Meta.

const OFF = "insula-shortcuts-off";
const BUTTONS = { c: "step-claim", n: "step-next", r: "step-release", w: "step-renew", u: "queue-back" };
const lines = [...document.querySelectorAll("#cases a")];
const box = document.getElementById("shortcuts-on");

box.checked = !isOff();
box.addEventListener("change", () => {
  try {
    localStorage.setItem(OFF, box.checked ? "" : "yes");
  } catch {
    // storage is switched off: the choice lasts as long as the page
  }
});

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key === "Escape" && field.matches("input, textarea")) return field.blur();
  if (!box.checked || event.ctrlKey || event.altKey || event.metaKey) return;
  if (field.matches("input, textarea, select")) return;
  if (event.key === "j") move(event, 1, "case-later");
  else if (event.key === "k") move(event, -1, "case-earlier");
  else if (event.key === "d" && document.getElementById("outcome")) {
    event.preventDefault(); // the letter would be typed into the field
    document.getElementById("outcome").focus();
  } else document.getElementById(BUTTONS[event.key])?.click();
});

function move(event, step, other) {
  if (!lines.length) return document.getElementById(other)?.click();
  event.preventDefault();
  const place = lines.indexOf(document.activeElement);
  lines[Math.min(Math.max(place + step, 0), lines.length - 1)].focus();
}

function isOff() {
  try {
    return localStorage.getItem(OFF) === "yes";
  } catch {
    return false;
  }
}
