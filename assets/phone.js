// Sends what a person would only have to press once they see the page; without scripts they press it.
const once = document.querySelector("[data-once]");
const isSeen = () => document.visibilityState === "visible" && !document.prerendering;
if (once && isSeen()) once.requestSubmit();
else if (once) {
  const send = () => isSeen() && once.requestSubmit();
  document.addEventListener("visibilitychange", send, { once: true });
  document.addEventListener("prerenderingchange", send, { once: true });
}

// The browser may turn back, and the code may end: the page then says so.
const phone = document.querySelector("[data-phone]");
if (phone) {
  const source = new EventSource(`${phone.dataset.phone}/events`);
  source.onmessage = (event) => {
    if (JSON.parse(event.data).state === "scanned") return;
    source.close();
    location.replace(phone.dataset.phone);
  };
  phone.querySelector("form").addEventListener("submit", () => source.close());
}
