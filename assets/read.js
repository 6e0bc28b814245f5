// Whoever looks at the messages has read them; without scripts the button does the same.
const form = document.querySelector("[data-read]");
if (form && document.visibilityState === "visible" && !document.prerendering) {
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (answer.ok) form.remove();
}
