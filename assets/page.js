// What every page may have: a password that can be looked at, a slider, values that are kept when a tab or
// the language changes, seconds that are counted, eyes that open in place. Without scripts every page works.

for (const button of document.querySelectorAll("[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shows = field.type === "password";
    field.type = shows ? "text" : "password";
    button.setAttribute("aria-pressed", String(shows));
  });
  field.form.addEventListener("submit", () => { field.type = "password"; });
}

for (const slider of document.querySelectorAll("[data-slider]")) {
  const range = slider.querySelector("input[type=range]");
  const said = slider.querySelector("[data-slider-done]");
  const look = () => {
    const isDone = Number(range.value) >= 95;
    slider.classList.toggle("done", isDone);
    said.textContent = isDone ? said.dataset.sliderDone : "";
  };
  range.addEventListener("input", look);
  // Whoever lets go a hair before the end has drawn it; whoever lets go earlier begins again.
  range.addEventListener("change", () => {
    range.value = Number(range.value) >= 95 ? "100" : range.value;
    look();
  });
  look();
}

// Passwords are not kept: what is written here may reach the disk.
const kept = document.querySelector("form[data-kept]");
if (kept) {
  const fields = () => [...kept.elements].filter(
    (one) => one.name && !["hidden", "password", "checkbox", "range", "submit", "button"].includes(one.type) && !one.dataset.shows,
  );
  const name = `typed-${kept.dataset.kept}`;
  for (const link of document.querySelectorAll("a[data-keeps]")) {
    link.addEventListener("click", () => {
      const typed = fields().filter((one) => one.type !== "radio" || one.checked).map((one) => [one.name, one.value]);
      const before = JSON.parse(sessionStorage.getItem(name) ?? "{}");
      sessionStorage.setItem(name, JSON.stringify({ ...before, ...Object.fromEntries(typed) }));
    });
  }
  const typed = JSON.parse(sessionStorage.getItem(name) ?? "{}");
  for (const one of fields()) {
    if (!(one.name in typed)) continue;
    if (one.type === "radio") one.checked = one.value === typed[one.name];
    else if (!one.value || one.type === "select-one") one.value = typed[one.name];
  }
  kept.addEventListener("submit", () => sessionStorage.removeItem(name));
}

for (const counter of document.querySelectorAll("[data-counts]")) {
  let left = Number(counter.dataset.counts);
  const words = counter.textContent;
  const isButton = counter.tagName === "BUTTON";
  counter.disabled = isButton;
  // What the button counts itself need not be said beside it.
  if (isButton && counter.nextElementSibling) counter.nextElementSibling.hidden = true;
  const tick = () => {
    if (isButton) counter.textContent = left > 0 ? counter.dataset.counting.replace("…", left) : words;
    else if (left > 0) counter.textContent = words.replace(/\d+/, Math.ceil(left / 60));
    if (left <= 0) {
      counter.disabled = false;
      clearInterval(timer);
    }
    left -= 1;
  };
  const timer = setInterval(tick, 1000);
  tick();
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-eyes]") || event.submitter?.name !== "field") return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = page && page.querySelector("form[data-eyes]") && page.querySelector(".centre");
  if (!main) return location.reload();
  document.querySelector(".centre").replaceWith(document.adoptNode(main));
  const field = document.getElementById(`f-${event.submitter.value}`);
  field.tabIndex = -1;
  field.focus({ preventScroll: true });
});
