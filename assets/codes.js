// Recovery codes are shown once: copied or printed from here. Without scripts they are written down.
const codes = [...document.querySelectorAll("#codes code")].map((code) => code.textContent);
const copy = document.getElementById("codes-copy");
document.getElementById("keep-codes").hidden = false;
document.getElementById("codes-print").addEventListener("click", () => window.print());
if (!navigator.clipboard) copy.hidden = true;
copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(codes.join("\n"));
  document.getElementById("codes-said").textContent = copy.dataset.copied;
});
