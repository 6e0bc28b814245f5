// The door for certificates: looks for them, has the server's challenge signed, sends what was signed.
import { Picker, challenge } from "./agent.js";

const root = document.querySelector("[data-certificate]");
const picker = new Picker(root);
const form = root.querySelector("form");
const pin = form.querySelector("[data-pin]");

root.querySelector("[data-look]").addEventListener("click", async (event) => {
  event.target.disabled = true;
  await picker.look();
  event.target.disabled = false;
  if (picker.found.length && picker.agent.asksPin) pin.focus();
});

form.addEventListener("submit", async (event) => {
  if (form.elements.signature.value) return;
  event.preventDefault();
  const one = picker.picked();
  if (!one) return;
  const button = event.submitter ?? form.querySelector("[data-needs]");
  button.disabled = true;
  picker.tell(picker.agent.asksPin ? picker.words.signing : picker.words.window);
  try {
    const asked = await challenge(root.dataset.challenge);
    const signed = await picker.agent.sign(one.key_id, asked.challenge, { pin: pin.value, lastTry: picker.lastTry() });
    form.elements.sealed.value = asked.sealed;
    form.elements.certificate.value = signed.certificate;
    form.elements.chain.value = signed.chain.join(" ");
    form.elements.signature.value = signed.signature;
    picker.forget();
    await picker.agent.close();
    form.requestSubmit();
  } catch (error) {
    const isLast = error.code === "PIN_REQUIRED" && error.triesLeft === 1;
    if (!isLast) picker.forget();
    picker.fail(error);
    picker.ready(button);
    if (picker.agent?.asksPin) pin.focus();
  }
});
