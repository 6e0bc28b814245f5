// Asks the person's device for a passkey when its form is sent, and sends what it made.
for (const form of document.querySelectorAll("form[data-passkey]")) {
  const made = form.querySelector("input[name=made]");
  const failed = form.querySelector("[data-passkey-failed]");
  const options = JSON.parse(form.dataset.passkey);
  const creates = "user" in options;
  const able = window.PublicKeyCredential?.parseRequestOptionsFromJSON;
  form.querySelector("[data-passkey-unable]").hidden = Boolean(able);
  form.querySelector("button[data-passkey-go]").disabled = !able;
  form.addEventListener("submit", async (event) => {
    if (made.value || event.submitter?.hasAttribute("data-passkey-go") === false) return;
    event.preventDefault();
    failed.hidden = true;
    try {
      const credential = creates
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
      made.value = JSON.stringify(credential.toJSON());
      form.requestSubmit(event.submitter);
    } catch {
      failed.hidden = false;
    }
  });
}
