// Speaks with the key agent on this computer (`kagent/1`). Only after a click, or where the browser has been
// allowed: it asks whether the page may reach programs of this computer, and the person knows why.
const PORTS = [17443, 27443, 37443];

export class AgentError extends Error {
  constructor(code, told = {}) {
    super(code);
    this.code = code;
    this.triesLeft = told.tries_left ?? null;
    this.retryIn = told.retry_in ?? null;
  }
}

// Whether the browser lets the page reach this computer: granted, denied, prompt, or unknown to it.
export async function permission() {
  for (const name of ["loopback-network", "local-network-access"]) {
    try {
      return (await navigator.permissions.query({ name })).state;
    } catch {
      // An older browser, which does not ask.
    }
  }
  return "unknown";
}

const isLocal = (host) => ["localhost", "127.0.0.1", "[::1]"].includes(host);

const ask = (url, options) => fetch(url, { credentials: "omit", cache: "no-store", targetAddressSpace: "loopback", ...options });

const nonce = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};

export class Agent {
  // The first that answers this page. One that only answers others and none at all look alike to a
  // page; a request whose answer it may not read tells them apart.
  static async find() {
    let isThere = false;
    for (const port of PORTS) {
      const base = `http://127.0.0.1:${port}`;
      try {
        const answer = await ask(`${base}/v1/hello`);
        const hello = answer.ok ? await answer.json() : null;
        if (hello?.agent === "key-agent") return new Agent(base, hello);
      } catch {
        isThere ||= await ask(`${base}/v1/hello`, { mode: "no-cors" }).then(() => true, () => false);
      }
    }
    if (isThere) throw new AgentError("ORIGIN_NOT_ALLOWED");
    const state = await permission();
    // A page of this computer is not asked about; whoever has turned the question away may be asked again.
    const isAsked = state === "denied" || (state === "prompt" && !isLocal(location.hostname));
    throw new AgentError(isAsked ? "PERMISSION_DENIED" : "NO_AGENT");
  }

  constructor(base, hello) {
    this.base = base;
    this.version = hello.version;
    this.asksPin = hello.pin_mode === "page";
    this.session = null;
  }

  async call(path, body) {
    const headers = { "content-type": "application/json" };
    if (this.session) headers["x-kagent-session"] = this.session;
    let answer;
    try {
      answer = await ask(`${this.base}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    } catch {
      throw new AgentError("NO_AGENT");
    }
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new AgentError(told.error?.code ?? "BACKEND", told.error);
    return told;
  }

  async within(path, body) {
    for (let again = false; ; again = true) {
      if (!this.session) this.session = (await this.call("/v1/session", { page_nonce: nonce() })).session;
      try {
        return await this.call(path, body);
      } catch (error) {
        if (error.code !== "SESSION_EXPIRED" || again) throw error;
        this.session = null;
      }
    }
  }

  env() { return this.within("/v1/env", {}); }

  async certificates() { return (await this.within("/v1/certificates", { filter: { usage: "sign" } })).certificates; }

  // `entry`: the PIN as the page has it, and whether the person goes on though one try is left.
  sign(keyId, challenge, entry) {
    return this.within("/v1/sign", { key_id: keyId, challenge, ...this.pin(entry, { pin: entry.pin }) });
  }

  changePin(keyId, entry) {
    return this.within("/v1/pin/change", { token_of: keyId, ...this.pin(entry, { old: entry.old, new: entry.new }) });
  }

  // Where a window of the computer asks, a page has no business with PINs.
  pin(entry, pins) { return this.asksPin ? { ...pins, last_try: entry.lastTry === true } : {}; }

  async close() { if (this.session) await this.call("/v1/close", {}).catch(() => {}); this.session = null; }
}

// What went wrong, in the words of the page: `words` by code, a number where `…` stands.
export function say(words, error) {
  const key = error.code?.toLowerCase().replaceAll("_", "-") ?? "backend";
  if (key === "pin-incorrect" && error.triesLeft === null) return words["pin-incorrect-uncounted"];
  if (key === "pin-incorrect") return words[key].replace("…", error.triesLeft);
  if (key === "pin-locked" && error.retryIn !== null) return words["pin-rests"].replace("…", Math.ceil(error.retryIn / 60));
  if (key === "pin-required" && error.triesLeft === 1) return words["pin-last"];
  return words[key] ?? words.backend;
}

// The stable code that goes with it.
export function codeOf(error) {
  const code = error.code ?? "BACKEND";
  if (code === "PIN_INCORRECT" || code === "PIN_REQUIRED") return "E_CERT_PIN";
  if (code === "PIN_LOCKED") return "E_CERT_PIN_LOCKED";
  if (code === "NO_CERTIFICATE" || code === "KEY_NOT_FOUND") return "E_CERT_NONE";
  if (["NO_AGENT", "PERMISSION_DENIED", "ORIGIN_NOT_ALLOWED", "NO_DRIVER", "NO_TOKEN"].includes(code)) return "E_CERT_AGENT";
  return "E_CERT_" + code;
}

// The part of a page where a certificate is looked for and picked, with what is said meanwhile.
export class Picker {
  constructor(root) {
    this.root = root;
    this.words = JSON.parse(root.dataset.words);
    this.said = root.querySelector("[data-said]");
    this.list = root.querySelector("[data-list]");
    this.entry = root.querySelector("[data-entry]");
    this.last = root.querySelector("[data-last]");
    this.agent = null;
    this.found = [];
    this.restsUntil = 0;
  }

  tell(text, code) {
    this.said.className = code ? "notice" : text ? "notice info" : "";
    this.said.replaceChildren();
    if (!text) return;
    const line = document.createElement("p");
    line.textContent = text;
    this.said.append(line);
    if (code) {
      const small = document.createElement("p");
      small.className = "code";
      small.textContent = code;
      this.said.append(small);
      this.said.dataset.code = code;
    } else {
      delete this.said.dataset.code;
    }
  }

  fail(error) {
    // One more wrong PIN locks the token: the person says so first.
    if (this.last && error.code === "PIN_REQUIRED" && error.triesLeft === 1) this.last.hidden = false;
    if (error.retryIn) this.restsUntil = Date.now() + error.retryIn * 1000;
    this.tell(say(this.words, error), codeOf(error));
  }

  // Not before a token that rests may be tried again.
  ready(button) {
    const rest = this.restsUntil - Date.now();
    button.disabled = rest > 0;
    if (rest > 0) setTimeout(() => { button.disabled = false; }, rest);
  }

  async look() {
    this.tell(this.words.looking);
    try {
      this.agent = await Agent.find();
      this.found = await this.agent.certificates();
      this.show();
      this.tell(this.words.found.replace("…", this.found.length));
    } catch (error) {
      this.found = [];
      this.show();
      this.fail(error);
    }
    return this.found;
  }

  show() {
    this.list.replaceChildren(...this.found.map((one, at) => {
      const label = document.createElement("label");
      label.className = "choice certificate";
      const radio = document.createElement("input");
      radio.type = "radio";
      radio.name = "key";
      radio.value = one.key_id;
      radio.checked = at === 0;
      const kind = one.algorithm === "sm2-sm3" ? this.words.national : this.words.other;
      const text = document.createElement("span");
      const title = document.createElement("strong");
      title.textContent = one.label;
      const pill = document.createElement("span");
      pill.className = "pill";
      pill.textContent = kind;
      text.append(title, " ", pill);
      label.append(radio, text);
      return label;
    }));
    const has = this.found.length > 0;
    this.list.closest("fieldset").hidden = !has;
    this.entry.hidden = !has || !this.agent?.asksPin;
    for (const button of this.root.querySelectorAll("[data-needs]")) {
      if (has) this.ready(button);
      else button.disabled = true;
    }
  }

  picked() {
    const id = this.list.querySelector("input:checked")?.value;
    return this.found.find((one) => one.key_id === id);
  }

  lastTry() { return this.last ? this.last.querySelector("input").checked : false; }

  // A PIN does not stay in the page.
  forget() {
    for (const field of this.root.querySelectorAll("input[type=password]")) field.value = "";
    if (this.last) { this.last.hidden = true; this.last.querySelector("input").checked = false; }
  }
}

// Where there is none to give, another tab has gone on with the sign-in or it is over: the server leads the page
// there, or says so. `manual`: what it leads to is for the person, not for a script.
export async function challenge(url) {
  const answer = await fetch(url, { cache: "no-store", redirect: "manual" }).catch(() => null);
  if (answer?.ok && answer.headers.get("content-type")?.startsWith("application/json")) return answer.json();
  if (!answer || answer.status >= 500) throw new AgentError("SERVER");
  location.assign(url.replace("/challenge", ""));
  return new Promise(() => {});
}
