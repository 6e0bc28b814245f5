// Certificates of the token in the account centre, and their PIN: changed by the agent, told to the
// server only as having happened.
import { AgentError, Picker, permission } from "./agent.js";

const root = document.querySelector("[data-certificates]");
const picker = new Picker(root);
const form = root.querySelector("form");
const { old, fresh, repeated, csrf } = form.elements;

async function list() {
  const ders = picker.found.map((one) => one.der).join(" ");
  // An agent of before tells nothing of what stands above.
  const chain = [...new Set(picker.found.flatMap((one) => one.chain ?? []))].join(" ");
  const body = new URLSearchParams({ csrf: csrf.value, ders, chain });
  const answer = await fetch(root.dataset.list, { method: "POST", body }).catch(() => null);
  if (!answer?.ok || !answer.headers.get("content-type")?.startsWith("application/json")) throw new AgentError("SERVER");
  for (const group of root.querySelectorAll("[data-kind]")) {
    group.hidden = true;
    group.querySelector("tbody").replaceChildren();
  }
  for (const one of await answer.json()) {
    const group = root.querySelector(`[data-kind="${one.is_national ? "national" : "other"}"]`);
    const row = group.querySelector("tbody").insertRow();
    const titles = [...group.querySelectorAll("th")].map((title) => title.textContent);
    const cells = [one.subject, one.issuer, one.serial, `${one.from} – ${one.to}`, one.state];
    for (const [at, text] of cells.entries()) {
      const cell = row.insertCell();
      cell.dataset.label = titles[at];
      cell.textContent = text;
    }
    row.dataset.bound = one.is_bound;
    group.hidden = false;
  }
}

const looker = root.querySelector("[data-look]");

async function look() {
  looker.disabled = true;
  try {
    if ((await picker.look()).length) await list();
  } catch (error) {
    picker.fail(error);
  }
  form.hidden = picker.found.length === 0;
  looker.disabled = false;
}

looker.addEventListener("click", look);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const one = picker.picked();
  if (!one) return;
  const button = form.querySelector("[data-needs]");
  if (picker.agent.asksPin && fresh.value !== repeated.value) {
    picker.fail(new AgentError("PIN_NOT_EQUAL"));
    return repeated.focus();
  }
  button.disabled = true;
  picker.tell(picker.agent.asksPin ? picker.words.signing : picker.words.window);
  try {
    await picker.agent.changePin(one.key_id, { old: old.value, new: fresh.value, lastTry: picker.lastTry() });
    picker.forget();
    await fetch(form.action, { method: "POST", body: new URLSearchParams({ csrf: csrf.value, act: "changed" }) }).catch(() => null);
    picker.tell(picker.words.changed);
    picker.said.className = "notice success";
  } catch (error) {
    const isLast = error.code === "PIN_REQUIRED" && error.triesLeft === 1;
    if (!isLast) picker.forget();
    picker.fail(error);
  }
  picker.ready(button);
});

// Where the browser would ask, it asks after a click alone; where it has been allowed, the list is there at once.
if ((await permission()) === "granted") await look();
