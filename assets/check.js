// The environment check: each item by itself, with the next step of what fails.
import { Agent, AgentError, Picker, challenge, codeOf, permission } from "./agent.js";

const root = document.querySelector("[data-check]");
const picker = new Picker(root);
const pin = root.querySelector("[data-pin]");
// The agent refuses a challenge where the clocks are further apart.
const CLOCK_DIFFERENCE = 300;

function mark(id, isGood, detail = "") {
  const item = root.querySelector(`[data-item="${id}"]`);
  item.dataset.state = isGood === null ? "open" : isGood ? "good" : "bad";
  item.querySelector("[data-mark]").textContent = isGood === null ? "" : root.dataset[isGood ? "good" : "bad"];
  item.querySelector("[data-detail]").textContent = detail;
  item.querySelector("[data-next]").hidden = isGood !== false;
}

function reset() {
  for (const item of root.querySelectorAll("[data-item]")) mark(item.dataset.item, null);
}

async function agentItems(agent) {
  mark("agent", true, agent.version);
  const { items } = await agent.env();
  const of = (id) => items.filter((item) => item.id === id || item.id.startsWith(`${id}.`));
  const drivers = of("driver");
  const works = drivers.some((item) => item.ok);
  // What is not configured is nobody's concern; a library tells its own name, or why it fails.
  const told = drivers.filter((item) => item.ok === works && item.detail !== "not configured");
  const detail = (item) => (item.ok && item.id === "driver.soft" ? root.dataset.soft : item.detail);
  mark("driver", works, told.map(detail).filter(Boolean).join(" · "));
  const [token] = of("token");
  mark("token", token?.ok === true, token?.detail ?? "");
  const [certificates] = of("certificates");
  const { national = 0, other = 0 } = certificates ?? {};
  mark("certificates", certificates?.ok === true, `${picker.words.national} ${national} · ${picker.words.other} ${other}`);
  const [clock] = of("clock");
  const asked = await challenge(root.dataset.challenge);
  const apart = Math.abs(Date.parse(clock?.agent_time ?? "") / 1000 - asked.now);
  mark("clock", apart <= CLOCK_DIFFERENCE, Number.isFinite(apart) ? `${Math.round(apart)} s` : "");
}

root.querySelector("[data-look]").addEventListener("click", async (event) => {
  event.target.disabled = true;
  reset();
  mark("secure", window.isSecureContext);
  try {
    const agent = await Agent.find();
    mark("permission", true);
    await agentItems(agent);
    await picker.look();
  } catch (error) {
    const code = error instanceof AgentError ? error.code : "BACKEND";
    const state = await permission();
    mark("permission", code === "PERMISSION_DENIED" || state === "denied" ? false : state === "granted" ? true : null);
    if (code === "PERMISSION_DENIED") mark("agent", null);
    else if (["NO_AGENT", "ORIGIN_NOT_ALLOWED"].includes(code)) mark("agent", false);
    picker.fail(error);
  }
  event.target.disabled = false;
});

root.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const one = picker.picked();
  if (!one) return;
  const button = root.querySelector("[data-needs]");
  button.disabled = true;
  picker.tell(picker.agent.asksPin ? picker.words.signing : picker.words.window);
  try {
    const asked = await challenge(root.dataset.challenge);
    const signed = await picker.agent.sign(one.key_id, asked.challenge, { pin: pin.value, lastTry: picker.lastTry() });
    picker.forget();
    const body = new URLSearchParams({
      csrf: event.target.elements.csrf.value, sealed: asked.sealed, certificate: signed.certificate,
      chain: signed.chain.join(" "), signature: signed.signature,
    });
    const answer = await fetch(event.target.action, { method: "POST", body }).catch(() => null);
    if (!answer?.ok) throw new AgentError("SERVER");
    const told = await answer.json();
    mark("trial", told.ok, told.text);
    picker.tell(told.text, told.code);
  } catch (error) {
    const isLast = error.code === "PIN_REQUIRED" && error.triesLeft === 1;
    if (!isLast) picker.forget();
    picker.fail(error);
    mark("trial", false, codeOf(error));
  }
  picker.ready(button);
});
